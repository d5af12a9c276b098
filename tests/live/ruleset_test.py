# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped rules by themselves: what they accept, count, refresh and remember. No daemon runs; the tests write
the elements."""

import re
import select
import socket
import sys
import tempfile
from pathlib import Path

from lab import IPV4, wait_until
from lab.case import LiveTest, each_family
from lab.firewall import NFT
from lab.rtp import RtpPort

PORT = 30000


class RulesetTest(LiveTest):
    def add(self, name, *key, timeout="300s"):
        words = " . ".join(map(str, key))
        self.firewall.nft(f'add element inet filter {name} {{ {words} timeout {timeout} comment "audio rtp" }}')

    def hosts(self, family):
        """A port on either side."""
        return (self.rtp_port(self.network.outside, family, family.outside, PORT),
                self.rtp_port(self.network.inside, family, family.inside, PORT))


class Media(RulesetTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()

    @each_family
    def test_only_what_goes_to_an_element_is_accepted(self, family):
        outside, inside = self.hosts(family)
        neighbour = self.rtp_port(self.network.inside, family, family.inside, PORT + 1)
        self.assert_dropped(outside, inside)
        self.assert_dropped(inside, outside)
        self.add(f"sip_rtp{family.digit}", family.inside, PORT)
        self.assert_passes(outside, inside)
        self.assert_dropped(outside, neighbour)

    @each_family
    def test_an_element_with_a_source_admits_only_that(self, family):
        outside, inside = self.hosts(family)
        stranger = self.rtp_port(self.network.outside, family, family.stranger, PORT)
        self.add(f"sip_rtp{family.digit}_from", family.outside, family.inside, PORT)
        self.assert_passes(outside, inside)
        self.assert_dropped(stranger, inside)

    # A phone behind a NAT of its own: media comes from an address and port that no SDP names, and is answered there.
    @each_family
    def test_media_is_answered_where_it_comes_from(self, family):
        outside, relay = self.hosts(family)
        behind_nat = self.rtp_port(self.network.outside, family, family.stranger, 51234)
        self.add(f"sip_rtp{family.digit}_from", family.stranger, family.inside, PORT)
        self.assert_dropped(relay, behind_nat)
        self.assert_passes(behind_nat, relay)
        self.assert_passes(relay, behind_nat)
        self.assert_dropped(relay, self.rtp_port(self.network.outside, family, family.stranger, 51235))
        self.assert_dropped(relay, outside)

    @each_family
    def test_an_element_expires(self, family):
        outside, inside = self.hosts(family)
        self.add(f"sip_rtp{family.digit}", family.inside, PORT, timeout="100ms")
        wait_until(lambda: not self.firewall.open_pinholes(), "the element to expire")
        self.assert_dropped(outside, inside)

    # While a pinhole is bound it is in one set in one moment and in the other in the next, and a packet looks into
    # one after the other. Without the second look some packets of this flood are lost.
    def test_binding_loses_no_packet(self):
        self.firewall.nft("insert rule inet filter forward udp dport 30000 counter drop")
        self.firewall.nft("insert rule inet filter forward jump sip_media")
        self.add("sip_rtp4", IPV4.inside, PORT)
        self.rtp_port(self.network.inside, IPV4, IPV4.inside, PORT)
        flood = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                 f"while True: s.sendto(bytes(20), ('{IPV4.inside}', {PORT}))")
        for _ in range(2):
            process = self.network.outside.popen(sys.executable, "-c", flood)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        wait_until(lambda: self.firewall.elements("sip_rtp4")[0].packets > 1000, "the flood")
        sets = [("sip_rtp4", f"{{ {IPV4.inside} . {PORT} }}"),
                ("sip_rtp4_from", f"{{ {IPV4.outside} . {IPV4.inside} . {PORT} }}")]
        transactions = []
        for number in range(2000):
            (old, old_key), (new, new_key) = sets[number % 2], sets[1 - number % 2]
            transactions.append(f"add element inet filter {new} {new_key}; delete element inet filter {old} {old_key}\n")
        done = self.network.gateway.run("nft", "-i", input="".join(transactions))
        self.assertEqual(done.stderr, "")
        dropped = re.search(r"udp dport 30000 counter packets (\d+)", self.firewall.nft("list chain inet filter forward"))
        self.assertEqual(int(dropped[1]), 0)

    # One match in 64 counts twice. Of 2000 packets some 31 do; 85 would be ten standard deviations more.
    @each_family
    def test_counters_exceed_the_packets_by_the_sample_only(self, family):
        outside, inside = self.hosts(family)
        for name, source in ((f"sip_rtp{family.digit}", ()), (f"sip_rtp{family.digit}_from", (family.outside,))):
            with self.subTest(name):
                self.add(name, *source, family.inside, PORT)
                for _ in range(20):
                    self.assert_passes(outside, inside, 100)
                element, = self.firewall.elements(name)
                self.assertGreater(element.packets, 2000)
                self.assertLess(element.packets, 2085)

    # With 10 s to live before, media-idle (300 s) after: 1000 packets miss the sample once in seven million runs.
    @each_family
    def test_media_starts_the_time_of_its_element_again(self, family):
        outside, inside = self.hosts(family)
        for name, source in ((f"sip_rtp{family.digit}", ()), (f"sip_rtp{family.digit}_from", (family.outside,))):
            with self.subTest(name):
                self.add(name, *source, family.inside, PORT, timeout="10s")
                for _ in range(10):
                    self.assert_passes(outside, inside, 100)
                element, = self.firewall.elements(name)
                self.assertGreater(element.expires, 290)
                self.assertEqual(element.comment, "audio rtp")

    @each_family
    def test_tcp_passes_to_an_element_and_back(self, family):
        # Strict in both directions, so that nothing but the pinhole can be the reason.
        self.firewall.nft("flush chain inet filter forward")
        self.firewall.nft("add rule inet filter forward jump sip_media")
        for name, source in ((f"sip_tcp{family.digit}", ()), (f"sip_tcp{family.digit}_from", (family.outside,))):
            with self.subTest(name), self.network.inside.socket(family.domain, socket.SOCK_STREAM) as server, \
                    self.network.outside.socket(family.domain, socket.SOCK_STREAM) as client:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind((family.inside, PORT))
                server.listen()
                server.settimeout(5)
                client.bind((family.outside, 0))
                client.setblocking(False)
                client.connect_ex((family.inside, PORT))
                self.assertEqual(select.select([server], [], [], 0.3)[0], [], "somebody connected")
                self.add(name, *source, family.inside, PORT)
                accepted, _ = server.accept()  # the SYN is repeated after a second
                client.settimeout(5)
                with accepted:
                    client.sendall(b"there")
                    self.assertEqual(accepted.recv(5), b"there")
                    accepted.sendall(b"and back")
                    self.assertEqual(client.recv(8), b"and back")
                self.firewall.nft(f"flush set inet filter {name}")


class Forged(RulesetTest):
    """What comes from outside with a source that is none there: even where a pinhole is open to anybody."""

    @each_family
    def test_an_inside_source_from_outside_is_dropped(self, family):
        self.firewall.load()
        outside, inside = self.hosts(family)
        neighbour = {"4": "192.0.2.77", "6": "2001:db8:2::77"}[family.digit]
        self.add(f"sip_rtp{family.digit}", family.inside, PORT)
        self.assert_passes(outside, inside)
        for source in (neighbour, family.gateway_inside, family.gateway_outside):
            with self.subTest(source):
                length = 128 if family.digit == "6" else 32
                self.network.outside.run("ip", "address", "add", f"{source}/{length}", "dev", "lo", *(
                    ["nodad"] if family.digit == "6" else []))
                with RtpPort(self.network.outside, family, source, PORT + 9) as forger:
                    forger.send(inside.address, inside.port)
                    wait_until(self.dropped, "the gateway to have it")
                    self.assert_passes(outside, inside)
                    self.assertEqual(inside.from_port(forger), [])
                self.network.outside.run("ip", "address", "del", f"{source}/{length}", "dev", "lo")
        counted = re.findall(r"counter packets (\d+)", self.firewall.nft("list chain inet filter forged"))
        self.assertEqual([int(count) > 0 for count in counted], [True, True])

    def dropped(self):
        total = sum(map(int, re.findall(r"counter packets (\d+)", self.firewall.nft("list chain inet filter forged"))))
        seen, self.seen = getattr(self, "seen", 0), total
        return total > seen


class Reload(RulesetTest):
    def test_loading_again_keeps_elements_and_doubles_no_rule(self):
        self.firewall.load()
        rules = self.firewall.nft("-s", "list", "table", "inet", "filter")
        self.add("sip_rtp4_from", IPV4.outside, IPV4.inside, PORT)
        self.firewall.load()
        self.assertEqual(len(self.firewall.elements("sip_rtp4_from")), 1)
        self.firewall.nft("flush set inet filter sip_rtp4_from")
        self.assertEqual(self.firewall.nft("-s", "list", "table", "inet", "filter"), rules)


class Signalling(RulesetTest):
    def exchange(self, family, request, port=5060):
        """A datagram from inside and one back; the kernel's memory of that flow in seconds."""
        with self.network.inside.udp(family, family.inside, port) as phone, \
                self.network.outside.udp(family, family.outside, 5060) as server:
            phone.settimeout(5)
            server.settimeout(5)
            phone.sendto(request, (family.outside, 5060))
            server.sendto(server.recv(100), (family.inside, port))
            self.assertEqual(phone.recv(100), request)
        entry, = self.firewall.conntrack(family, "-p", "udp", "--orig-port-src", str(port))
        return int(entry.split()[2])

    # The kernel counts UDP as replied only after two seconds; see dpinholer.nft.
    @each_family
    def test_a_flow_that_begins_with_register_is_remembered_for_an_hour(self, family):
        self.firewall.load()
        self.assertIn(self.exchange(family, b"REGISTER sip:x SIP/2.0\r\n", 5060), range(3590, 3601))

    @each_family
    def test_any_other_sip_flow_is_remembered_for_an_hour_once_it_has_lived_for_two_seconds(self, family):
        self.firewall.load()
        self.assertIn(self.exchange(family, b"OPTIONS sip:x SIP/2.0\r\n"), range(170, 181))
        wait_until(lambda: self.exchange(family, b"OPTIONS sip:x SIP/2.0\r\n") in range(3590, 3601),
                   "the flow to be remembered for an hour")

    @each_family
    def test_what_is_not_sip_keeps_the_default(self, family):
        self.firewall.load()
        outside, inside = self.hosts(family)
        self.add(f"sip_rtp{family.digit}", family.inside, PORT)
        self.assert_passes(outside, inside)
        entry, = self.firewall.conntrack(family, "-p", "udp", "--orig-port-dst", str(PORT))
        self.assertLessEqual(int(entry.split()[2]), 120)

    @each_family
    def test_a_banned_source_gets_no_sip_through(self, family):
        self.firewall.load()
        self.add(f"sip_banned{family.digit}", family.stranger)
        phone = self.rtp_port(self.network.inside, family, family.inside, 5060)
        banned = self.rtp_port(self.network.outside, family, family.stranger, PORT)
        other = self.rtp_port(self.network.outside, family, family.outside, PORT)
        banned.send(phone.address, phone.port)
        self.assert_passes(other, phone)
        self.assertEqual(phone.from_port(banned), [])


