# SPDX-License-Identifier: GPL-2.0-or-later
"""How long the pinholes of a call live while it is on hold, and after its BYE."""

import signal
import time
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import each_family
from lab.network import IPV4
from lab.sip import sdp
from time_test import IDLE, LONG, TIMEOUTS, TimeTest


class Hold(TimeTest):
    """While nobody is to send, `held` counts instead of `media-idle`, for the elements too."""

    HELD = 100
    TIMEOUTS = TIMEOUTS + f"held = {HELD}\n"

    def offer(self, dialog, caller, callee, attributes):
        caller.pass_to(callee, dialog.request("INVITE", body=sdp(caller, self.OUTSIDE_PORT, attributes=attributes)))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT, attributes=attributes)))
        caller.pass_to(callee, dialog.ack())

    def left(self, family):
        """Seconds that the elements of the call have left."""
        return [element.expires for element in self.firewall.elements(f"sip_rtp{family.digit}_from")]

    @each_family
    def test_a_call_on_hold_stays_open_and_ends_as_usual_when_it_is_resumed(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway, self.TIMEOUTS) as daemon:
            dialog = self.establish(caller, callee)
            self.assertLessEqual(max(self.left(family)), IDLE)
            self.offer(dialog, caller, callee, ["a=inactive"])
            wait_until(lambda: min(self.left(family)) > self.HELD / 2, "the elements to have the longer time")
            self.assert_all_open_for(LONG, family)
            self.offer(dialog, caller, callee, ["a=sendrecv"])
            wait_until(lambda: max(self.left(family)) <= IDLE, "the elements to have the shorter time again", 4)
            self.wait_until_closed(daemon, dialog, "idle")

    @each_family
    def test_a_daemon_that_starts_knows_it_by_the_elements(self, family):
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway, self.TIMEOUTS) as first:
            dialog = self.establish(caller, callee)
            self.offer(dialog, caller, callee, ["a=inactive"])
            wait_until(lambda: min(self.left(family)) > self.HELD / 2, "the elements to have the longer time")
            first.kill()
        with Daemon(self.network.gateway, self.TIMEOUTS) as second:
            self.assert_all_open_for(LONG, family)
            self.assertGreater(min(self.left(family)), self.HELD / 2)
            self.hang_up(dialog, caller, callee)
            self.wait_until_closed(second, dialog, "bye")

    def test_a_reload_that_changes_the_time_keeps_it_on_hold(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, self.TIMEOUTS) as daemon:
            dialog = self.establish(caller, callee)
            self.offer(dialog, caller, callee, ["a=inactive"])
            wait_until(lambda: min(self.left(IPV4)) > self.HELD / 2, "the elements to have the longer time")
            Path(daemon.process.args[-1]).write_text(TIMEOUTS + f"held = {2 * self.HELD}\n")
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: min(self.left(IPV4)) > self.HELD, "the elements to have the new time")
            self.assert_all_open_for(LONG)
            self.hang_up(dialog, caller, callee)
            self.wait_until_closed(daemon, dialog, "bye")


class Grace(TimeTest):
    """What comes behind the BYE, for the seconds of `grace`."""

    @each_family
    def test_the_tail_passes_from_the_peer_alone_until_it_ends(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        stranger = self.rtp_port(self.network.outside, family, family.stranger, self.OUTSIDE_PORT)
        with Daemon(self.network.gateway, "[timeouts]\ngrace = 5\n") as daemon:
            dialog = self.establish(caller, callee)
            self.hang_up(dialog, caller, callee)
            over = time.monotonic()
            self.assertEqual(self.destinations(), self.ports_of_call(family))
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.assert_dropped(stranger, inside)
            self.wait_until_closed(daemon, dialog, "bye")
            self.assertGreater(time.monotonic() - over, 4)
            self.assert_dropped(outside, inside)
