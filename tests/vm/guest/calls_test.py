# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls through the gateway."""

from gateway import GatewayTest, service
from lab.case import each_family


class Calls(GatewayTest):
    @each_family
    def test_over_udp(self, family):
        self.assert_only_calls_pass(family, "UDP")

    @each_family
    def test_over_tcp(self, family):
        self.assert_only_calls_pass(family, "TCP")

    def assert_only_calls_pass(self, family, transport):
        self.assertEqual(service()["ActiveState"], "active")
        outside = self.rtp_port(self.network.outside, family, family.outside, 30000)
        inside = self.rtp_port(self.network.inside, family, family.inside, 30002)
        for sender, receiver in ((outside, inside), (inside, outside)):
            self.assert_dropped(sender, receiver)
        self.assert_calls_pass(family, transport)
        for sender, receiver in ((outside, inside), (inside, outside)):
            self.assert_dropped(sender, receiver)
