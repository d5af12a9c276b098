# SPDX-License-Identifier: GPL-2.0-or-later
"""Flowtables, which take flows past the forward hook: by the lines of docs/gateways.md SIP and media of calls stay out
of them, or media goes in and is counted all the same. Not every kernel has them; Debian's has."""

import json
import re
import time
from pathlib import Path

from gateway import CLOSED, CONFIGURATION, HOME, RULES, GatewayTest, log, shell
from lab import FAMILIES, IPV4, wait_until
from sending import send_many
from upgrade_test import Call

FLOWTABLE = """
    flowtable ft {
        hook ingress priority filter
        devices = { "eth0", "eth1" }
        counter
    }
"""
DOCUMENT = (HOME / "docs/gateways.md").read_text()
UNLIMITED = "meta l4proto { tcp, udp } flow add @ft"

IDLE = 15  # seconds; by default 300
TALK = 60  # by that, twenty minutes
PACE = 0.02
PACKETS = 32_000  # to measure with


class FlowtableTest(GatewayTest):
    MEANT_SO = ()

    def setUp(self):
        super().setUp()
        self.rules = RULES.read_text()
        self.addCleanup(lambda: (RULES.write_text(self.rules), shell("systemctl restart nftables")))

    def load(self, where, line=None, flowtable=FLOWTABLE):
        """`line`, or that of the document for there: "behind" the jump or "ahead of" it."""
        if line is None:
            line, = re.findall(rf"^# in chain forward of table inet filter, {where} the jump\n(meta .* flow add @ft)$",
                               DOCUMENT, re.MULTILINE)
        changed = self.rules.replace('    include "dpinholer/dpinholer.nft"\n',
                                     f'    include "dpinholer/dpinholer.nft"\n{flowtable}')
        jump = "        jump sip_media\n"
        both = jump + f"        {line}\n" if where == "behind" else f"        {line}\n" + jump
        changed = changed.replace(jump, both)
        self.assertEqual((changed.count("@ft"), changed.count("flowtable ft")), (1, 1))
        RULES.write_text(changed)
        shell("systemctl restart nftables")

    def flows(self, *ports):
        """Of connection tracking."""
        listed = shell("conntrack -L 2>/dev/null; conntrack -L -f ipv6 2>/dev/null").splitlines()
        return [line for line in listed if any(f"dport={port} " in line for port in ports)]

    def offloaded(self, *ports):
        return [flow for flow in self.flows(*ports) if "OFFLOAD" in flow]

    def found(self):
        """By check, beside what the tests want to be so."""
        *found, _ = map(json.loads, shell("dpinholer check --json", status=None).splitlines())
        return [one for one in found if one["finding"] not in self.MEANT_SO]

    def assert_check_mends(self, finding, words):
        """It has one thing to say, and nothing after its line."""
        one, = self.found()
        self.assertEqual(one["finding"], finding)
        self.assertIn(words, one["what"])
        shell(one["mend"])
        self.assertEqual(self.found(), [])

    def call(self):
        call = Call(self)
        call.offer()
        call.answer()
        return call

    def measure(self, offloaded):
        """Prints how many packets of a call pass in a second: to be compared with the others of the same run."""
        call = self.call()
        outside, inside = call.media
        for sender, receiver in ((outside, inside), (inside, outside)) * 3:
            self.assert_passes(sender, receiver)
        self.assertEqual(bool(self.offloaded(inside.port)), offloaded)
        for end in call.media:  # Nobody reads now: that would be most of the work.
            end.close()
        with self.network.outside.udp(IPV4, outside.address, outside.port) as sender, \
                self.network.inside.udp(IPV4, inside.address, inside.port):
            sender.connect((inside.address, inside.port))
            before, began = forwarded(), time.monotonic()
            send_many(sender, PACKETS)
            wait_until(lambda: forwarded() - before >= PACKETS, "all packets to pass", 120)
            rate = PACKETS / (time.monotonic() - began)
        print(f"{rate:.0f} packets/s", end=" ... ")
        call.end()


def forwarded():
    """How many packets have left for the inside."""
    return int(Path("/sys/class/net/eth1/statistics/tx_packets").read_text())


