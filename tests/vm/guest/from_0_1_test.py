# SPDX-License-Identifier: GPL-2.0-or-later
"""An upgrade from 0.1, where rules and settings were one file, while a call is up. apt has no terminal."""

from pathlib import Path

from gateway import CONFIGURATION, HOME, RULES, GatewayTest, install, package, service, shell
from upgrade_test import PACE, Call

SETTINGS = CONFIGURATION.parent


class From01(GatewayTest):
    def test_settings_and_calls_are_kept_and_nothing_is_asked(self):
        before = RULES.read_text()
        install(package("of_0_1"))
        file = SETTINGS / "dpinholer.nft"
        file.write_text(file.read_text().replace("sip_ports = { 5060 }", "sip_ports = { 5060, 5066 }"))
        RULES.write_bytes((HOME / "nft/gateway.nft").read_bytes())
        shell("systemctl restart nftables && systemctl start dpinholer")
        call = Call(self)
        call.offer()
        call.answer()
        outside, inside = call.media
        outside.stream(inside.address, inside.port, PACE)
        inside.stream(outside.address, outside.port, PACE)

        install(package("old"))
        shell("systemctl reload nftables")
        for sender, receiver in ((outside, inside), (inside, outside)):
            sender.stop_streaming()
            self.assert_passes(sender, receiver)
            self.assertEqual(receiver.from_port(sender), list(range(sender.sent)))
        self.assertEqual(service()["ActiveState"], "active")
        self.assertIn("\nredefine sip_ports = { 5060, 5066 }\n", file.read_text())
        self.assertIn("5060, 5066", shell("nft list chain inet filter sip_inspect"))
        self.assertIn("jump sip_media_options", shell("nft list chain inet filter sip_accept"))
        call.end()

        shell("apt-get -y purge dpinholer && apt-get -y autoremove --purge")
        self.assertFalse(SETTINGS.exists())
        RULES.write_text(before)
        shell("systemctl stop nftables && nft flush ruleset && rm -rf /var/lib/dpinholer")
        self.assertFalse(Path("/run/dpinholer").exists())
