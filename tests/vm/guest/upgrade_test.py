# SPDX-License-Identifier: GPL-2.0-or-later
"""The next version of the package, while a call is up."""

from pathlib import Path

from gateway import CONFIGURATION, GatewayTest, install, package, service, shell
from lab import IPV4, wait_until
from lab.sip import Dialog, Phone, sdp

OF_THE_ADMINISTRATOR = "# of the administrator\n"
OF_THE_NEXT_VERSION = "# of the next version\n"
PACE = 0.02  # seconds between two RTP packets, as phones have it


class Upgrade(GatewayTest):
    def test_calls_do_not_notice(self):
        with open(CONFIGURATION, "a") as file:
            file.write(OF_THE_ADMINISTRATOR)
        before = service()["MainPID"], shell("dpkg-query --show dpinholer")
        outside, inside = self.answered_call()
        outside.stream(inside.address, inside.port, PACE)
        inside.stream(outside.address, outside.port, PACE)
        install(package("new"))
        for sender, receiver in ((outside, inside), (inside, outside)):
            sender.stop_streaming()
            self.assert_passes(sender, receiver)
            self.assertEqual(receiver.from_port(sender), list(range(sender.sent)))

        self.assertNotEqual((service()["MainPID"], shell("dpkg-query --show dpinholer")), before)
        self.assertEqual(service()["ActiveState"], "active")
        self.assertEqual(service()["UnitFileState"], "enabled")
        # What was edited stays, with the new one beside it; what was not is replaced.
        self.assertTrue(CONFIGURATION.read_text().endswith(OF_THE_ADMINISTRATOR))
        self.assertIn(OF_THE_NEXT_VERSION, Path(f"{CONFIGURATION}.dpkg-dist").read_text())
        self.assertIn(OF_THE_NEXT_VERSION, Path("/etc/dpinholer/dpinholer.nft").read_text())

    def test_calls_go_on(self):
        shell("systemctl restart nftables dpinholer")
        self.assert_calls_pass(IPV4)

    def answered_call(self):
        """The media of both ends."""
        caller = self.enter(Phone(self.network.outside, IPV4, IPV4.outside))
        callee = self.enter(Phone(self.network.inside, IPV4, IPV4.inside))
        outside = self.rtp_port(self.network.outside, IPV4, IPV4.outside, 30000)
        inside = self.rtp_port(self.network.inside, IPV4, IPV4.inside, 40000)
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, outside.port)))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, inside.port)))
        caller.pass_to(callee, dialog.ack())
        wait_until(self.firewall.open_pinholes, "pinholes")
        return outside, inside
