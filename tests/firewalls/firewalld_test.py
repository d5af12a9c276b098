# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's firewalld, running, with a bus of its own."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from beside import GatewayTest
from lab import IPV4, wait_until
from lab.case import each_family
from lab.firewall import ETC
from lab.sip import Dialog, sdp


class Firewalld(GatewayTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Path("/run/dbus").mkdir(exist_ok=True)
        cls.keep(subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL))
        wait_until(Path("/run/dbus/system_bus_socket").exists, "the bus", 10)

    @classmethod
    def keep(cls, process):
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.terminate)

    def start(self):
        """firewalld, as the document sets it up. Its commands take a second each: they are given once."""
        followed = Path("/run/firewalld.followed")
        shutil.rmtree("/etc/firewalld")
        if followed.exists():
            shutil.copytree(followed, "/etc/firewalld")
        else:
            shutil.copytree("/usr/lib/firewalld/zones", "/etc/firewalld/zones")
            Path("/etc/firewalld/firewalld.conf").write_text("DefaultZone=public\nFirewallBackend=nftables\n")
        log = self.enter(tempfile.TemporaryFile())
        self.firewalld = self.network.gateway.popen("firewalld", "--nofork", "--nopid", stdout=log, stderr=log)
        self.addCleanup(self.firewalld.wait, 20)
        self.addCleanup(self.firewalld.terminate)
        wait_until(lambda: self.says("--state") == "running", "firewalld", 30)
        if not followed.exists():
            self.follow("firewalld")
            shutil.copytree("/etc/firewalld", followed)

    def says(self, *words):
        return self.network.gateway.run("firewall-cmd", *words, check=False).stdout.strip()

    @each_family
    def test_its_range_is_closed_without_a_call(self, family):
        self.start()
        self.assert_calls_and_nothing_else(family, range_open=True)
        self.assertIsNone(self.firewalld.poll())

    # It writes its own table anew, and leaves ours alone.
    def test_its_reload_ends_no_call(self):
        self.start()
        self.load_ours()
        (caller, callee), (outside, inside) = self.phones(), self.media_ports()
        with self.daemon():
            dialog = self.establish(caller, callee)
            self.assertEqual(self.says("--reload"), "success")
            self.firewall.queue_as_shipped()  # where that is by iptables, whose rules it removes
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.hang_up(dialog, caller, callee)
            self.assertEqual(self.destinations(), set())
            self.assert_shut(outside, inside, (caller, callee))

    # At an equal priority, filter + 10, it would be the order of loading that says which chain comes first.
    def test_sip_that_it_rejects_opens_nothing(self):
        self.start()
        self.says("--permanent", "--policy=calls-in", "--remove-port=5060/udp")
        self.assertEqual(self.says("--reload"), "success")
        self.load_ours()
        self.firewall.nft("insert rule inet dpinholer sip_inspect udp dport 5060 ip saddr 203.0.113.2 counter")
        caller, callee = self.phones()
        with self.daemon() as daemon:
            caller.send(Dialog(caller, callee).invite(sdp(caller, self.OUTSIDE_PORT)), callee)
            # A message behind it, from inside, passes.
            dialog = Dialog(callee, caller)
            callee.pass_to(caller, dialog.request("OPTIONS"))
            self.assertEqual(self.destinations(), set())
            self.assertIn("counter packets 0 ", self.firewall.nft("list", "chain", "inet", "dpinholer", "sip_inspect"))
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("stopped: 1 packets, 1 SIP", daemon.log())

    def test_a_client_keeps_the_replies_that_it_asked_for(self):
        self.start()
        self.load_ours()
        with self.network.inside.udp(IPV4, IPV4.inside, self.INSIDE_PORT) as client, \
                self.network.outside.udp(IPV4, IPV4.outside, 53) as server:
            client.settimeout(5)
            server.settimeout(5)
            client.sendto(b"query", (IPV4.outside, 53))
            server.sendto(server.recv(100) + b" answered", (IPV4.inside, self.INSIDE_PORT))
            self.assertEqual(client.recv(100), b"query answered")
        phones = self.phones()
        forged = self.rtp_port(self.network.outside, IPV4, IPV4.stranger, 53)
        self.assert_shut(forged, self.media_ports()[1], phones)

    def test_the_configuration_is_what_the_document_says(self):
        self.load_ours()
        self.assertIn('table = "inet dpinholer"', (ETC / "dpinholer.toml").read_text())
        self.assertIn("udp dport 16384-32767 goto sip_closed", self.firewall.nft("list", "table", "inet", "dpinholer"))
