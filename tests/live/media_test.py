# SPDX-License-Identifier: GPL-2.0-or-later
"""When and from whom media passes, in single calls whose media never stops."""

from lab import Capture, Daemon, wait_until
from lab.case import LiveTest, each_family
from lab.rtp import parse
from lab.sip import Dialog, Phone, kind, sdp

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000
# What conntrack still carries after a pinhole closed is cut off the packet path, soon but not at once.
GRACE = 0.1  # seconds


class MediaTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()

    def phones(self, family):
        return (self.enter(Phone(self.network.outside, family, family.outside)),
                self.enter(Phone(self.network.inside, family, family.inside)))

    def answer(self, dialog, caller, callee, callee_port):
        callee.pass_to(caller, dialog.response(180, "Ringing"))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, callee_port)))
        caller.pass_to(callee, dialog.ack())

    def hang_up(self, dialog, caller, callee):
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))

    @staticmethod
    def further(port, count=100):
        """Waits until `count` more packets have left a port that is streaming."""
        target = port.sent + count
        wait_until(lambda: port.sent >= target, "a stream to go on")


class Lifetime(MediaTest):
    """Both sides send from before the offer until after the BYE, through rules that accept established flows ahead
    of everything else."""

    # Here the reply direction of a flow is established with it: once the offer lets media out, conntrack lets it in.
    @each_family
    def test_symmetric_media_lives_as_long_as_its_call(self, family):
        self.run_call(family, outside_from=OUTSIDE_PORT, inside_from=INSIDE_PORT, inward_not_before="INVITE")

    @each_family
    def test_media_from_other_ports_than_announced_lives_as_long_as_its_call(self, family):
        self.run_call(family, outside_from=OUTSIDE_PORT + 100, inside_from=INSIDE_PORT + 100,
                      inward_not_before="200 INVITE")

    def run_call(self, family, outside_from, inside_from, inward_not_before):
        self.firewall.nft("insert rule inet filter forward ct state established,related accept")
        outward = self.rtp_port(self.network.inside, family, family.inside, inside_from)
        inward = self.rtp_port(self.network.outside, family, family.outside, outside_from)
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway), Capture(self.network.outside, family) as at_outside, \
                Capture(self.network.inside, family) as at_inside:
            inward.stream(family.inside, INSIDE_PORT)
            outward.stream(family.outside, OUTSIDE_PORT)
            self.further(outward)
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            self.further(outward)
            self.answer(dialog, caller, callee, INSIDE_PORT)
            self.further(outward)
            self.hang_up(dialog, caller, callee)
            self.further(outward)
            inward.stop_streaming()
            outward.stop_streaming()
            # A packet on its way may have made an element again, for a moment.
            wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close", 3)
            outside, inside = at_outside.packets(), at_inside.packets()
        self.assert_lifetime(outward, inside, outside, not_before="INVITE", surely_from="INVITE")
        self.assert_lifetime(inward, outside, inside, not_before=inward_not_before, surely_from="200 INVITE")

    def assert_lifetime(self, port, sent, arrived, not_before, surely_from):
        """Media of `port` passes at the earliest when the one message comes to the gateway, without loss from when
        the other has left it, and no longer than until the BYE is answered."""
        def seen(kind_of_message):
            return sorted(packet.time for side in (sent, arrived) for packet in side
                          if packet.is_sip and kind(packet.payload) == kind_of_message)

        passed = {packet.payload for packet in arrived if not packet.is_sip}
        media = [packet for packet in sent if (parse(packet.payload) or [None])[0] == port.ssrc]
        passes = [packet.time for packet in media if packet.payload in passed]
        dropped = [packet.time for packet in media if packet.payload not in passed]
        earliest, surely = seen(not_before)[0], seen(surely_from)[-1]
        closing, closed = seen("BYE")[0], seen("200 BYE")[-1]
        self.assertEqual([t - earliest for t in passes if t < earliest], [], "passed before the call")
        self.assertEqual([t - surely for t in dropped if surely < t < closing], [], "lost during the call")
        self.assertEqual([t - closed for t in passes if t > closed + GRACE], [], "passed after the call")
        self.assertGreater(sum(t < earliest for t in dropped), 50)
        self.assertGreater(sum(surely < t < closing for t in passes), 50)
        self.assertGreater(sum(t > closed for t in dropped), 50)


