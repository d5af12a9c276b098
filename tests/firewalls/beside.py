# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway whose firewall another program owns, set up by the lines of docs/gateways.md."""

import json
import re
import shutil
from pathlib import Path

from lab import Daemon
from lab.case import CallTest
from lab.daemon import binary
from lab.firewall import ETC, Firewall
from lab.sip import Dialog, sdp

SOURCE = Path(__file__).resolve().parents[2]
DOCUMENT = SOURCE / "docs/gateways.md"
OURS = "inet dpinholer"
# By which this lab queues where the kernel has no such statement.
OF_THE_LAB = {"ip security", "ip6 security"}
IPTABLES = ("iptables", "ip6tables")
# As systemd does, for the one unit that is only rules; the daemon is started by the tests.
SYSTEMCTL = """#!/bin/sh
for word; do
    if [ "$word" = dpinholer-standalone ]; then
        sh -ec "$(sed -n s/^ExecStart=//p {unit})" || exit
    fi
done
"""
# Loads only the module that the document names; many kernels have it built in.
MODPROBE = """#!/bin/sh
[ "$1" = br_netfilter ] && { [ -e /proc/sys/net/bridge ] || exec /sbin/modprobe "$1"; }
"""


def blocks(title):
    """The fenced blocks of a section of the document: (language, text)."""
    text = DOCUMENT.read_text()
    section = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#+ [A-Za-z]|\Z)", re.sub(
        r"^```.*?^```$", lambda block: block.group().replace("\n# ", "\n\0 "), text, flags=re.DOTALL | re.MULTILINE),
        re.DOTALL | re.MULTILINE)
    found = re.findall(r"^```(\w*)\n(.*?)^```$", section.group(2).replace("\0", "#"), re.DOTALL | re.MULTILINE)
    if not found:
        raise AssertionError(f"{DOCUMENT} has nothing to do in {title}")
    return found


