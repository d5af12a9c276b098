# SPDX-License-Identifier: GPL-2.0-or-later
"""What does not hurt: datagrams that are no SIP, and a daemon that dies or hangs."""

import random
import signal

from lab import Capture, Daemon, wait_until
from lab.case import LiveTest, each_family
from lab.sip import Dialog, Phone, sdp

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000


class RobustnessTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()

    def phones(self, family):
        return (self.enter(Phone(self.network.outside, family, family.outside)),
                self.enter(Phone(self.network.inside, family, family.inside)))

    def establish(self, caller, callee):
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
        callee.pass_to(caller, dialog.response(180, "Ringing"))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, INSIDE_PORT)))
        caller.pass_to(callee, dialog.ack())
        return dialog


class Datagrams(RobustnessTest):
    # Each goes both ways, and is counted as what it says.
    @each_family
    def test_A12_whatever_comes_passes_as_it_is_and_the_next_call_works(self, family):
        caller, callee = self.phones(family)
        invite = Dialog(caller, callee).invite(sdp(caller, OUTSIDE_PORT)).encode()
        kinds = {
            "keep-alives": {
                "empty": b"",
                "two line ends": b"\r\n\r\n",
                "a NUL": b"\x00",
            },
            "not SIP": {
                "DNS": b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01",
                "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                "noise": random.Random(1).randbytes(1000),
                "cut in the start line": invite[:10],
            },
            "malformed": {
                "cut in a header field": invite[:invite.index(b"Call-ID") + 12],
                "no CSeq": invite.replace(b"CSeq: ", b"X: "),
                "negative Content-Length": invite.replace(b"Content-Length: ", b"Content-Length: -"),
                "NUL octets": invite.replace(b"user", b"us\x00r"),
                "only header names": b"INVITE sip:x SIP/2.0\r\n" + b":\r\n" * 300 + b"\r\n",
            },
            "SIP messages": {
                "two Call-IDs": invite.replace(b"CSeq: ", b"Call-ID: other\r\nCSeq: "),
                "trailing octets, as many as fit": invite + b"a" * (1400 - len(invite)),
                "longer than a packet": invite.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 6000 + b"\r\n\r\n"),
            },
        }
        with Daemon(self.network.gateway) as daemon:
            for kind, datagrams in kinds.items():
                for name, datagram in datagrams.items():
                    with self.subTest(kind=kind, name=name):
                        caller.pass_to(callee, datagram)
                        callee.pass_to(caller, datagram)
            self.establish(caller, callee)
            elements = self.firewall.elements(f"sip_rtp{family.digit}_from")
            self.assertEqual(len([e for e in elements if e.key[2] in (INSIDE_PORT, INSIDE_PORT + 1)]), 2)
            self.assertEqual(daemon.stop(), 0)
            for kind, datagrams in kinds.items():
                expected = 2 * len(datagrams) + (4 if kind == "SIP messages" else 0)
                with self.subTest(kind):
                    self.assertIn(f" {expected} {kind}", daemon.log())


class Death(RobustnessTest):
    @each_family
    def test_A20_a_call_goes_on_without_the_daemon_and_sip_passes(self, family):
        outside = self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT)
        inside = self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT)
        caller, callee = self.phones(family)
        with Capture(self.network.outside, family) as at_outside, Capture(self.network.inside, family) as at_inside, \
                Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            outside.stream(family.inside, INSIDE_PORT)
            inside.stream(family.outside, OUTSIDE_PORT)
            wait_until(lambda: outside.from_port(inside) and inside.from_port(outside), "media")
            daemon.kill()
            wait_until(lambda: not daemon.queue_taken(), "the kernel to notice")
            caller.pass_to(callee, dialog.request("OPTIONS"))
            callee.pass_to(caller, dialog.response(200, "OK"))
            target = outside.sent + 100
            wait_until(lambda: outside.sent >= target, "more media")
            outside.stop_streaming()
            inside.stop_streaming()
            sent, arrived = ([p.payload for p in capture.packets() if not p.is_sip]
                             for capture in (at_outside, at_inside))
        self.assertGreater(len(sent), 200)
        self.assertEqual(sorted(sent), sorted(arrived))

    @each_family
    def test_A20_a_daemon_that_starts_again_serves_new_calls(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway) as daemon:
            self.establish(caller, callee)
            daemon.kill()
        with Daemon(self.network.gateway):
            dialog = self.establish(caller, callee)
            caller.pass_to(callee, dialog.bye())
            callee.pass_to(caller, dialog.response(200, "OK"))


class Hanging(RobustnessTest):
    @each_family
    def test_A20_what_finds_the_queue_full_passes_and_the_call_goes_on(self, family):
        length = 4
        outside = self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT)
        inside = self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT)
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway, f"[kernel]\nqueue-length = {length}\n") as daemon:
            dialog = self.establish(caller, callee)
            daemon.process.send_signal(signal.SIGSTOP)
            sent = [caller.send(dialog.request("OPTIONS"), callee) for _ in range(5 * length)]
            arrived = [callee.receive() for _ in range(4 * length)]
            self.assert_passes(outside, inside)
            daemon.process.send_signal(signal.SIGCONT)
            arrived += [callee.receive() for _ in range(length)]
            self.assertEqual(sorted(arrived), sorted(sent))
            caller.pass_to(callee, dialog.bye())
            callee.pass_to(caller, dialog.response(200, "OK"))
            wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close")
