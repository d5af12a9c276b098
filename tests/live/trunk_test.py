# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls between sipp user agents whose INVITE does not fit one packet, and many calls on one TCP connection."""

from collections import Counter

from lab import Capture, Daemon, sipp, wait_until
from lab.capture import datagrams, fragments, streams
from lab.case import LiveTest, each_family

PACKETS = 25  # RTP, in each direction of each call


class SippTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()
        # So that no direction of media can live on the other's pinhole.
        self.firewall.delete_rule("forward", "ct state established,related accept")
        self.enter(Daemon(self.network.gateway))

    def captures(self, family, filter):
        return [self.enter(Capture(host, family, filter=filter))
                for host in (self.network.outside, self.network.inside)]

    def in_sets(self):
        return sum(map(len, self.firewall.open_pinholes().values()))

    def assert_media_complete(self, family, calls, outside, inside):
        """All that was sent arrived, and none of it twice."""
        for source, sent, arrived in ((family.outside, outside, inside), (family.inside, inside, outside)):
            sent, arrived = (Counter((packet.destination, packet.payload) for packet in side
                                     if packet.source[0] == source) for side in (sent, arrived))
            self.assertEqual(sent.total(), calls * PACKETS)
            lost = sent - arrived
            self.assertEqual(lost.total(), 0, f"lost, by destination: {Counter(to for to, _ in lost.elements())}")
            self.assertEqual(arrived, sent)

    def assert_streams_unchanged(self, outside, inside, connections):
        outside, inside = streams(outside), streams(inside)
        self.assertEqual(len(outside), 2 * connections)
        self.assertEqual(outside.keys(), inside.keys())
        for ends, octets in outside.items():
            self.assertEqual(octets, inside[ends], f"from {ends[0]} to {ends[1]}")
        return outside


class LongInvite(SippTest):
    CALLS = 20

    @each_family
    def test_20_kb_over_udp(self, family):
        captures = self.captures(family, "udp")
        self.enter(sipp.Calls(self.network, family, self.CALLS, packets=PACKETS, invite_filler=20000)).wait()
        wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
        outside, inside = (capture.frames() for capture in captures)
        sent, arrived = (Counter((offset, payload) for _, offset, payload in fragments(side) if offset)
                         for side in (outside, inside))
        self.assertGreaterEqual(sent.total(), 13 * self.CALLS)
        self.assertEqual(arrived, sent)
        self.assert_media_complete(family, self.CALLS, media(outside), media(inside))

    @each_family
    def test_20_kb_over_tcp(self, family):
        captures = self.captures(family, "udp or tcp")
        self.enter(sipp.Calls(self.network, family, self.CALLS, packets=PACKETS, transport="TCP",
                              invite_filler=20000)).wait()
        wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
        outside, inside = (capture.frames() for capture in captures)
        sent = self.assert_streams_unchanged(outside, inside, connections=1)
        self.assertGreater(sum(map(len, sent.values())), 20000 * self.CALLS)
        self.assert_media_complete(family, self.CALLS, media(outside), media(inside))


class Trunk(SippTest):
    CALLS = 500

    # All of them are up at the same time.
    @each_family
    def test_500_calls_on_one_connection(self, family):
        captures = self.captures(family, "udp or tcp")
        calls = self.enter(sipp.Calls(self.network, family, self.CALLS, rate=50, packets=PACKETS, talk=15,
                                      transport="TCP"))
        wait_until(lambda: self.in_sets() == 4 * self.CALLS, "all calls to be up", 60)
        calls.wait()
        wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
        outside, inside = (capture.frames() for capture in captures)
        self.assert_streams_unchanged(outside, inside, connections=1)
        self.assert_media_complete(family, self.CALLS, media(outside), media(inside))


def media(frames):
    """The datagrams that are no SIP, among frames of which some are fragments of SIP."""
    return [packet for packet in datagrams(frames) if not packet.is_sip]
