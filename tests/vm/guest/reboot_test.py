# SPDX-License-Identifier: GPL-2.0-or-later
"""After a restart of the machine."""

from gateway import GatewayTest, service, shell
from lab import IPV4, IPV6


class Reboot(GatewayTest):
    def test_rules_and_service_are_back(self):
        self.assertIn("jump sip_media", shell("nft list chain inet filter forward"))
        self.assertEqual((service()["ActiveState"], service()["NRestarts"]), ("active", "0"))
        self.assert_calls_pass(IPV4)
        self.assert_calls_pass(IPV6)
