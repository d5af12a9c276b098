# SPDX-License-Identifier: GPL-2.0-or-later
"""Media that is taken past the sets, as flowtables do: here by a rule for established flows ahead of the jump. Whether
a call lives, and what passed, is read from connection tracking."""

import json
import subprocess
import time

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.daemon import binary
from lab.network import IPV4

IDLE = 12  # seconds; connection tracking is read every ten
TIMEOUTS = f"[timeouts]\nmedia-idle = {IDLE}\n"
USE = '[media]\noffload = "use"\n'


class Offload(CallTest):
    def setUp(self):
        super().setUp()
        self.firewall.nft("insert rule inet filter forward meta l4proto udp ct state established,related accept")
        self.count_packets(1)

    def count_packets(self, on):
        self.network.gateway.run("sh", "-c", f"echo {on} >/proc/sys/net/netfilter/nf_conntrack_acct")

    def packets(self):
        """{address: packets} of the only call, as it is listed."""
        listed = subprocess.run([binary(), "calls", "--json"], text=True, capture_output=True, check=True).stdout
        call = json.loads(listed.splitlines()[0])
        return {way["to"]: way["packets"] for way in call["packets"]}

    def begin(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        dialog = self.establish(caller, callee)
        outside.stream(family.inside, self.INSIDE_PORT, 0.02)
        inside.stream(family.outside, self.OUTSIDE_PORT, 0.02)
        return dialog, caller, callee, outside, inside

    @each_family
    def test_a_call_stays_up_with_its_packets_counted_and_ends_with_its_bye(self, family):
        with Daemon(self.network.gateway, USE + TIMEOUTS) as daemon:
            dialog, caller, callee, outside, inside = self.begin(family)
            time.sleep(2 * IDLE)
            self.assertEqual(len(self.destinations()), 4, "the call is up")
            for count in self.packets().values():
                self.assertGreater(count, outside.sent // 3, "ten seconds ago, perhaps")
            self.hang_up(dialog, caller, callee)
            wait_until(lambda: not self.destinations(), "the pinholes to close")
            time.sleep(1)
            arrived = len(inside.from_port(outside)), len(outside.from_port(inside))
            time.sleep(1)
            self.assertEqual((len(inside.from_port(outside)), len(outside.from_port(inside))), arrived, "it has ended")
            outside.stop_streaming()
            inside.stop_streaming()
            line = self.in_log(daemon, r"closed \(bye\) after \d+ s: (\d+) packets to \S+, (\d+) to \S+$")
            for told in map(int, line.groups()):
                self.assertLessEqual(abs(told - arrived[0]), 10, line[0])

    def test_a_call_that_falls_silent_closes(self):
        with Daemon(self.network.gateway, USE + TIMEOUTS) as daemon:
            *_, outside, inside = self.begin(IPV4)
            time.sleep(2)
            outside.stop_streaming()
            inside.stop_streaming()
            self.in_log(daemon, r"closed \(idle\)", 4 * IDLE)
            self.assertEqual(self.destinations(), set())

    def test_without_counters_it_says_what_is_missing(self):
        self.count_packets(0)
        with Daemon(self.network.gateway, USE) as daemon:
            self.begin(IPV4)
            self.in_log(daemon, r"warning connection tracking does not count .*nf_conntrack_acct = 1 before calls", 30)
