# SPDX-License-Identifier: GPL-2.0-or-later
"""The base of the live tests."""

import contextlib
import unittest

from .firewall import Firewall
from .network import FAMILIES, IPV4, IPV6, Network
from .rtp import RtpPort
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
        cls.network = Network()
        cls.network.__enter__()
        cls.addClassCleanup(cls.network.__exit__)

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.enter = stack.enter_context
        self.firewall = Firewall(self.network.gateway)
        self.firewall.clear()
        self._discard_port_open = False

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
    def _arrived(sender, receiver, sent):
        return [sequence for sequence in receiver.from_port(sender) if sequence in sent]
