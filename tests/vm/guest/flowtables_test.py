# SPDX-License-Identifier: GPL-2.0-or-later
"""Flowtables, which take flows past the forward hook: by the lines of docs/gateways.md SIP and media of calls stay out
of them, or media goes in and is counted all the same. Not every kernel has them; Debian's has."""

import json
import re
import time

from gateway import CLOSED, CONFIGURATION, HOME, RULES, GatewayTest, log, shell
from lab import FAMILIES, IPV4, wait_until
from upgrade_test import Call

FLOWTABLE = """
    flowtable ft {
        hook ingress priority filter
        devices = { "eth0", "eth1" }
        counter
    }
"""


IDLE = 30  # seconds; by default 300
TALK = 120  # by that, twenty minutes
PACE = 0.02


class FlowtableTest(GatewayTest):
    def setUp(self):
        super().setUp()
        self.rules = RULES.read_text()
        self.addCleanup(lambda: (RULES.write_text(self.rules), shell("systemctl restart nftables")))

    def load(self, where):
        """The line of the document that stands there, "behind" the jump or "ahead of" it."""
        line, = re.findall(rf"^# in chain forward of table inet filter, {where} the jump\n(meta .* flow add @ft)$",
                           (HOME / "docs/gateways.md").read_text(), re.MULTILINE)
        changed = self.rules.replace('    include "dpinholer/dpinholer.nft"\n',
                                     f'    include "dpinholer/dpinholer.nft"\n{FLOWTABLE}')
        jump = "        jump sip_media\n"
        both = jump + f"        {line}\n" if where == "behind" else f"        {line}\n" + jump
        changed = changed.replace(jump, both)
        self.assertEqual((changed.count("@ft"), changed.count("flowtable ft")), (1, 1))
        RULES.write_text(changed)
        shell("systemctl reload nftables")

    def flows(self, *ports):
        """Of connection tracking, over UDP."""
        listed = shell("conntrack -L -p udp 2>/dev/null; conntrack -L -f ipv6 -p udp 2>/dev/null").splitlines()
        return [line for line in listed if any(f"dport={port} " in line for port in ports)]

    def offloads(self):
        """What `dpinholer check` says of them."""
        found = map(json.loads, shell("dpinholer check --json", status=None).splitlines())
        return [one for one in found if one["finding"] == "flow-offload"]

    def measure(self, offloaded):
        """Prints it: only to be compared with another one of the same machine."""
        call = Call(self)
        call.offer()
        call.answer()
        outside, inside = call.media
        for sender, receiver in (call.media, reversed(call.media)) * 3:
            self.assert_passes(sender, receiver)
        self.assertEqual(any("OFFLOAD" in flow for flow in self.flows(inside.port)), offloaded)
        began = time.monotonic()
        for _ in range(50):
            self.assert_passes(outside, inside, 100)
        print(f"{5000 / (time.monotonic() - began):.0f} packets/s", end=" ... ")
        call.end()


class Avoid(FlowtableTest):
    def test_how_fast_media_passes(self):
        self.load("behind")
        self.measure(offloaded=False)

    def test_check_gives_the_line_that_keeps_calls_out_of_it(self):
        self.load("behind")
        self.assertEqual(self.offloads(), [])
        handle, = re.findall(r"flow add @ft # handle (\d+)", shell("nft -a list chain inet filter forward"))
        shell(f"nft replace rule inet filter forward handle {handle} 'meta l4proto {{ tcp, udp }} flow add @ft'")
        found, = self.offloads()
        self.assertIn("offloads SIP", found["what"])
        shell(found["mend"])
        self.assertEqual(self.offloads(), [])
        self.assert_calls_pass(IPV4)
        self.assertEqual([flow for flow in self.flows(5060) if "OFFLOAD" in flow], [])

    def test_calls_stay_out_of_it_and_others_go_in(self):
        self.load("behind")
        for family in FAMILIES:
            self.assert_calls_pass(family)
        self.assertGreater(len(self.flows(5060)), 0)
        self.assertEqual([flow for flow in self.flows(5060) if "OFFLOAD" in flow], [])

        with self.network.inside.udp(IPV4, IPV4.inside, 40053) as client, \
                self.network.outside.udp(IPV4, IPV4.outside, 53) as server:
            for end in (client, server):
                end.settimeout(5)

            def offloaded():
                client.sendto(b"query", (IPV4.outside, 53))
                server.sendto(server.recv(100), (IPV4.inside, 40053))
                client.recv(100)
                return any("OFFLOAD" in flow for flow in self.flows(53))

            wait_until(offloaded, "another flow to be offloaded", 60)


class Use(FlowtableTest):
    def setUp(self):
        super().setUp()
        settings = CONFIGURATION.read_text()
        self.addCleanup(lambda: (CONFIGURATION.write_text(settings), shell("systemctl restart dpinholer")))
        CONFIGURATION.write_text(f'{settings}\n[media]\noffload = "use"\n[timeouts]\nmedia-idle = {IDLE}\n')
        lines, = re.findall(r"^## Flowtables$.*?^```sh\n(.*?)^```$", (HOME / "docs/gateways.md").read_text(),
                            re.DOTALL | re.MULTILINE)
        self.addCleanup(shell, "rm /etc/modules-load.d/dpinholer.conf /etc/sysctl.d/dpinholer.conf")
        shell(f"set -e\n{lines}")
        self.assertEqual(shell("sysctl -n net.netfilter.nf_conntrack_acct"), "1")
        shell("systemctl reload dpinholer")

    def test_a_long_call_stays_up_with_its_packets_counted_and_ends_with_its_bye(self):
        self.load("ahead of")
        call = Call(self)
        call.offer()
        call.answer()
        outside, inside = call.media
        outside.stream(inside.address, inside.port, PACE)
        inside.stream(outside.address, outside.port, PACE)
        wait_until(lambda: any("OFFLOAD" in flow for flow in self.flows(inside.port)), "media to be offloaded", 30)
        time.sleep(TALK)
        listed = json.loads(shell("dpinholer calls --json").splitlines()[0])
        self.assertEqual(listed["pinholes"], 4)
        for way in listed["packets"]:
            self.assertGreater(way["packets"], min(outside.sent, inside.sent) // 2)
        elements = self.firewall.elements("sip_rtp4_from")
        print(f"{[element.packets for element in elements]} packets by the sets, {listed['packets']}", end=" ... ")
        self.assertEqual([flow for flow in self.flows(5060) if "OFFLOAD" in flow], [])

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

    def test_how_fast_media_passes(self):
        self.load("ahead of")
        self.measure(offloaded=True)