class Options(RulesetTest):
    """Includes beside the main one, taken into use."""

    @each_family
    def test_only_payloads_that_can_be_media(self, family):
        self.firewall.load(options=["payloads"])
        _, inside = self.hosts(family)
        self.add(f"sip_rtp{family.digit}", family.inside, PORT)
        with self.network.outside.udp(family, family.outside, 0) as sender, \
                self.network.inside.udp(family, family.inside, PORT + 2) as receiver:
            self.add(f"sip_rtp{family.digit}", family.inside, PORT + 2)
            receiver.settimeout(5)
            for first in range(256):
                sender.sendto(bytes([first]) * 20, (family.inside, PORT + 2))
            may = [*range(0, 4), *range(20, 64), *range(128, 192)]
            self.assertEqual([receiver.recv(100)[0] for _ in may], may)

    @each_family
    def test_expedited_forwarding(self, family):
        self.firewall.load(options=["dscp-media", "dscp-sip"])
        self.add(f"sip_rtp{family.digit}", family.inside, PORT)
        with self.network.outside.udp(family, family.outside, 0) as sender, \
                self.network.inside.udp(family, family.inside, PORT) as receiver:
            level, name = (socket.SOL_IP, socket.IP_RECVTOS) if family is IPV4 else \
                (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS)
            receiver.setsockopt(level, name, 1)
            receiver.settimeout(5)
            sender.sendto(b"x", (family.inside, PORT))
            _, ancillary, _, _ = receiver.recvmsg(100, 100)
            self.assertEqual(ancillary[0][2][0] >> 2, 46)

    # For tables that decide after this one: packets to pinholes of all sets, and the replies over TCP.
    @each_family
    def test_a_mark_on_what_goes_to_a_pinhole(self, family):
        self.firewall.load(options=["mark"], lines=["redefine sip_mark = 0x01000000"])
        self.firewall.nft("insert rule inet filter forward meta mark set 0x22")  # which others set stays
        self.firewall.nft("add table inet late; add chain inet late f { type filter hook forward priority 15; policy drop; };"
                          "add rule inet late f meta mark 0x01000022 accept; add rule inet late f udp dport 9 accept")
        outside, inside = self.hosts(family)
        for name, source in ((f"sip_rtp{family.digit}", ()), (f"sip_rtp{family.digit}_from", (family.outside,))):
            with self.subTest(name):
                self.firewall.nft("insert rule inet filter forward udp dport 30000 accept")
                self.assert_dropped(outside, inside)
                self.firewall.delete_rule("forward", f"udp dport {PORT} accept")
                self.add(name, *source, family.inside, PORT)
                self.assert_passes(outside, inside)
                self.firewall.nft(f"flush set inet filter {name}")

    # Files of an administrator who has taken everything there is.
    def test_all_of_them_at_once(self):
        lines = [line for file in (NFT / "etc").glob("*.nft")
                 for line in re.findall(r"^ *#((?:include|redefine|ip6? saddr) .*)$", file.read_text(), re.MULTILINE)]
        self.assertGreater(len(lines), 10)
        self.firewall.load(lines=lines)
        rules = self.firewall.nft("-s", "list", "table", "inet", "filter")
        self.firewall.load(lines=lines)
        self.assertEqual(self.firewall.nft("-s", "list", "table", "inet", "filter"), rules)
        self.assertIn("5080", rules)

    # The inside host is reached as the gateway's outside address, port 40000.
    @each_family
    def test_the_destination_before_dnat(self, family):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            text = (NFT / "gateway.nft").read_text().replace(
                'include "dpinholer/dpinholer.nft"',
                'include "dpinholer/dpinholer.nft"\n include "dpinholer/dnat.nft"')
            ip = "ip6" if family.digit == "6" else "ip"
            file.write(text + f"""
                table {ip} nat {{
                    chain prerouting {{
                        type nat hook prerouting priority dstnat; policy accept;
                        {ip} daddr {family.gateway_outside} udp dport 40000 dnat to {family.uri(family.inside)}:{PORT}
                    }}
                }}
                """)
            file.flush()
            self.firewall.load(Path(file.name))
        outside, inside = self.hosts(family)
        outside.send(family.gateway_outside, 40000)
        self.assert_dropped(outside, inside)
        for name, source in ((f"sip_rtp{family.digit}", ()), (f"sip_rtp{family.digit}_from", (family.outside,))):
            with self.subTest(name):
                self.add(name, *source, family.gateway_outside, 40000, timeout="10s")
                for _ in range(10):
                    before = len(inside.received)
                    outside.send(family.gateway_outside, 40000, 100)
                    wait_until(lambda: len(inside.received) == before + 100, "100 packets")
                element, = self.firewall.elements(name)
                self.assertGreater(element.packets, 1000)
                self.assertGreater(element.expires, 290)
