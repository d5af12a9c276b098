# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams that do not fit one packet. The queue gets them whole, because connection tracking puts fragments
together before it; behind the gateway they go on in fragments."""

from lab import Capture, Daemon, wait_until
from lab.capture import fragments
from lab.case import LiveTest, each_family
from lab.sip import Dialog, Phone, filler, sdp

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000


class Fragments(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()
        self.daemon = self.enter(Daemon(self.network.gateway))

    def phones(self, family):
        return (self.enter(Phone(self.network.outside, family, family.outside)),
                self.enter(Phone(self.network.inside, family, family.inside)))

    def captures(self, family):
        return (self.enter(Capture(self.network.outside, family)), self.enter(Capture(self.network.inside, family)))

    def call(self, family, octets):
        """A call whose INVITE and 200 OK are about so long; its media passes, and its end closes it."""
        caller, callee = self.phones(family)
        outside = self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT)
        inside = self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT)
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT, attributes=filler(octets))))
        self.assert_open(family, f"sip_rtp{family.digit}", {(family.outside, OUTSIDE_PORT),
                                                            (family.outside, OUTSIDE_PORT + 1)})
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, INSIDE_PORT, attributes=filler(octets))))
        caller.pass_to(callee, dialog.ack())
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))
        wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close")

    def assert_open(self, family, name, expected):
        self.assertEqual({element.key for element in self.firewall.elements(name)}, expected)

    @each_family
    def test_an_invite_of_9_kb(self, family):
        captures = self.captures(family)
        self.call(family, 9000)
        for capture in captures:
            seen = fragments(capture.frames())
            for sender in (family.outside, family.inside):
                # The INVITE, and the 200 OK: seven packets of at most 1500 octets each.
                self.assertEqual(sum(source == sender for source, _, _ in seen), 7, f"fragments from {sender}")

    @each_family
    def test_an_invite_of_20_kb(self, family):
        self.call(family, 20000)

    @each_family
    def test_an_invite_of_60_kb(self, family):
        self.call(family, 60000)

    # Attack A1: to a reader of packets, the second fragment is an INVITE.
    @each_family
    def test_a_fragment_that_begins_with_an_invite_opens_nothing(self, family):
        caller, callee = self.phones(family)
        capture = self.enter(Capture(self.network.inside, family))
        invite = Dialog(caller, callee).invite(sdp(caller, OUTSIDE_PORT)).encode()
        first = 1500 - (20 if family.digit == "4" else 40 + 8)
        first -= first % 8
        caller.pass_to(callee, b"x" * (first - 8) + invite)
        self.assertEqual(self.firewall.open_pinholes(), {})
        seen = {offset: payload for _, offset, payload in fragments(capture.frames())}
        self.assertEqual(seen[first], invite, "the attack was not what it is meant to be")
        caller.pass_to(callee, invite)
        self.assertNotEqual(self.firewall.open_pinholes(), {}, "the same INVITE, alone, is one")
