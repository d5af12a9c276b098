# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program loads a ruleset that takes the kernel seconds, and nobody else may change one meanwhile: attack A31
of docs/security.md."""

import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import CallTest
from lab.daemon import binary
from lab.network import IPV4
from lab.sip import Dialog, kind, sdp

PATIENCE = 1.0  # seconds: long beside what this machine may make a process wait
SLACK = 1.5  # other things may go on, too
LONG = 4 * PATIENCE  # that the kernel is to be busy


def ruleset(elements):
    """A set of ranges: what the kernel needs for it grows with the square of its size."""
    key = "10.{0}.{1}.1-10.{0}.{1}.{2} . {3}-{4} . 10.{1}.{0}.7-10.{1}.{0}.99"
    lines = (key.format(i >> 8 & 255, i & 255, 3 + i % 200, 1000 + i % 50000, 1007 + i % 50000)
             for i in range(elements))
    return ("table inet busy {\n set s {\n type ipv4_addr . inet_service . ipv4_addr\n flags interval\n elements = {\n"
            + ",\n".join(lines) + "\n}\n}\n}\n")


def long_ruleset(folder):
    """A file over which the kernel of this machine sits so long."""
    file, elements = Path(folder) / "busy.nft", 25000
    while True:
        file.write_text(ruleset(elements))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
        subprocess.run(["unshare", "--net", "nft", "-f", file], check=True)
        taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime - before
        print(f"  {elements} elements take the kernel {taken:.1f} s")
        if taken > LONG:
            return file
        elements = int(elements * 1.15)


class BusyKernel(CallTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.file = long_ruleset(folder.name)

    def test_A31_in_this_namespace(self):
        self.play(lambda: self.network.gateway.popen("nft", "-f", self.file))

    def test_A31_in_another_namespace(self):
        # A second commit waits for the long one, and all others of the host wait for the second. It fails: one that
        # changes something would make the long one begin anew.
        self.play(lambda: subprocess.Popen(["unshare", "--net", "sh", "-c", f"""
            nft -f {self.file} & load=$!
            while kill -0 $load 2>/dev/null; do nft delete table inet absent 2>/dev/null; done"""]))

    def status(self):
        return json.loads(self.network.gateway.run(binary(), "status", "--json").stdout)

    def call_during(self, load, port, callers, waited):
        """INVITEs of calls from `port` on, and OPTIONS of somebody else beside them. The dialog of the last call, and
        its port."""
        caller, stranger, callee = callers
        self.addCleanup(load.wait)
        while load.poll() is None:
            dialog = Dialog(caller, callee)
            sent = {"INVITE": time.monotonic()}
            caller.send(dialog.invite(sdp(caller, port)), callee)
            while True:
                if "OPTIONS" not in sent:
                    sent["OPTIONS"] = time.monotonic()
                    stranger.send(Dialog(stranger, callee).request("OPTIONS"), callee)
                what = kind(callee.receive(60))
                waited[what].append(time.monotonic() - sent.pop(what))
                if "INVITE" not in sent and what == "OPTIONS":
                    break
                time.sleep(0.01)
            port += 2
        return dialog, port

    def play(self, start_load):
        caller, callee = self.phones()
        stranger = self.phone(self.network.outside, IPV4, IPV4.stranger)
        outside, inside = self.media_ports()
        waited = {"OPTIONS": [], "INVITE": []}
        with Daemon(self.network.gateway, f"[kernel]\npatience = {int(PATIENCE * 1000)}\n", patience=60) as daemon:
            port = self.OUTSIDE_PORT
            for _ in range(3):  # a load that nobody met is none
                dialog, port = self.call_during(start_load(), port, (caller, stranger, callee), waited)
                if self.status()["sets"]["late"] > 0:
                    break
                self.network.gateway.run("nft", "delete", "table", "inet", "busy", check=False)
            for what, times in waited.items():
                print(f"  {len(times)} {what}, the longest wait {max(times):.3f} s")
            self.assertLess(max(waited["OPTIONS"]), SLACK)
            self.assertLess(max(waited["INVITE"]), PATIENCE + SLACK)
            self.in_log(daemon, r"warning the kernel carries out no change of rules.*kernel\.patience = 1000")
            self.in_log(daemon, r"the kernel carries out changes of rules again after \d+ ms: \d+ messages? went on")
            self.assertLessEqual(daemon.log().count("carries out no change"), 1)
            wanted = {(IPV4.outside, number) for number in range(self.OUTSIDE_PORT, port)}
            wait_until(lambda: self.destinations() == wanted, "all pinholes to be written", 20)
            # The call that began last, and while the kernel was busy.
            outside = self.rtp_port(self.network.outside, IPV4, IPV4.outside, port - 2) \
                if port - 2 != self.OUTSIDE_PORT else outside
            callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT)))
            caller.pass_to(callee, dialog.ack())
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            sets = self.status()["sets"]
            self.assertGreater(sets["late"], 0)
            self.assertEqual(sets["busy_ms"], 0)

    def test_A31_stopping_has_an_end_and_flushes(self):
        load = self.network.gateway.popen("nft", "-f", self.file)
        self.addCleanup(load.wait)
        caller, callee = self.phones()
        with Daemon(self.network.gateway, '[kernel]\non-stop = "flush"\n', patience=90) as daemon:
            caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, self.OUTSIDE_PORT)))
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(self.firewall.open_pinholes(), {})
