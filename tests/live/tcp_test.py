# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP over TCP: what a connection may look like, and what it must not be taken for. For trunks see trunk_test.py;
docs/sip-over-tcp.md promises what is tested here."""

import re
import socket
from contextlib import contextmanager

from lab import Capture, Daemon, wait_until
from lab.capture import streams
from lab.case import LiveTest, each_family
from lab.network import IPV4
from lab.sip import Dialog, filler, sdp
from lab.tcp import Listener, syn

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000


class TcpTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()
        self.daemon = self.enter(Daemon(self.network.gateway))
        self._media_ports = None

    def listener(self, family):
        return self.enter(Listener(self.network.inside, family, family.inside))

    def connect(self, listener, address):
        ends = listener.connect(self.network.outside, address)
        return [self.enter(end) for end in ends]

    def establish(self, caller, callee, attributes=(), cuts=()):
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT, attributes=attributes)), cuts)
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, INSIDE_PORT, attributes=attributes)), cuts)
        caller.pass_to(callee, dialog.ack())
        return dialog

    def hang_up(self, dialog, caller, callee):
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))

    def media_ports(self, family):
        """Of the outside and the inside host, the same two for the whole test."""
        if not self._media_ports:
            self._media_ports = (self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT),
                                 self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT))
        return self._media_ports

    def assert_call_works(self, caller, callee, attributes=(), cuts=()):
        """Media passes while the call lasts, and not before or after."""
        outside, inside = self.media_ports(caller.family)
        self.assert_dropped(outside, inside)
        dialog = self.establish(caller, callee, attributes, cuts)
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        self.hang_up(dialog, caller, callee)
        self.assertEqual(self.firewall.open_pinholes(), {})

    def stopped(self):
        """What the daemon says of TCP when it is told to stop: {word: number}."""
        self.assertEqual(self.daemon.stop(), 0)
        line = re.search(r"TCP: (\d+) connections read; given up: (.*); (\d+) segments not read", self.daemon.log())
        self.assertTrue(line, self.daemon.log())
        given_up = {what: int(count) for count, what in re.findall(r"(\d+) ([a-z ]+)", line[2])}
        return {"read": int(line[1]), "segments not read": int(line[3]), **given_up}

    @contextmanager
    def bytes_unchanged(self, family):
        """Fails unless each direction of each connection has the same octets on both sides of the gateway."""
        with Capture(self.network.outside, family, filter="udp or tcp") as at_outside, \
                Capture(self.network.inside, family, filter="udp or tcp") as at_inside:
            yield
            outside, inside = streams(at_outside.frames()), streams(at_inside.frames())
        self.assertEqual(outside.keys(), inside.keys())
        for ends, octets in outside.items():
            self.assertEqual(octets, inside[ends], f"from {ends[0]} to {ends[1]}")
        self.assertGreater(sum(map(len, outside.values())), 0)


class Calls(TcpTest):
    @each_family
    def test_a_call(self, family):
        with self.bytes_unchanged(family):
            self.assert_call_works(*self.connect(self.listener(family), family.outside))

    # Cut within the start line, a header field, the blank line after them, and the SDP.
    @each_family
    def test_a_call_whose_messages_are_20_kb_in_any_segments(self, family):
        with self.bytes_unchanged(family):
            self.assert_call_works(*self.connect(self.listener(family), family.outside), filler(20000),
                                   cuts=(1, 5, 60, 200, 410, 411, 412, 413, 600, 5000, 12000, 19999))

    def test_the_called_side_may_have_opened_the_connection(self):
        callee, caller = self.connect(self.listener(IPV4), IPV4.outside)
        dialog = Dialog(caller, callee)
        outside, inside = self.media_ports(IPV4)
        caller.pass_to(callee, dialog.invite(sdp(caller, INSIDE_PORT)))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, OUTSIDE_PORT)))
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        self.hang_up(dialog, caller, callee)
        self.assertEqual(self.firewall.open_pinholes(), {})


class Slipstreaming(TcpTest):
    """Attack A1: a browser inside is made to talk HTTP to port 5060 of a stranger, and a later segment of what it
    sends is SIP."""

    def attack(self, first, later):
        """What is open when both have arrived."""
        family = IPV4
        with Listener(self.network.outside, family, family.stranger) as stranger:
            browser, server = (self.enter(end) for end in stranger.connect(self.network.inside, family.inside))
            browser.pass_to(server, first)
            browser.pass_to(server, later(browser, server))
            return self.firewall.open_pinholes()

    @staticmethod
    def invite(browser, server):
        return Dialog(browser, server).invite(sdp(browser, INSIDE_PORT))

    @staticmethod
    def register(browser, server):
        return Dialog(browser, server).request("REGISTER", body=sdp(browser, INSIDE_PORT))

    def test_a_later_segment_that_begins_with_sip_opens_nothing(self):
        post = b"POST / HTTP/1.1\r\nHost: stranger:5060\r\nContent-Length: 5000\r\n\r\n"
        openings = (post, post + b"x" * 1400, post + b"\r\n\r\n", b"PASS x\r\nNICK y\r\n", b"\0\1\0\0!\x12\xa4B")
        with self.bytes_unchanged(IPV4):
            for opening in openings:
                for later in (self.invite, self.register):
                    self.assertEqual(self.attack(opening, later), {})
        told = self.stopped()
        self.assertEqual(told["foreign"], 2 * len(openings))
        self.assertEqual(told["segments not read"], 2 * len(openings))

    def test_the_same_invite_as_the_first_of_a_connection_opens(self):
        opened = self.attack(b"\r\n\r\n", self.invite)
        self.assertEqual({element.key for element in opened["sip_rtp4"]},
                         {(IPV4.inside, INSIDE_PORT), (IPV4.inside, INSIDE_PORT + 1)})


class NotSeenFromItsBeginning(TcpTest):
    # The daemon that is killed leaves nothing to the next one.
    @each_family
    def test_the_call_that_is_up_keeps_its_audio_and_new_ones_need_a_new_connection(self, family):
        listener = self.listener(family)
        caller, callee = self.connect(listener, family.outside)
        outside, inside = self.media_ports(family)
        self.establish(caller, callee)
        self.daemon.kill()
        self.daemon = self.enter(Daemon(self.network.gateway))
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        before = self.pinholes()
        again = Dialog(caller, callee)
        caller.pass_to(callee, again.invite(sdp(caller, OUTSIDE_PORT + 10)))
        callee.pass_to(caller, again.response(200, "OK", sdp(callee, INSIDE_PORT + 10)))
        self.assertEqual(self.pinholes(), before)
        self.reset_from_the_gateway(caller, callee)
        caller, callee = self.connect(listener, family.outside)
        anew = Dialog(caller, callee)
        caller.pass_to(callee, anew.invite(sdp(caller, OUTSIDE_PORT + 20)))
        self.assertIn((family.outside, OUTSIDE_PORT + 20), self.pinholes())
        # The reset itself did not come so far; the two messages did.
        self.assertGreaterEqual(self.stopped()["segments not read"], 2)

    def pinholes(self):
        return {element.key for elements in self.firewall.open_pinholes().values() for element in elements}

    def reset_from_the_gateway(self, caller, callee):
        """As the docs say it."""
        for port in ("dport", "sport"):
            self.firewall.nft(f"insert rule inet filter forward tcp {port} 5060 reject with tcp reset")
        for phone in (caller, callee):
            phone.send_until_reset("\r\n\r\n")
        for _ in range(2):
            listed = self.firewall.nft("-a", "list chain inet filter forward")
            handle = re.search(r"reject with tcp reset # handle (\d+)", listed)[1]
            self.firewall.nft(f"delete rule inet filter forward handle {handle}")


class Dropping(TcpTest):
    """malformed, not-sip and scanners.drop are about datagrams: a segment that is dropped would come again for good."""

    CONFIG = '[signalling]\nmalformed = "drop"\nnot-sip = "drop"\n[scanners]\nuser-agents = ["sipcli"]\ndrop = true\n'

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.daemon = self.enter(Daemon(self.network.gateway, self.CONFIG))

    @each_family
    def test_a_message_that_cannot_be_read_passes_and_so_does_what_follows(self, family):
        caller, callee = self.connect(self.listener(family), family.outside)
        unreadable = Dialog(caller, callee).request("OPTIONS").replace("CSeq:", "CSeq\x00:")
        for sender, receiver in ((caller, callee), (callee, caller)):
            sender.pass_to(receiver, unreadable)
        self.assert_call_works(caller, callee)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertRegex(self.daemon.log(), r" 2 malformed, .* 0 dropped")

    @each_family
    def test_what_is_no_sip_passes(self, family):
        caller, callee = self.connect(self.listener(family), family.outside)
        caller.pass_to(callee, "no SIP at all\r\n\r\n")
        callee.pass_to(caller, "nor this\r\n\r\n")
        self.assertEqual(self.daemon.stop(), 0)
        self.assertRegex(self.daemon.log(), r" 0 dropped")

    @each_family
    def test_a_scanners_request_passes_and_the_set_of_the_banned_keeps_out_the_next(self, family):
        caller, callee = self.connect(self.listener(family), family.outside)
        scanning = Dialog(caller, callee).request("OPTIONS").replace("Max-Forwards: 70\r\n",
                                                                     "Max-Forwards: 70\r\nUser-Agent: sipcli\r\n")
        caller.pass_to(callee, scanning)
        wait_until(lambda: self.firewall.elements(f"sip_banned{family.digit}"), "the ban")
        self.firewall.nft("flush", "set", "inet", "filter", f"sip_banned{family.digit}")
        self.assert_call_works(caller, callee)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertRegex(self.daemon.log(), r" 0 dropped")


class Hostile(TcpTest):
    def memory(self):
        """Of the daemon, in octets."""
        status = self.network.gateway.read(f"/proc/{self.daemon.process.pid}/status")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10

    # One half-open connection more than a thousand over limits.tcp-flows.
    def test_eleven_thousand_half_open_connections(self):
        listener = self.listener(IPV4)
        caller, callee = self.connect(listener, IPV4.outside)
        dialog = self.establish(caller, callee)
        outside, inside = self.media_ports(IPV4)
        # A host that does not answer leaves them half open.
        self.addCleanup(self.network.inside.run, "nft", "flush", "ruleset")
        self.network.inside.run("nft", "add table ip t; add chain ip t c { type filter hook input priority 0; };"
                                       f"add rule ip t c ip saddr {IPV4.stranger} drop")
        before = self.memory()
        raw = self.enter(self.network.outside.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
        raw.bind((IPV4.stranger, 0))
        for number in range(11001):
            raw.sendto(syn(IPV4.stranger, 10000 + number, IPV4.inside, 5060, number), (IPV4.inside, 0))
            if number % 500 == 0:
                caller.pass_to(callee, "\r\n\r\n")  # comes behind them: all have been read
        self.assertLess(self.memory() - before, 16 << 20)
        self.assert_passes(outside, inside)
        self.hang_up(dialog, caller, callee)
        self.assertEqual(self.firewall.open_pinholes(), {})
        self.assert_call_works(caller, callee)
        self.assert_call_works(*self.connect(listener, IPV4.outside))
        told = self.stopped()
        self.assertEqual(told["read"], 11003)
        self.assertEqual(told["evicted"], 1003)

    # 40 MB in all, of which the daemon may keep 6.4.
    def test_a_hundred_headers_that_never_end(self):
        listener = self.listener(IPV4)
        pairs = [self.connect(listener, IPV4.stranger) for _ in range(100)]
        before = self.memory()
        start = b"INVITE sip:x@y SIP/2.0\r\n"
        field = b"X: " + b"y" * 995 + b"\r\n"
        for caller, callee in pairs:
            caller.pass_to(callee, start + field * 60)
        legitimate = self.connect(listener, IPV4.outside)
        self.assert_call_works(*legitimate)
        for _ in range(17):
            for caller, callee in pairs:
                caller.pass_to(callee, field * 20)
        self.assertLess(self.memory() - before, 20 << 20)
        self.assert_call_works(*legitimate)
        self.assertEqual(self.stopped()["over the bound"], 100)

    def test_a_body_of_four_gigabytes(self):
        caller, callee = self.connect(self.listener(IPV4), IPV4.stranger)
        invite = Dialog(caller, callee).invite(sdp(caller, OUTSIDE_PORT))
        caller.pass_to(callee, re.sub(r"Content-Length: \d+", "Content-Length: 4294967297", invite))
        caller.pass_to(callee, invite)
        self.assertEqual(self.firewall.open_pinholes(), {})
        self.assertEqual(self.stopped()["over the bound"], 1)