class Avoid(FlowtableTest):
    def test_calls_stay_out_of_it_and_others_go_in(self):
        self.load("behind", UNLIMITED)
        self.assert_check_mends("flow-offload", "offloads SIP")
        self.load("behind")
        for family in FAMILIES:
            self.assert_calls_pass(family)
        self.assertGreater(len(self.flows(5060)), 0)
        self.assertEqual(self.offloaded(5060), [])

        with self.network.inside.udp(IPV4, IPV4.inside, 40053) as client, \
                self.network.outside.udp(IPV4, IPV4.outside, 53) as server:
            for end in (client, server):
                end.settimeout(5)

            def offloaded():
                client.sendto(b"query", (IPV4.outside, 53))
                server.sendto(server.recv(100), (IPV4.inside, 40053))
                client.recv(100)
                return self.offloaded(53)

            wait_until(offloaded, "another flow to be offloaded", 60)


    def test_calls_over_tcp_stay_out_of_it_from_whatever_port(self):
        self.load("behind")
        self.assert_calls_pass(IPV4, "TCP")
        self.assertEqual(self.offloaded(5060), [])


    def test_how_fast_media_passes(self):
        self.load("behind")
        self.measure(offloaded=False)


class Use(FlowtableTest):
    MEANT_SO = ("timeouts-differ",)

    def setUp(self):
        super().setUp()
        settings = CONFIGURATION.read_text()
        self.addCleanup(lambda: (CONFIGURATION.write_text(settings), shell("systemctl restart dpinholer")))
        changed = settings
        for section, key in (("media", 'offload = "use"'), ("timeouts", f"media-idle = {IDLE}")):
            changed, found = re.subn(rf"^(\[{section}\].*\n)", rf"\1{key}\n", changed, flags=re.MULTILINE)
            self.assertEqual(found, 1)
        CONFIGURATION.write_text(changed)
        lines, = re.findall(r"^## Flowtables$.*?^```sh\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
        self.addCleanup(shell, "rm /etc/modules-load.d/dpinholer-conntrack.conf /etc/sysctl.d/dpinholer-conntrack.conf")
        shell(f"set -e\n{lines}")
        self.assertEqual(shell("sysctl -n net.netfilter.nf_conntrack_acct"), "1")
        shell("systemctl reload dpinholer")

    def test_a_long_call_stays_up_with_its_packets_counted_and_ends_with_its_bye(self):
        self.load("ahead of", flowtable=FLOWTABLE.replace("        counter\n", ""))
        shell("sysctl -w net.netfilter.nf_conntrack_acct=0")
        found = self.found()
        self.assertEqual([one["finding"] for one in found], ["media-uncounted"] * 2)
        shell(found[0]["mend"])
        self.assert_check_mends("media-uncounted", "flowtable inet filter ft")

        call = self.call()
        outside, inside = call.media
        outside.stream(inside.address, inside.port, PACE)
        inside.stream(outside.address, outside.port, PACE)
        wait_until(lambda: self.offloaded(inside.port), "media to be offloaded", 30)
        time.sleep(TALK)
        listed = json.loads(shell("dpinholer calls --json").splitlines()[0])
        self.assertEqual(listed["pinholes"], 4)
        for way in listed["packets"]:
            self.assertGreater(way["packets"], min(outside.sent, inside.sent) // 2)
        elements = self.firewall.elements("sip_rtp4_from")
        print(f"{[element.packets for element in elements]} packets by the sets, {listed['packets']}", end=" ... ")
        self.assertEqual(self.offloaded(5060), [])

        before = len(log())
        call.end()
        time.sleep(1)
        arrived = len(inside.from_port(outside)), len(outside.from_port(inside))
        time.sleep(2)
        self.assertEqual((len(inside.from_port(outside)), len(outside.from_port(inside))), arrived)
        for end in call.media:
            end.stop_streaming()
        (counted,) = CLOSED.findall(log()[before:])
        for told, came in zip(sorted(map(int, counted)), sorted(arrived)):
            self.assertLess(abs(told - came), 100, f"{counted} told, {arrived} came")

    def test_calls_pass(self):
        self.load("ahead of")
        for family in FAMILIES:
            self.assert_calls_pass(family)
        self.assertEqual(self.offloaded(5060), [])

    def test_how_fast_media_passes(self):
        self.load("ahead of")
        self.measure(offloaded=True)
