# SPDX-License-Identifier: GPL-2.0-or-later
"""Session timers (RFC 4028). A module of its own: the least that one may be is 90 seconds."""

import re
import time

from lab import Daemon, wait_until
from lab.case import CallTest
from lab.network import IPV4

EXPIRES = "Session-Expires: 90;refresher=uac\r\n"


def with_timer(message):
    return message.replace("Max-Forwards", EXPIRES + "Max-Forwards", 1)


class SessionTimer(CallTest):
    # An UPDATE sets it, and no refresh follows.
    def test_a_session_that_is_not_refreshed_ends_whatever_media_flows(self):
        self.firewall.nft("insert rule inet filter forward ct state established,related accept")
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            caller.pass_to(callee, with_timer(dialog.request("UPDATE")))
            callee.pass_to(caller, with_timer(dialog.response(200, "OK")))
            began = time.monotonic()
            outside.stream(IPV4.inside, self.INSIDE_PORT, 0.02)
            inside.stream(IPV4.outside, self.OUTSIDE_PORT, 0.02)
            wait_until(lambda: "closed" in daemon.log(), "the session to expire", 120)
            self.assertGreater(time.monotonic() - began, 85)
            self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \(session-expired\)")
            self.assertEqual(self.destinations(), set())
            self.assert_stops(outside, inside)
            self.assert_stops(inside, outside)
