# SPDX-License-Identifier: GPL-2.0-or-later
"""How long pinholes live: by the timeouts of their elements, by media, by signs of life, and no longer than a call
may last."""

import re
import time

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.network import IPV4
from lab.sip import Dialog, sdp

IDLE = 5  # seconds; a machine that stands still for as long can't be told from a call that does
TIMEOUTS = f"[timeouts]\nearly = 3\nmedia-idle = {IDLE}\n"
LONG = 2 * IDLE + 2  # in which a silent call would have ended


class TimeTest(CallTest):
    def ports_of_call(self, family=IPV4):
        return {(family.outside, 40000), (family.outside, 40001), (family.inside, 30000), (family.inside, 30001)}

    def assert_all_open_for(self, seconds, family=IPV4, meanwhile=lambda: None):
        """All four pinholes of the call are there, whenever one looks."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            meanwhile()
            self.assertEqual(self.destinations(), self.ports_of_call(family))
            time.sleep(0.1)  # others run beside this

    def wait_until_closed(self, daemon, dialog, cause):
        wait_until(lambda: not self.destinations(), "the call to be closed", 30)
        self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \({cause}\)")


class Life(TimeTest):
    """What keeps the pinholes of a call, all of them, and what does not."""

    # RTCP never comes, nor does RTP from inside.
    @each_family
    def test_media_in_one_direction(self, family):
        caller, callee = self.phones(family)
        outside, _ = self.media_ports(family)
        with Daemon(self.network.gateway, TIMEOUTS) as daemon:
            dialog = self.establish(caller, callee)
            outside.stream(family.inside, self.INSIDE_PORT)
            self.assert_all_open_for(LONG, family)
            outside.stop_streaming()
            self.wait_until_closed(daemon, dialog, "idle")

    # Alice and Carol talk to one port of a server; Carol's phone vanishes. Alice's media is no life of Carol's.
    @each_family
    def test_A15_media_of_another_call_to_the_same_port(self, family):
        alice, server = self.phones(family)
        carol = self.phone(self.network.outside, family, family.stranger)
        outside, _ = self.media_ports(family)
        with Daemon(self.network.gateway, TIMEOUTS) as daemon:
            self.establish(alice, server)
            dialog = self.establish(carol, server, sdp(carol, 41000), sdp(server, self.INSIDE_PORT))
            self.assertIn((family.stranger, 41000), self.destinations())
            outside.stream(family.inside, self.INSIDE_PORT)
            self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \(idle\)", 3 * IDLE)
            self.assert_all_open_for(LONG, family)
            sources = {element.key[0] for element in self.firewall.elements(f"sip_rtp{family.digit}_from")
                       if element.key[1] == family.inside}
            self.assertEqual(sources, {family.outside})

    # On hold, or muted: nobody sends any media, but the phones ask now and then whether the other is there.
    @each_family
    def test_signs_of_life_in_the_dialog(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway, TIMEOUTS) as daemon:
            dialog = self.establish(caller, callee)
            hold = sdp(caller, self.OUTSIDE_PORT, attributes=["a=sendonly"])
            held = sdp(callee, self.INSIDE_PORT, attributes=["a=recvonly"])
            caller.pass_to(callee, dialog.request("INVITE", body=hold))
            callee.pass_to(caller, dialog.response(200, "OK", held))
            caller.pass_to(callee, dialog.ack())

            def ask():
                caller.pass_to(callee, dialog.request("OPTIONS"))
                callee.pass_to(caller, dialog.response(200, "OK"))
                pause = time.monotonic() + 0.2
                wait_until(lambda: time.monotonic() > pause, "a moment")

            self.assert_all_open_for(LONG, family, ask)
            self.wait_until_closed(daemon, dialog, "idle")

    # Only what shows that both parties are there: a stranger's packets don't.
    def test_what_is_dropped_is_no_sign_of_life(self):
        caller, callee = self.phones()
        stranger = self.rtp_port(self.network.outside, IPV4, IPV4.stranger, self.OUTSIDE_PORT)
        with Daemon(self.network.gateway, TIMEOUTS) as daemon:
            dialog = self.establish(caller, callee)
            stranger.stream(IPV4.inside, self.INSIDE_PORT)
            self.wait_until_closed(daemon, dialog, "idle")

    def test_a_call_that_rings_is_given_up_after_early(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, TIMEOUTS) as daemon:
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, self.OUTSIDE_PORT)))
            callee.pass_to(caller, dialog.response(180, "Ringing"))
            self.wait_until_closed(daemon, dialog, "early-timeout")


class Kernel(TimeTest):
    """What the kernel does by itself."""

    # Every packet's chance to renew its element is one in 64; the rules say for 300 s.
    @each_family
    def test_without_a_daemon_media_keeps_its_pinholes_and_the_others_expire(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        with Daemon(self.network.gateway, "[timeouts]\nearly = 8\nmedia-idle = 8\n") as daemon:
            self.establish(caller, callee)
            daemon.kill()
        outside.stream(family.inside, self.INSIDE_PORT)
        inside.stream(family.outside, self.OUTSIDE_PORT)
        wait_until(lambda: self.destinations() == {(family.outside, 40000), (family.inside, 30000)},
                   "RTCP to expire, which is not used", 60)
        for element in self.firewall.elements(f"sip_rtp{family.digit}_from"):
            self.assertGreater(element.expires, 200)
        for sender, receiver in ((outside, inside), (inside, outside)):
            got, sent = len(receiver.from_port(sender)), sender.sent
            wait_until(lambda: len(receiver.from_port(sender)) > got + 50, "media to go on")
            self.assertGreater(sender.sent, sent)


class Limits(TimeTest):
    """However much media flows."""

    def test_the_longest_call(self):
        self.firewall.nft("insert rule inet filter forward ct state established,related accept")
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, "[timeouts]\nmax-call = 6\n") as daemon:
            began = time.monotonic()
            dialog = self.establish(caller, callee)
            outside.stream(IPV4.inside, self.INSIDE_PORT)
            inside.stream(IPV4.outside, self.OUTSIDE_PORT)
            self.wait_until_closed(daemon, dialog, "session-expired")
            self.assertGreater(time.monotonic() - began, 5)
            self.assert_stops(outside, inside)
            self.assert_stops(inside, outside)