class GatewayTest(CallTest):
    """Ports of the range that the document has."""

    OUTSIDE_PORT, INSIDE_PORT = 20000, 18000

    def setUp(self):
        super(CallTest, self).setUp()
        self.firewall.table = "dpinholer"

    def clear(self):
        self.take_iptables("nft")
        for tool in IPTABLES:
            self.network.gateway.run("sh", "-ec", f"{tool}-legacy -P FORWARD ACCEPT; {tool}-legacy -F; {tool}-legacy -X")
        self.firewall.clear()
        shutil.rmtree(ETC, ignore_errors=True)
        Firewall.install()
        shutil.copy(SOURCE / "etc/dpinholer.toml", ETC)
        for name, text in (("systemctl", SYSTEMCTL.format(unit=SOURCE / "systemd/dpinholer-standalone.service")),
                           ("modprobe", MODPROBE)):
            fake = Path("/usr/local/sbin") / name
            fake.write_text(text)
            fake.chmod(0o755)

    def follow(self, title):
        """What the document says there, on the gateway."""
        for language, text in blocks(title):
            head, _, rest = text.partition("\n")
            if language == "sh":
                for line in text.splitlines():
                    self.network.gateway.run("sh", "-ec", line)
            elif language == "toml":
                self.configure(Path(head.removeprefix("# ")), rest)
            elif language == "nft" and head.startswith("# /etc/dpinholer/"):
                self.set(Path(head.removeprefix("# ")), rest.splitlines())

    @staticmethod
    def configure(file, text):
        """Keys of TOML, each into its section."""
        content = file.read_text()
        for section, keys in re.findall(r"^(\[\S+\]\n)((?:[^[\n].*\n)+)", text, re.MULTILINE):
            if section not in content:
                raise AssertionError(f"{file} has no {section}")
            content = content.replace(section, section + keys)
        file.write_text(content)

    @staticmethod
    def set(file, lines):
        """Each line in place of the one that has it as a comment, or another value in it."""
        for line in lines:
            text = file.read_text()
            begin = line.split("=")[0] if "=" in line else line
            changed = re.sub(rf"^(\s*)#?{re.escape(begin)}.*$", lambda found: found.group(1) + line, text, count=1,
                             flags=re.MULTILINE)
            if line not in changed:
                raise AssertionError(f"{file} has no line like {line}")
            file.write_text(changed)

    def take_iptables(self, kind):
        """Which of the two `iptables` is, as Debian's alternatives have it: nft or legacy."""
        for tool in IPTABLES:
            for suffix in ("", "-save", "-restore"):
                link = Path(f"/etc/alternatives/{tool}{suffix}")
                link.unlink()
                link.symlink_to(f"/usr/sbin/{tool}-{kind}{suffix}")

    def theirs(self):
        """All rules but ours, by table."""
        listed = self.firewall.nft("-s", "list", "ruleset")
        tables = dict(re.findall(r"^table (\S+ \S+) \{(.*?)^\}", listed, re.DOTALL | re.MULTILINE))
        legacy = {tool: re.sub(r"\[\d+:\d+\]|^#.*", "", self.network.gateway.run(tool).stdout, flags=re.MULTILINE)
                  for tool in ("iptables-legacy-save", "ip6tables-legacy-save")}
        return {name: rules for name, rules in tables.items() if name not in OF_THE_LAB | {OURS}} | legacy

    def daemon(self):
        """As the unit starts it, with the file that the document made."""
        return Daemon(self.network.gateway, (ETC / "dpinholer.toml").read_text())

    def findings(self):
        """Of `dpinholer check`."""
        *found, _ = map(json.loads, self.check().splitlines())
        return found

    def check(self):
        """What `dpinholer check --json` says."""
        return self.network.gateway.run(binary(), "check", "--json", "--config", ETC / "dpinholer.toml",
                                        check=False).stdout

    def load_ours(self):
        self.follow("A table of its own")
        self.firewall.queue_as_shipped()

    def assert_shut(self, sender, receiver, phones):
        """No media passes: what is sent has not arrived when SIP that follows it has."""
        sent = sender.send(receiver.address, receiver.port, 20)
        self.assert_sip_passes(phones)
        self.assertEqual(self._arrived(sender, receiver, sent), [])

    def assert_sip_passes(self, phones):
        one, other = phones
        for sender, receiver in ((one, other), (other, one)):
            sender.pass_to(receiver, Dialog(sender, receiver).request("OPTIONS"))

    def assert_calls_and_nothing_else(self, family, range_open, load_ours=None):
        """`range_open`: whether the firewall lets media pass before ours is loaded."""
        phones, media = self.phones(family), self.media_ports(family)
        both = (media, tuple(reversed(media)))
        outside, inside = media
        if range_open:
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
        else:
            self.assert_shut(outside, inside, phones)
        before = self.theirs()
        (load_ours or self.load_ours)()
        self.assertEqual(self.theirs(), before)
        with self.daemon() as daemon:
            self.assertEqual(self.findings(), [])
            for sender, receiver in both:
                self.assert_shut(sender, receiver, phones)
            for caller, callee in (phones, tuple(reversed(phones))):
                self.assert_one_call(family, caller, callee, phones, media)
            self.assertNotIn("no pinhole to", daemon.log())
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.theirs(), before)
        for sender, receiver in both:
            self.assert_shut(sender, receiver, phones)

    def assert_one_call(self, family, caller, callee, phones, media):
        outside, inside = media
        stranger = self.rtp_port(self.network.outside, family, family.stranger, 0)
        ports = {phones[0]: self.OUTSIDE_PORT, phones[1]: self.INSIDE_PORT}
        dialog = self.establish(caller, callee, sdp(caller, ports[caller]), sdp(callee, ports[callee]))
        self.assertEqual(len(self.destinations()), 4)
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        self.assert_shut(stranger, inside, phones)
        counted = [element.packets for element in self.firewall.open_pinholes()[f"sip_rtp{family.digit}_from"]]
        self.assertEqual(len([packets for packets in counted if packets >= 20]), 2, counted)
        outside.stream(inside.address, inside.port)
        inside.stream(outside.address, outside.port)
        self.assertTrue(self.arrives(outside, inside) and self.arrives(inside, outside))
        self.hang_up(dialog, caller, callee)
        self.assertEqual(self.destinations(), set())
        for sender, receiver in ((outside, inside), (inside, outside)):
            self.assert_stops(sender, receiver)
        for port in media:
            port.stop_streaming()