class Source(MediaTest):
    """From whom media passes. The stranger sends from the outside host too, by another address."""

    @each_family
    def test_after_the_answer_only_the_peer_reaches_the_callee(self, family):
        peer, stranger, inside = self.ports(family)
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            self.answer(dialog, caller, callee, INSIDE_PORT)
            self.assert_passes(peer, inside)
            self.assert_passes(inside, peer)
            self.assert_dropped(stranger, inside)
            self.hang_up(dialog, caller, callee)
            self.wait_until_forgotten(family, family.outside)
            self.assert_dropped(peer, inside)

    # The stranger comes first: its flow is established when the answer binds the pinhole.
    @each_family
    def test_the_answer_cuts_off_who_sent_to_the_caller_before(self, family):
        peer, stranger, inside = self.ports(family)
        callee, caller = self.phones(family)
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, INSIDE_PORT)))
            self.assert_passes(stranger, inside)
            self.assert_passes(peer, inside)
            self.answer(dialog, caller, callee, OUTSIDE_PORT)
            self.assert_passes(peer, inside)
            self.wait_until_forgotten(family, family.stranger)
            self.assert_dropped(stranger, inside)
            self.assert_passes(peer, inside)
            self.hang_up(dialog, caller, callee)

    @each_family
    def test_any_source_may_send_where_the_configuration_says_so(self, family):
        peer, stranger, inside = self.ports(family)
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway, '[media]\nsource = "any"\n'):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            self.answer(dialog, caller, callee, INSIDE_PORT)
            self.assert_passes(peer, inside)
            self.assert_passes(stranger, inside)
            self.hang_up(dialog, caller, callee)

    def ports(self, family):
        return (self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT),
                self.rtp_port(self.network.outside, family, family.stranger, OUTSIDE_PORT),
                self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT))

    def wait_until_forgotten(self, family, address):
        """Until conntrack has no media flow between an outside address and the inside host any more."""
        wait_until(lambda: not any(f"={address} " in entry and f"={INSIDE_PORT} " in entry
                                   for entry in self.firewall.conntrack(family, "-p", "udp")),
                   f"the flow of {address} to be forgotten", 5 * GRACE)


class Sets(MediaTest):
    """What `nft list set` shows in the course of a call."""

    @each_family
    def test_the_offer_opens_to_anybody_and_the_answer_binds(self, family):
        caller, callee = self.phones(family)
        any_source, bound = f"sip_rtp{family.digit}", f"sip_rtp{family.digit}_from"
        to_caller = {(family.outside, port) for port in (OUTSIDE_PORT, OUTSIDE_PORT + 1)}
        to_callee = {(family.inside, port) for port in (INSIDE_PORT, INSIDE_PORT + 1)}
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee, call_id="shown@example.com")
            self.assertEqual(self.keys(), {})
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            self.assertEqual(self.keys(), {any_source: to_caller})
            self.answer(dialog, caller, callee, INSIDE_PORT)
            self.assertEqual(self.keys(), {bound: {(family.inside, *key) for key in to_caller} |
                                                  {(family.outside, *key) for key in to_callee}})
            for element in self.firewall.elements(bound):
                component = "rtp" if element.key[2] % 2 == 0 else "rtcp"
                self.assertIn(f"audio {component} call=shown@example.com", element.comment)
                self.assertIn(element.expires, range(290, 301))
            self.hang_up(dialog, caller, callee)
            self.assertEqual(self.keys(), {})

    @each_family
    def test_a_call_that_is_refused_closes(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            self.assertNotEqual(self.keys(), {})
            callee.pass_to(caller, dialog.response(486, "Busy Here"))
            self.assertEqual(self.keys(), {})

    @each_family
    def test_a_call_that_is_cancelled_closes_with_its_487(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway):
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT)))
            terminated = dialog.response(487, "Request Terminated")
            caller.pass_to(callee, dialog.cancel())
            callee.pass_to(caller, dialog.response(200, "OK"))
            self.assertNotEqual(self.keys(), {})
            callee.pass_to(caller, terminated)
            self.assertEqual(self.keys(), {})

    def keys(self):
        return {name: {element.key for element in elements}
                for name, elements in self.firewall.open_pinholes().items()}
