# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of the include, taken into use while calls go through: marks, payloads, rates. What they are by themselves
stands in ruleset_test."""

import re
import socket
import struct

from lab import Capture, Daemon, Flood, wait_until
from lab.case import CallTest, each_family
from lab.network import IPV4, IPV6
from lab.sip import Dialog, sdp

CS3, EF = 24, 46  # RFC 2474, RFC 3246
RATE, BURST = 20, 100  # as the option is shipped
TRUSTED = ("ip saddr { 192.0.2.0/24, 198.51.100.7 } return", "ip6 saddr { 2001:db8:2::/48 } return")


def marks(frames, family):
    """DSCP values of the UDP frames: {"SIP": ..., "media": ...}."""
    found = {"SIP": set(), "media": set()}
    for _, frame in frames:
        if family is IPV6 and frame[12:14] == b"\x86\xdd" and frame[20] == socket.IPPROTO_UDP:
            dscp, udp = (struct.unpack_from("!H", frame, 14)[0] >> 6) & 63, frame[54:]
        elif family is IPV4 and frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_UDP:
            dscp, udp = frame[15] >> 2, frame[34:]
        else:
            continue
        found["SIP" if 5060 in struct.unpack_from("!HH", udp) else "media"].add(dscp)
    return found


class Marks(CallTest):
    @each_family
    def test_sip_is_cs3_and_media_ef(self, family):
        self.firewall.clear()
        self.firewall.load(options=["dscp-media", "dscp-sip"])
        outside, inside = self.media_ports(family)
        caller, callee = self.phones(family)
        captures = {host: Capture(host, family) for host in (self.network.outside, self.network.inside)}
        with captures[self.network.outside] as at_outside, captures[self.network.inside] as at_inside, \
                Daemon(self.network.gateway):
            self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            # Each side sees its own packets without a mark, and those of the other with it.
            for capture in (at_outside, at_inside):
                found = marks(capture.frames(), family)
                self.assertEqual(found["SIP"], {0, CS3})
                self.assertEqual(found["media"], {0, EF})


class Payloads(CallTest):
    # First octets and formats of RFC 5389, 6347, 3550; what is none of them: RFC 1035, T.38 over UDPTL, TURN channels.
    DATAGRAMS = {
        "STUN": (True, struct.pack("!HHI12s", 1, 0, 0x2112A442, b"transaction.")),
        "DTLS": (True, b"\x16\xfe\xfd" + bytes(8) + b"\x00\x0c" + b"\x01" + bytes(11)),
        "SRTP": (True, struct.pack("!BBHII", 0x80, 0x60, 1, 160, 7) + bytes(160)),
        "RTCP": (True, struct.pack("!BBHI", 0x80, 200, 6, 7) + bytes(20)),
        "RTCP feedback": (True, struct.pack("!BBHII", 0x81, 206, 2, 7, 8)),
        "DNS": (False, b"\x4d\x4d\x01\x00\x00\x01" + bytes(6) + b"\x07example\x03com\x00\x00\x01\x00\x01"),
        "TURN channel": (False, struct.pack("!HH", 0x4000, 4) + b"data"),
        "SSH": (False, b"SSH-2.0-x\r\n"),
        "SNMP": (True, b"\x30\x26\x02\x01\x01\x04\x06public"),  # looks like DTLS
    }

    @each_family
    def test_only_media_uses_a_pinhole(self, family):
        self.firewall.clear()
        self.firewall.load(options=["payloads"])
        self.firewall.delete_rule("forward", "ct state established,related accept")
        caller, callee = self.phones(family)
        with Daemon(self.network.gateway), \
                self.network.outside.udp(family, family.outside, self.OUTSIDE_PORT) as outside, \
                self.network.inside.udp(family, family.inside, self.INSIDE_PORT) as inside:
            self.establish(caller, callee)
            for sender, receiver in ((outside, inside), (inside, outside)):
                receiver.settimeout(5)
                for _, datagram in self.DATAGRAMS.values():
                    sender.sendto(datagram, receiver.getsockname())
                expected = [datagram for passes, datagram in self.DATAGRAMS.values() if passes]
                self.assertEqual([receiver.recv(1500) for _ in expected], expected)


class Rates(CallTest):
    SENT = 2000

    def setUp(self):
        super().setUp()
        self.firewall.clear()
        self.firewall.load(options=["rate"], lines=TRUSTED)

    def dropped(self):
        listed = self.firewall.nft("list chain inet filter sip_rate")
        return sum(map(int, re.findall(r"counter packets (\d+)", listed)))

    def test_a_flood_from_one_source_is_cut_and_another_is_not(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway) as daemon, \
                Flood(self.network.outside, IPV4.stranger, IPV4.inside, "OPTIONS sip:######## SIP/2.0\r\n\r\n",
                      self.SENT, rate=1000) as flood:
            wait_until(self.dropped, "the limit to be reached")
            self.assertTrue(flood.goes_on())
            arrived = []

            def receive(phone):
                """The next that is not of the flood."""
                while (message := phone.receive()).startswith(b"OPTIONS sip:0"):
                    arrived.append(message)
                return message

            dialog = Dialog(caller, callee)
            for sender, receiver, message in (
                    (caller, callee, lambda: dialog.invite(sdp(caller, self.OUTSIDE_PORT))),
                    (callee, caller, lambda: dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT))),
                    (caller, callee, dialog.ack)):
                sent = sender.send(message(), receiver)
                self.assertEqual(receive(receiver), sent)
            sent = flood.wait()
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            # All of the flood that passes has come before the BYE.
            bye = caller.send(dialog.bye(), callee)
            self.assertEqual(receive(callee), bye)
            allowed = BURST + RATE * sent.seconds
            print(f"sent {sent}; passed {len(arrived)}, dropped {self.dropped()}")
            self.assertEqual(len(arrived) + self.dropped(), sent.count)
            self.assertLess(len(arrived), allowed * 1.1 + 5)
            self.assertGreaterEqual(len(arrived), BURST)
            self.assertEqual(daemon.stop(), 0)

    # Who is named sends as much as he likes; TCP counts by connections, not by segments.
    @each_family
    def test_servers_and_connections_that_are_up_are_not_limited(self, family):
        caller, callee = self.phones(family)
        with self.network.inside.socket(family.domain, socket.SOCK_STREAM) as server, \
                self.network.outside.socket(family.domain, socket.SOCK_STREAM) as client:
            server.bind((family.inside, 5060))
            server.listen()
            client.settimeout(5)
            client.connect((family.inside, 5060))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted, _ = server.accept()
            with accepted:
                accepted.settimeout(5)
                for _ in range(2 * BURST):
                    client.sendall(b"\r\n\r\n")
                    got = b""
                    while len(got) < 4:
                        got += accepted.recv(4)
        for number in range(2 * BURST):
            callee.pass_to(caller, f"OPTIONS sip:{number} SIP/2.0\r\n\r\n")
        self.assertEqual(self.dropped(), 0)
