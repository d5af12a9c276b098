# SPDX-License-Identifier: GPL-2.0-or-later
"""observe = true: the daemon looks on and tells what it would do."""

import re

from lab import Daemon, sipp, wait_until
from lab.case import CallTest, each_family
from lab.network import IPV4
from lab.sip import Dialog, sdp

OBSERVE = "[kernel]\nobserve = true\n"
CALLS = 20


class Observe(CallTest):
    def ruleset(self):
        """All that nft shows, but for what changes by itself: counters and times."""
        return re.sub(r"(packets|bytes) \d+|expires \w+", "", self.firewall.nft("list", "ruleset"))

    @each_family
    def test_it_tells_what_would_open_and_writes_nothing(self, family):
        caller, callee = self.phones(family)
        peer, phone = self.media_ports(family)
        before = self.ruleset()
        with Daemon(self.network.gateway, OBSERVE) as daemon:
            dialog = self.establish(caller, callee)
            self.in_log(daemon, rf"call {re.escape(dialog.call_id)} opened \(offer\)")
            self.assertEqual(self.ruleset(), before)
            self.assert_dropped(peer, phone)
            caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, 53)))
            self.in_log(daemon, rf"no pinhole to {family.outside} port 53 \(port-policy\)")
            self.hang_up(dialog, caller, callee)
            self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \(bye\) after \d+ s$")
            self.assertEqual(daemon.stop(), 0)
            self.in_log(daemon, r"; 0 transactions, 0 element changes, 0 failed")

    # Whether it has media can't be known without the counters of elements: so it does not count as silent.
    def test_a_call_does_not_end_because_nobody_counts_its_media(self):
        caller, callee = self.phones()
        timeouts = "[timeouts]\nearly = 1\nmedia-idle = 1\nmax-call = 6\n"
        with Daemon(self.network.gateway, OBSERVE + timeouts) as daemon:
            self.establish(caller, callee)
            self.in_log(daemon, r"closed \(session-expired\) after 6 s$", 20)
            self.assertNotIn("idle", daemon.log())

    # What others wrote, a flow that conntrack knows: all stays, when calls begin and end over it and when the
    # daemon stops.
    def test_it_touches_nothing_of_others(self):
        caller, callee = self.phones()
        peer, phone = self.media_ports()
        self.firewall.nft("add element inet filter sip_rtp4 { 192.0.2.2 . 30000 timeout 300s }")
        self.assert_passes(peer, phone)
        flows = self.firewall.conntrack(IPV4, "-p", "udp", "--orig-port-dst", "30000")
        self.assertEqual(len(flows), 1)
        with Daemon(self.network.gateway, OBSERVE + 'on-stop = "flush"\n') as daemon:
            self.hang_up(self.establish(caller, callee), caller, callee)
            self.in_log(daemon, r"closed \(bye\)")
            self.establish(caller, callee)
            self.in_log(daemon, r"opened \(offer\)")
            self.assertEqual(daemon.stop(), 0)
        self.assert_passes(peer, phone)
        self.assertEqual(self.destinations(), {("192.0.2.2", 30000)})
        self.assertEqual(len(self.firewall.conntrack(IPV4, "-p", "udp", "--orig-port-dst", "30000")), 1)

    # Not even what the configuration says is to be dropped.
    def test_it_holds_and_drops_nothing(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, OBSERVE + '[signalling]\nmalformed = "drop"\nnot-sip = "drop"\n') as daemon:
            caller.pass_to(callee, b"INVITE sip:x SIP/2.0\r\nVia\r\n\r\n")
            caller.pass_to(callee, b"no SIP at all")
            self.assertEqual(daemon.stop(), 0)
            self.in_log(daemon, r"1 malformed, 1 not SIP, .* 0 dropped")

    # Calls work as they do without the daemon. Media passes by a rule of the user's, as it did before.
    def test_calls_in_numbers_pass_as_before(self):
        self.firewall.nft("insert rule inet filter forward meta l4proto udp accept")
        with Daemon(self.network.gateway, OBSERVE) as daemon:
            self.enter(sipp.Calls(self.network, IPV4, CALLS, rate=20, packets=10)).wait()
            wait_until(lambda: daemon.log().count("closed (bye)") == CALLS, "every call to be told")
            self.assertEqual(daemon.log().count("opened (offer)"), CALLS)
            self.assertEqual(self.destinations(), set())
