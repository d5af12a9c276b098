# SPDX-License-Identifier: GPL-2.0-or-later
"""The next version of the package, restarts and a crash, while a call is up."""

from pathlib import Path

from gateway import CONFIGURATION, GatewayTest, install, metrics, package, service, shell
from lab import IPV4, wait_until
from lab.sip import Dialog, Phone, sdp

OF_THE_ADMINISTRATOR = "# of the administrator\n"
OF_THE_NEXT_VERSION = "# of the next version\n"
PACE = 0.02  # seconds between two RTP packets, as phones have it


class Upgrade(GatewayTest):
    def test_calls_do_not_notice(self):
        with open(CONFIGURATION, "a") as file:
            file.write(OF_THE_ADMINISTRATOR)
        settings = {file.name for file in CONFIGURATION.parent.iterdir()}
        before = service()["MainPID"], shell("dpkg-query --show dpinholer")
        call = Call(self)
        call.offer()
        call.answer()
        outside, inside = call.media
        outside.stream(inside.address, inside.port, PACE)
        inside.stream(outside.address, outside.port, PACE)
        exporter = service("dpinholer-exporter")["MainPID"]
        install(package("new"), package("new", "dpinholer-exporter"))
        for sender, receiver in ((outside, inside), (inside, outside)):
            sender.stop_streaming()
            self.assert_passes(sender, receiver)
            self.assertEqual(receiver.from_port(sender), list(range(sender.sent)))

        self.assertNotEqual((service()["MainPID"], shell("dpkg-query --show dpinholer")), before)
        self.assertEqual(service()["ActiveState"], "active")
        self.assertEqual(service()["UnitFileState"], "enabled")
        # That of the exporter, too, which a scrape has started.
        self.assertIn("\ndpinholer_up 1\n", metrics())
        self.assertNotIn(service("dpinholer-exporter")["MainPID"], ("0", exporter))
        self.assertEqual(service("dpinholer-exporter.socket")["UnitFileState"], "enabled")
        # Settings stay, and nothing beside them; rules are replaced.
        self.assertTrue(CONFIGURATION.read_text().endswith(OF_THE_ADMINISTRATOR))
        self.assertEqual({file.name for file in CONFIGURATION.parent.iterdir()}, settings)
        self.assertIn(OF_THE_NEXT_VERSION, Path("/usr/share/dpinholer/nft/dpinholer.nft").read_text())

        call.end()

    # systemd keeps the queue's socket for the next daemon, and starts one when this one is killed.
    def test_calls_outlive_the_daemon(self):
        call = Call(self)
        call.offer()
        shell("systemctl restart dpinholer")
        call.answer()
        before = service()["MainPID"]
        shell("systemctl kill --kill-who=main --signal=KILL dpinholer")
        for sender, receiver in (call.media, reversed(call.media)):
            self.assert_passes(sender, receiver)
        wait_until(lambda: service()["MainPID"] not in ("0", before) and service()["SubState"] == "running",
                   "the next daemon", 60)
        call.end()

    def test_calls_go_on(self):
        shell("systemctl restart nftables dpinholer")
        self.assert_calls_pass(IPV4)


class Call:
    """A call whose media does not flow by itself."""

    def __init__(self, test):
        self._test = test
        network = test.network
        self._caller = test.enter(Phone(network.outside, IPV4, IPV4.outside))
        self._callee = test.enter(Phone(network.inside, IPV4, IPV4.inside))
        self._dialog = Dialog(self._caller, self._callee)
        self.media = (test.rtp_port(network.outside, IPV4, IPV4.outside, 30000),
                      test.rtp_port(network.inside, IPV4, IPV4.inside, 40000))

    def offer(self):
        self._caller.pass_to(self._callee, self._dialog.invite(sdp(self._caller, self.media[0].port)))
        self._wait_open("sip_rtp4")

    def answer(self):
        self._callee.pass_to(self._caller, self._dialog.response(200, "OK", sdp(self._callee, self.media[1].port)))
        self._caller.pass_to(self._callee, self._dialog.ack())
        self._wait_open("sip_rtp4_from")

    def end(self):
        self._caller.pass_to(self._callee, self._dialog.bye())
        self._callee.pass_to(self._caller, self._dialog.response(200, "OK"))
        wait_until(lambda: not self._test.firewall.open_pinholes(), "the pinholes to close", 30)

    def _wait_open(self, name):
        wait_until(lambda: list(self._test.firewall.open_pinholes()) == [name], f"elements in {name} alone", 30)
