# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls outlive the daemon: it is stopped or killed and started again while they are up."""

from lab import Capture, Daemon, Manager, sipp, wait_until
from lab.case import LiveTest, each_family
from lab.daemon import part

CALLS = 200
PACKETS = 60  # RTP, in each direction of each call
INTERVAL = 0.1  # of them, in seconds
RESTARTS = 5


class Restart(LiveTest):
    @each_family
    def test_after_a_stop_no_media_is_lost_and_every_bye_closes(self, family):
        self.play(family, Daemon.stop)

    @each_family
    def test_after_kill_9_no_media_is_lost_and_every_bye_closes(self, family):
        self.play(family, Daemon.kill)

    def play(self, family, end):
        """Without the rule for established flows: media lives by the pinholes alone."""
        self.firewall.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        first = Daemon(self.network.gateway)
        with Capture(self.network.outside, family) as at_outside, Capture(self.network.inside, family) as at_inside:
            with first:
                calls = self.enter(sipp.Calls(self.network, family, CALLS, rate=100, packets=PACKETS,
                                              interval=INTERVAL, talk=PACKETS * INTERVAL + 2))
                wait_until(lambda: self.bound(family) == 4 * CALLS, "all calls to be up", 30)
                end(first)
            self.assertEqual(self.bound(family), 4 * CALLS)
            with Daemon(self.network.gateway) as second:
                calls.wait()
                wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
                second.stop()
                self.assertIn(f"{4 * CALLS} open pinholes taken over", second.log())
            outside, inside = at_outside.packets(), at_inside.packets()
        self.assert_no_media_lost(family.outside, outside, inside, CALLS * PACKETS)
        self.assert_no_media_lost(family.inside, inside, outside, CALLS * PACKETS)

    # Calls at every stage, over UDP: an INVITE that waits for its verdict, one that rings, an answer, a BYE.
    @part("systemd")
    @each_family
    def test_restarts_lose_no_call_that_is_being_set_up(self, family):
        self.firewall.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        with Capture(self.network.outside, family) as at_outside, \
                Capture(self.network.inside, family) as at_inside, Manager(self.network.gateway) as manager:
            daemon = manager.start()
            daemon.__enter__()
            calls = self.enter(sipp.Calls(self.network, family, CALLS, rate=40, packets=10, interval=INTERVAL, talk=4))
            for _ in range(RESTARTS):
                wait_until(lambda: f"sip_rtp{family.digit}" in self.firewall.open_pinholes(), "a call that rings", 30)
                self.assertEqual(daemon.stop(), 0)
                daemon.discard()
                self.assertTrue(daemon.queue_taken())
                daemon = manager.start()
                wait_until(lambda: not manager.kept, "the next daemon to take the queue")
            calls.wait()
            wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
            daemon.__exit__(None)
            outside, inside = at_outside.packets(), at_inside.packets()
        self.assert_no_media_lost(family.outside, outside, inside, CALLS * 10)
        self.assert_no_media_lost(family.inside, inside, outside, CALLS * 10)

    def bound(self, family):
        return len(self.firewall.open_pinholes().get(f"sip_rtp{family.digit}_from", ()))
