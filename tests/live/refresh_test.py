# SPDX-License-Identifier: GPL-2.0-or-later
"""Elements that neither media nor a rule keeps: the daemon renews them, and its figures stay right."""

import re

from lab import Daemon, wait_until
from lab.case import CallTest, each_family

# Refreshed every 4 s, each time that 1.6 s of 8 have passed.
CONFIGURATION = "[timeouts]\nearly = 8\nmedia-idle = 8\n"
# Packets come too rarely for the rules, which renew an element once in 64; so the daemon does, and each renewal
# starts the counter of the element again.
INTERVAL = 0.25  # seconds
PACKETS = 80


class RefreshTest(CallTest):
    """What the daemon does is the same on every kernel; what adding an element again does is not (6.1, 6.12)."""

    def assert_kept_and_counted(self, family, log):
        """A call with media in one direction only. `log` returns the daemon's."""
        bound = f"sip_rtp{family.digit}_from"
        outside, inside = self.media_ports(family)
        caller, callee = self.phones(family)
        dialog = self.establish(caller, callee)
        keys = {element.key for element in self.firewall.elements(bound)}
        self.assertEqual(len(keys), 4)
        outside.stream(family.inside, self.INSIDE_PORT, INTERVAL)
        while outside.sent < PACKETS:
            self.assertEqual({element.key for element in self.firewall.elements(bound)}, keys)
        outside.stop_streaming()
        wait_until(lambda: len(inside.from_port(outside)) == outside.sent, "all packets to arrive")
        self.hang_up(dialog, caller, callee)
        closed = wait_until(lambda: re.search(rf"call {re.escape(dialog.call_id)} closed \(bye\).*", log()),
                            "the call's last line")
        counted = int(re.search(rf"(\d+) (?:packets )?to {re.escape(family.inside)}", closed[0])[1])
        # An update counts its packet a second time, and one in 65 is taken off for it: right on the average. A
        # renewal whose count was lost would take more than ten away.
        self.assertIn(counted, range(outside.sent - 2, outside.sent + 7))
        self.assertEqual(self.firewall.open_pinholes(), {})


class Refresh(RefreshTest):
    @each_family
    def test_a_silent_direction_stays_open_and_all_packets_are_counted(self, family):
        with Daemon(self.network.gateway, CONFIGURATION) as daemon:
            self.assert_kept_and_counted(family, daemon.log)
