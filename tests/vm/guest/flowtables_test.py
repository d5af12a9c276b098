# SPDX-License-Identifier: GPL-2.0-or-later
"""Flowtables, which take flows past the forward hook: by the line of docs/gateways.md SIP and media of calls stay out of
them, and others go in. Not every kernel has them; Debian's has."""

import re

from gateway import HOME, RULES, GatewayTest, shell
from lab import FAMILIES, IPV4, wait_until

FLOWTABLE = """
    flowtable ft {
        hook ingress priority filter
        devices = { "eth0", "eth1" }
        counter
    }
"""


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


class Avoid(FlowtableTest):
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
