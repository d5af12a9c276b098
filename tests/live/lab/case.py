# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of the live tests."""

import contextlib
import re
import unittest
from collections import Counter

from .daemon import Daemon
from .firewall import Firewall
from .network import FAMILIES, IPV4, IPV6, Network
from .rtp import RtpPort
from .sip import Dialog, Phone, sdp
from .wait import wait_until


def each_family(test):
    """Makes two tests of test(self, family), named ..._IPv4 and ..._IPv6."""
    test.each_family = True
    return test


class LiveTest(unittest.TestCase):
    """All tests of a class share a network; each begins without rules, sets and connections in it."""

    def __init_subclass__(cls):
        for name, test in list(vars(cls).items()):
            if getattr(test, "each_family", False):
                delattr(cls, name)
                for family in FAMILIES:
                    setattr(cls, f"{name}_{family}",
                            lambda self, test=test, family=family: test(self, family))

    @classmethod
    def setUpClass(cls):
        cls.network = cls.make_network()
        cls.network.__enter__()
        cls.addClassCleanup(cls.network.__exit__)

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.enter = stack.enter_context
        self.firewall = Firewall(self.network.gateway)
        self.clear()
        self._discard_port_open = False

    @staticmethod
    def make_network():
        return Network()

    def clear(self):
        self.firewall.clear()

    def refusal(self, configuration="", wrapper=()):
        """Exit status of a daemon that does not start, and what it said, by line."""
        daemon = Daemon(self.network.gateway, configuration, wrapper)
        try:
            return daemon.wait(), daemon.log().splitlines()
        finally:
            daemon.discard()

    def rtp_port(self, host, family, address, port):
        """An RtpPort that lives as long as the test."""
        return self.enter(RtpPort(host, family, address, port))

    def assert_passes(self, sender, receiver, count=20):
        """All of `count` RTP packets arrive, in order."""
        sent = sender.send(receiver.address, receiver.port, count)
        wait_until(lambda: self._arrived(sender, receiver, sent) == list(sent),
                   f"{count} packets from {sender.address} at {receiver.address}:{receiver.port}")

    def assert_dropped(self, sender, receiver, count=20):
        """None of `count` RTP packets arrives. No waiting for what does not come: packets stay in order on the
        way, and one to the discard port, which is opened for that, follows them."""
        if not self._discard_port_open:
            self.firewall.nft("insert rule inet filter forward udp dport 9 accept")
            self._discard_port_open = True
        sent = sender.send(receiver.address, receiver.port, count)
        family = IPV6 if ":" in receiver.address else IPV4
        host = self.network.inside if receiver.address == family.inside else self.network.outside
        with RtpPort(host, family, receiver.address, 9) as end:
            sender.send(end.address, end.port)
            wait_until(lambda: end.from_port(sender), "a packet to the discard port")
        self.assertEqual(self._arrived(sender, receiver, sent), [], "these arrived")

    @staticmethod
    def arrives(sender, receiver, count=50):
        """Whether one of the next `count` packets that a streaming port sends arrives."""
        before, target = len(receiver.from_port(sender)), sender.sent + count
        wait_until(lambda: sender.sent >= target, "a stream to go on", 20)
        return len(receiver.from_port(sender)) > before

    def assert_stops(self, sender, receiver):
        """What a port streams does not arrive any more, soon: flows are cut off the packet path."""
        wait_until(lambda: not self.arrives(sender, receiver), f"media from {sender.address} to stop", 10)

    def in_log(self, daemon, pattern, seconds=10):
        """Waits until a line of the daemon's log matches."""
        return wait_until(lambda: re.search(pattern, daemon.log(), re.MULTILINE), f"{pattern!r} in the log", seconds)

    def assert_no_media_lost(self, source, sent, arrived, count):
        """All `count` media packets from `source` that the capture `sent` has are in the capture `arrived`, each as
        often."""
        sent, arrived = (Counter((packet.destination, packet.payload) for packet in side
                                 if not packet.is_sip and packet.source[0] == source) for side in (sent, arrived))
        self.assertEqual(sent.total(), count)
        lost = sent - arrived
        self.assertEqual(lost.total(), 0, f"lost, by destination: {Counter(where for where, _ in lost.elements())}")
        self.assertEqual(arrived, sent)

    @staticmethod
    def _arrived(sender, receiver, sent):
        return [sequence for sequence in receiver.from_port(sender) if sequence in sent]


class CallTest(LiveTest):
    """Single calls through the shipped gateway firewall, between a phone outside and one inside."""

    OUTSIDE_PORT, INSIDE_PORT = 40000, 30000

    def setUp(self):
        super().setUp()
        self.firewall.load()

    def phone(self, host, family, address):
        return self.enter(Phone(host, family, address))

    def phones(self, family=IPV4):
        return (self.phone(self.network.outside, family, family.outside),
                self.phone(self.network.inside, family, family.inside))

    def media_ports(self, family=IPV4):
        """An RTP port of each phone."""
        return (self.rtp_port(self.network.outside, family, family.outside, self.OUTSIDE_PORT),
                self.rtp_port(self.network.inside, family, family.inside, self.INSIDE_PORT))

    def establish(self, caller, callee, offer=None, answer=None):
        """A call; `offer` and `answer` are SDPs, without them each phone names itself."""
        port = {caller: self.OUTSIDE_PORT, callee: self.INSIDE_PORT}
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(offer or sdp(caller, port[caller])))
        callee.pass_to(caller, dialog.response(200, "OK", answer or sdp(callee, port[callee])))
        caller.pass_to(callee, dialog.ack())
        return dialog

    def hang_up(self, dialog, caller, callee):
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))

    def destinations(self):
        """Where pinholes lead to now: {(address, port)}."""
        return {element.key[-2:] for elements in self.firewall.open_pinholes().values() for element in elements}
