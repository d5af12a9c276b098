# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls in numbers: nothing is lost, nothing is changed, nothing stays open."""

from lab import Capture, Daemon, sipp, wait_until
from lab.case import LiveTest, each_family

CALLS = 200
PACKETS = 25  # RTP, in each direction of each call


class Calls(LiveTest):
    # Media starts in the same moment as the answer, five packets at once. Without the rule for established flows,
    # so that no direction can live on the other's pinhole.
    @each_family
    def test_no_media_is_lost_and_sip_passes_as_it_was_sent(self, family):
        self.firewall.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        with Daemon(self.network.gateway), Capture(self.network.outside, family) as at_outside, \
                Capture(self.network.inside, family) as at_inside:
            self.enter(sipp.Calls(self.network, family, CALLS, rate=50, packets=PACKETS)).wait()
            wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
            outside, inside = at_outside.packets(), at_inside.packets()
        for source, sent, arrived in ((family.outside, outside, inside), (family.inside, inside, outside)):
            self.assert_sip_unchanged(source, sent, arrived)
            self.assert_no_media_lost(source, sent, arrived, CALLS * PACKETS)

    def assert_sip_unchanged(self, source, sent, arrived):
        """Every datagram, in order, byte for byte."""
        sent, arrived = ([packet.payload for packet in side if packet.is_sip and packet.source[0] == source]
                         for side in (sent, arrived))
        self.assertGreaterEqual(len(sent), 2 * CALLS)
        self.assertEqual(len(sent), len(arrived))
        for before, after in zip(sent, arrived):
            self.assertEqual(before, after)
