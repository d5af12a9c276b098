# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads the shipped rules and reads the sets."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

NFT = Path(__file__).resolve().parents[3] / "nft"
# The folders where a package puts them.
ETC, SHARE = Path("/etc/dpinholer"), Path("/usr/share/dpinholer/nft")
QUEUE = re.compile(r"^\s*queue flags bypass to \$sip_queues$", re.MULTILINE)


@functools.cache
def has_native_queue():
    """Whether this kernel has nftables' own `queue` statement. Some have only the target of iptables."""
    probe = "add table inet t; add chain inet t c; add rule inet t c queue flags bypass to 0"
    return subprocess.run(["unshare", "--net", "nft", probe], capture_output=True).returncode == 0


@dataclass(frozen=True)
class Element:
    key: tuple  # ("192.0.2.2", 30000), in the _from sets with the source first
    expires: int  # seconds
    comment: str
    packets: int


class Firewall:
    """The nftables of one host. Where the kernel lacks the `queue` statement, and only there, the shipped files
    are loaded without that one line, and iptables-nft adds the rules that do the same."""

    def __init__(self, host, table="filter"):
        """`table`: of family inet, where the sets are."""
        self._host = host
        self.table = table

    def clear(self):
        """No rules, no sets, no connections."""
        self.nft("flush", "ruleset")
        self._host.run("conntrack", "-F")

    def load(self, file=NFT / "gateway.nft", options=(), lines=(), hooks=("FORWARD",), size=None):
        """`nft -f file`, where its includes are the shipped ones. `options`, `lines` and `size`: as for install."""
        with tempfile.TemporaryDirectory() as folder:
            etc = Path(folder) / "dpinholer"
            self.install(etc, Path(folder) / "share", options, lines, size)
            # nft looks below /etc first; an installed package must not be what is tested.
            if Path("/etc/dpinholer").is_dir():
                subprocess.run(["mount", "--bind", etc, "/etc/dpinholer"], check=True)
            try:
                self.nft("-I", folder, "-f", etc / file.name if file.parent == NFT / "etc" else file)
            finally:
                if os.path.ismount("/etc/dpinholer"):
                    subprocess.run(["umount", "/etc/dpinholer"], check=True)
        self.queue_as_shipped(hooks)

    @staticmethod
    def install(etc=ETC, share=SHARE, options=(), lines=(), size=None):
        """The shipped files in these folders. `options`: of dpinholer.nft, to be taken into use, by the names of the
        files. `lines`: lines that stand there as comments, to be taken into use. `size`: of the sets for UDP media, in
        elements."""
        wanted = [f'include "{ETC if (NFT / "etc" / name).exists() else SHARE}/{name}"'
                  for name in (f"{option}.nft" for option in options)]
        wanted += lines
        for folder, files in ((share, NFT.glob("*.nft")), (etc, (NFT / "etc").glob("*.nft"))):
            folder.mkdir(parents=True, exist_ok=True)
            for source in files:
                text = source.read_text()
                for line in [line for line in wanted if f"#{line}\n" in text]:
                    text = text.replace(f"#{line}\n", f"{line}\n")
                    wanted.remove(line)
                if size is not None:
                    text = re.sub(r"\bsize \d+", f"size {size}", text)
                if not has_native_queue():
                    text = QUEUE.sub("", text)
                (folder / source.name).write_text(text.replace(str(SHARE), str(share)).replace(str(ETC), str(etc)))
        shutil.copytree(NFT / "openwrt", share / "openwrt", dirs_exist_ok=True)
        if wanted:
            raise ValueError(f"the shipped files don't have: {', '.join(wanted)}")

    def queue_as_shipped(self, hooks=("FORWARD",)):
        """What was left out of the rules where this kernel can't do it."""
        if not has_native_queue():
            self._queue_by_iptables(hooks)

    def _queue_by_iptables(self, hooks):
        for tool in ("iptables-nft", "ip6tables-nft"):
            self._host.run(tool, "-t", "security", "-F")
            for hook in hooks:
                for protocol in ("udp", "tcp"):
                    for port in ("--dport", "--sport"):
                        self._host.run(tool, "-t", "security", "-A", hook, "-p", protocol, port, "5060",
                                       "-j", "NFQUEUE", "--queue-num", "0", "--queue-bypass")

    def queue_sip(self):
        """Queues SIP over UDP without the shipped rules; the table inet filter is there."""
        if not has_native_queue():
            return self._queue_by_iptables(("FORWARD",))
        self.nft("add chain inet filter signalling { type filter hook forward priority filter; }")
        for port in ("dport", "sport"):
            self.nft(f"add rule inet filter signalling udp {port} 5060 queue flags bypass to 0")

    def nft(self, *words):
        return self._host.run("nft", *words).stdout

    def delete_rule(self, chain, text):
        """The one rule of a chain of inet filter that reads so."""
        listed = self.nft("-a", "list", "chain", "inet", "filter", chain)
        handle, = re.findall(rf"^\s*{re.escape(text)} # handle (\d+)$", listed, re.MULTILINE)
        self.nft("delete", "rule", "inet", "filter", chain, "handle", handle)

    def show(self, name):
        """What a person sees: `nft list set`."""
        return self.nft("list", "set", "inet", self.table, name)

    def elements(self, name, table=None):
        listed = json.loads(self.nft("-j", "list", "set", "inet", table or self.table, name))
        found = next(item["set"] for item in listed["nftables"] if "set" in item)
        return [self._element(item["elem"]) for item in found.get("elem", [])]

    def open_pinholes(self):
        """All elements of all sets for UDP media, by set; only sets that have any."""
        names = ("sip_rtp4", "sip_rtp6", "sip_rtp4_from", "sip_rtp6_from")
        return {name: elements for name in names if (elements := self.elements(name))}

    @staticmethod
    def _element(item):
        value = item["val"]
        key = tuple(value["concat"]) if isinstance(value, dict) else (value,)
        return Element(key, item.get("expires", 0), item.get("comment", ""),
                       item.get("counter", {}).get("packets", 0))

    def conntrack(self, family, *words):
        """`conntrack -L`, one entry a line."""
        listed = self._host.run("conntrack", "-L", "-f", "ipv4" if family.digit == "4" else "ipv6", *words,
                                check=False)
        return listed.stdout.splitlines()
