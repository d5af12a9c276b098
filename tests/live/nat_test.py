# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT on the gateway. SIP is not rewritten: an SDP names the private address, or the public one when a phone or
PBX knows it."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.daemon import binary
from lab.firewall import NFT
from lab.network import FAMILIES, IPV4, Network
from lab.sip import Dialog, sdp

# Whose public address the SDPs of those inside name: the gateway's.
PUBLIC = """
[sides]
inside-networks = ["203.0.113.1", "2001:db8:1::1"]
inside-interfaces = ["eth1"]
"""
MASQUERADE = """
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "eth0" masquerade
    }
"""
# All that comes to the public address is the PBX's: its SIP, and its media under another port than its own.
TO_PBX = """
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        iifname "eth0" {ip} daddr {public} udp dport 5060 dnat to {inside}
        iifname "eth0" {ip} daddr {public} udp dport 31000 dnat to {to_inside}:30000
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "eth0" {ip} saddr {inside} udp sport 30000 snat to {to_public}:31000
        oifname "eth0" {ip} saddr {inside} snat to {public}
    }}
"""


class NatTest(CallTest):
    """Beside pinholes only SIP may pass, established flows as little as others, unless a test says so."""

    def load_with(self, family, nat):
        ip = "ip6" if family.digit == "6" else "ip"
        text = (NFT / "gateway.nft").read_text().replace(
            'include "dpinholer/dpinholer.nft"', 'include "dpinholer/dpinholer.nft"\n include "dpinholer/dnat.nft"')
        if "{ip}" in nat:
            public, inside = family.gateway_outside, family.inside
            nat = nat.format(ip=ip, public=public, inside=inside, to_public=family.uri(public),
                             to_inside=family.uri(inside))
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(f"{text}\ntable {ip} nat {{ {nat} }}\n")
            file.flush()
            self.firewall.clear()
            self.firewall.load(Path(file.name))
        self.firewall.delete_rule("forward", "ct state established,related accept")

    def accept_established_first(self):
        self.firewall.nft("insert rule inet filter forward ct state established,related accept")

    def assert_arrives(self, sender, receiver, address, port, count=20):
        """What is sent to `address` arrives at `receiver`."""
        sent = sender.send(address, port, count)
        wait_until(lambda: [n for n in receiver.from_port(sender) if n in sent] == list(sent),
                   f"{count} packets from {sender.address} to {address}:{port}")

    def assert_ends_with_the_call(self, hang_up, streams):
        """Streams that flow before the call ends do so no more after it, although established flows are accepted.
        `streams`: (sender, receiver, address and port to send to)."""
        self.accept_established_first()
        for sender, _, address, port in streams:
            sender.stream(address, port)
        for sender, receiver, _, _ in streams:
            self.assertTrue(self.arrives(sender, receiver), f"media from {sender.address}")
        hang_up()
        self.assertEqual(self.destinations(), set())
        for sender, receiver, _, _ in streams:
            self.assert_stops(sender, receiver)


class Masqueraded(NatTest):
    """A phone inside calls."""

    def call(self, family, offer):
        outside, inside = self.phones(family)
        dialog = Dialog(inside, outside)
        by = family.gateway_outside
        inside.pass_to(outside, dialog.invite(offer(inside)))
        outside.pass_to(inside, dialog.response(200, "OK", sdp(outside, self.OUTSIDE_PORT)), by)
        inside.pass_to(outside, dialog.ack())

        def hang_up():
            inside.pass_to(outside, dialog.bye())
            outside.pass_to(inside, dialog.response(200, "OK"), by)

        return hang_up

    # The peer sends to where media comes from, as a server must that copes with such phones.
    @each_family
    def test_the_sdp_names_the_private_address(self, family):
        self.load_with(family, MASQUERADE)
        peer, phone = self.media_ports(family)
        with Daemon(self.network.gateway):
            hang_up = self.call(family, lambda inside: sdp(inside, self.INSIDE_PORT))
            self.assertIn((family.inside, self.INSIDE_PORT), self.destinations())
            self.assert_passes(phone, peer)
            self.assert_arrives(peer, phone, family.gateway_outside, self.INSIDE_PORT)
            self.assert_ends_with_the_call(hang_up, (
                (phone, peer, family.outside, self.OUTSIDE_PORT),
                (peer, phone, family.gateway_outside, self.INSIDE_PORT)))

    # The phone knows its public address and port (STUN, or the masquerading gateway keeps the port).
    @each_family
    def test_the_sdp_names_the_public_address(self, family):
        self.load_with(family, MASQUERADE)
        public = family.gateway_outside
        peer, phone = self.media_ports(family)
        with Daemon(self.network.gateway, PUBLIC):
            hang_up = self.call(family, lambda inside: sdp(inside, self.INSIDE_PORT, public))
            self.assertIn((public, self.INSIDE_PORT), self.destinations())
            self.assert_passes(phone, peer)
            self.assert_arrives(peer, phone, public, self.INSIDE_PORT, 100)
            element, = [e for e in self.firewall.elements(f"sip_rtp{family.digit}_from")
                        if e.key[1:] == (public, self.INSIDE_PORT) and e.key[0] == family.outside]
            self.assertGreaterEqual(element.packets, 100, "counted, and so kept open")
            self.assert_ends_with_the_call(hang_up, (
                (phone, peer, family.outside, self.OUTSIDE_PORT), (peer, phone, public, self.INSIDE_PORT)))

    @each_family
    def test_the_public_address_is_refused_unless_it_is_listed(self, family):
        self.load_with(family, MASQUERADE)
        with Daemon(self.network.gateway) as daemon:
            hang_up = self.call(family, lambda inside: sdp(inside, self.INSIDE_PORT, family.gateway_outside))
            self.in_log(daemon, rf"no pinhole to {family.gateway_outside} port {self.INSIDE_PORT} \(address\)")
            hang_up()


class AnotherAddress(NatTest):
    """The uplink gets another public address while the daemon runs (DHCP, PPPoE). A phone inside knows its public
    address, by STUN; the port is kept."""

    SIDES = '[sides]\ninside-networks = ["{}"]\ninside-interfaces = ["eth1"]\n'
    NEXT = {"4": "203.0.113.9", "6": "2001:db8:1::9"}
    OF_PPP = {"4": "198.51.100.7", "6": "2001:db8:4::7"}

    def move(self, family, old, new):
        """As a DHCP client does."""
        for verb, address in (("del", old), ("add", new)):
            nodad = ["nodad"] if verb == "add" and family.digit == "6" else []
            self.network.gateway.run("ip", "address", verb, f"{address}/{family.prefix}", "dev", "eth0", *nodad)
        # The kernel forgets what was masqueraded, a little later.
        wait_until(lambda: not [entry for entry in self.firewall.conntrack(family) if f"dst={old} " in entry],
                   f"connections of {old} to be gone")

    def invite(self, dialog, public):
        """An INVITE of the phone inside, the first or another one, that is answered."""
        outside, inside = self.pair
        offer = sdp(inside, self.INSIDE_PORT, public)
        inside.pass_to(outside, dialog.request("INVITE", body=offer))
        outside.pass_to(inside, dialog.response(200, "OK", sdp(outside, self.OUTSIDE_PORT)), public)
        inside.pass_to(outside, dialog.ack())

    def hang_up_from(self, dialog, public):
        outside, inside = self.pair
        inside.pass_to(outside, dialog.bye())
        outside.pass_to(inside, dialog.response(200, "OK"), public)

    def assert_audio(self, family, public, peer, phone):
        self.assertEqual([address for address, port in self.destinations() if port == self.INSIDE_PORT], [public])
        self.assert_passes(phone, peer)
        self.assert_arrives(peer, phone, public, self.INSIDE_PORT)
        self.assertEqual(peer.received[-1].source, public)

    def run_call(self, family, public, peer, phone):
        dialog = Dialog(*reversed(self.pair))
        self.invite(dialog, public)
        self.assert_audio(family, public, peer, phone)
        self.assert_ends_with_the_call(lambda: self.hang_up_from(dialog, public), (
            (phone, peer, family.outside, self.OUTSIDE_PORT), (peer, phone, public, self.INSIDE_PORT)))
        for port in (peer, phone):
            port.stop_streaming()
        self.firewall.delete_rule("forward", "ct state established,related accept")

    def assert_opens_nothing(self, public):
        outside, inside = self.pair
        inside.pass_to(outside, Dialog(inside, outside).invite(sdp(inside, self.INSIDE_PORT, public)))
        self.assertEqual(self.destinations(), set())

    @each_family
    def test_calls_before_and_after(self, family):
        self.load_with(family, MASQUERADE)
        old, new = family.gateway_outside, self.NEXT[family.digit]
        self.pair, media = self.phones(family), self.media_ports(family)
        with Daemon(self.network.gateway, self.SIDES.format("eth0")) as daemon:
            self.in_log(daemon, rf"eth0 in inside-networks stands for .*\b{old}\b")
            self.run_call(family, old, *media)
            self.move(family, old, new)
            self.addCleanup(self.move, family, new, old)
            self.in_log(daemon, rf"eth0 in inside-networks stands for .*\b{new}\b")
            self.run_call(family, new, *media)
            self.assert_opens_nothing(old)
            self.in_log(daemon, rf"no pinhole to {old} port {self.INSIDE_PORT} \(other-side\)")

    @each_family
    def test_a_call_goes_on_at_the_other_address(self, family):
        self.load_with(family, MASQUERADE)
        old, new = family.gateway_outside, self.NEXT[family.digit]
        self.pair, (peer, phone) = self.phones(family), self.media_ports(family)
        with Daemon(self.network.gateway, self.SIDES.format("eth0")):
            dialog = Dialog(*reversed(self.pair))
            self.invite(dialog, old)
            self.assert_audio(family, old, peer, phone)
            self.move(family, old, new)
            self.addCleanup(self.move, family, new, old)
            self.invite(dialog, new)
            self.assert_audio(family, new, peer, phone)
            self.assert_ends_with_the_call(lambda: self.hang_up_from(dialog, new), (
                (phone, peer, family.outside, self.OUTSIDE_PORT), (peer, phone, new, self.INSIDE_PORT)))

    # As pppd makes one, some time after the daemon has started, and takes it away.
    @each_family
    def test_an_interface_that_comes_and_goes(self, family):
        gateway, public = self.network.gateway, self.OF_PPP[family.digit]
        self.load_with(family, f"""
            chain postrouting {{
                type nat hook postrouting priority srcnat; policy accept;
                oifname "eth0" snat to {public}
            }}
        """)
        self.pair, media = self.phones(family), self.media_ports(family)
        with Daemon(gateway, self.SIDES.format("ppp0")) as daemon:
            self.in_log(daemon, "inside-networks names ppp0, an interface that has no address or is not there: .* "
                                "correct it in \\[sides\\]")
            self.assert_opens_nothing(public)
            gateway.run("ip", "link", "add", "ppp0", "type", "veth", "peer", "name", "isp")
            self.addCleanup(gateway.run, "ip", "link", "delete", "ppp0", check=False)
            gateway.run("ip", "address", "add", f"{public}/{128 if family.digit == '6' else 32}", "dev", "ppp0")
            gateway.run("ip", "link", "set", "ppp0", "up")
            self.run_call(family, public, *media)
            self.assertEqual(daemon.log().count("inside-networks names ppp0"), 1)
            gateway.run("ip", "link", "delete", "ppp0")
            self.assert_opens_nothing(public)
            self.assertEqual(daemon.log().count("inside-networks names ppp0"), 2)


class BehindDnat(NatTest):
    """A peer outside calls a PBX whose SIP and media come by DNAT, and whose SDP names the public address and
    port."""

    PUBLIC_PORT = 31000

    def call(self, family):
        outside, inside = self.phones(family)
        public = family.gateway_outside
        dialog = Dialog(outside, inside)
        outside.pass_to(inside, dialog.invite(sdp(outside, self.OUTSIDE_PORT)), public)
        inside.pass_to(outside, dialog.response(200, "OK", sdp(inside, self.PUBLIC_PORT, public)))
        outside.pass_to(inside, dialog.ack(), public)

        def hang_up():
            outside.pass_to(inside, dialog.bye(), public)
            inside.pass_to(outside, dialog.response(200, "OK"))

        return hang_up

    def run_call(self, family, pbx_first):
        self.load_with(family, TO_PBX)
        public = family.gateway_outside
        peer, pbx = self.media_ports(family)
        stranger = self.rtp_port(self.network.outside, family, family.stranger, self.OUTSIDE_PORT)
        with Daemon(self.network.gateway, PUBLIC):
            hang_up = self.call(family)
            self.assertIn((public, self.PUBLIC_PORT), self.destinations())
            if pbx_first:
                self.assert_passes(pbx, peer)
            self.assert_arrives(peer, pbx, public, self.PUBLIC_PORT, 100)
            self.assert_passes(pbx, peer)
            self.assertEqual({r.source for r in peer.received}, {public}, "as the peer sees the PBX")
            element, = [e for e in self.firewall.elements(f"sip_rtp{family.digit}_from")
                        if e.key[1:] == (public, self.PUBLIC_PORT)]
            self.assertGreaterEqual(element.packets, 100, "counted, and so kept open")
            stranger.send(public, self.PUBLIC_PORT, 20)
            self.assert_arrives(peer, pbx, public, self.PUBLIC_PORT)
            self.assertEqual(pbx.from_port(stranger), [])
            self.assert_ends_with_the_call(hang_up, (
                (peer, pbx, public, self.PUBLIC_PORT), (pbx, peer, family.outside, self.OUTSIDE_PORT)))

    @each_family
    def test_the_peer_sends_first(self, family):
        self.run_call(family, pbx_first=False)

    @each_family
    def test_the_pbx_sends_first(self, family):
        self.run_call(family, pbx_first=True)

    # Attack A17, in front of a PBX.
    @each_family
    def test_an_outside_peer_cant_announce_the_public_address(self, family):
        self.load_with(family, TO_PBX)
        outside, inside = self.phones(family)
        public = family.gateway_outside
        with Daemon(self.network.gateway, PUBLIC) as daemon:
            dialog = Dialog(outside, inside)
            outside.pass_to(inside, dialog.invite(sdp(outside, 32000, public)), public)
            self.in_log(daemon, rf"no pinhole to {public} port 32000 \(other-side\)")
            self.assertEqual(self.destinations(), set())


class WithAFarRouter(Network):
    """The outside host is a router that does NAT for a phone behind it."""

    PHONE = {"4": ("10.0.0.1", "10.0.0.5"), "6": ("fd00::1", "fd00::5")}

    def _build(self):
        super()._build()
        self.phone = self._host("phone")
        subprocess.run(["ip", "link", "add", "eth1", "netns", "outside", "type", "veth",
                        "peer", "name", "eth0", "netns", "phone"], check=True)
        self.outside.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward;"
                                     "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        for family in FAMILIES:
            router, phone = self.PHONE[family.digit]
            self._address(self.outside, "eth1", family, router)
            self._address(self.phone, "eth0", family, phone)
        for host, port in ((self.outside, "eth1"), (self.phone, "eth0")):
            host.run("ip", "link", "set", port, "up")
        for family in FAMILIES:
            self.phone.run("ip", "route", "add", "default", "via", self.PHONE[family.digit][0])
        self.outside.run("nft", "add table inet nat;"
                         "add chain inet nat post { type nat hook postrouting priority srcnat; };"
                         'add rule inet nat post oifname "eth0" ip saddr 10.0.0.0/24 snat ip to 203.0.113.2;'
                         'add rule inet nat post oifname "eth0" ip6 saddr fd00::/64 snat ip6 to 2001:db8:1::2')


class BehindAFarNat(CallTest):
    """A phone outside announces its private address, and calls a server inside. The server sends media to where it
    comes from, as servers do for such phones."""

    make_network = staticmethod(WithAFarRouter)

    def setUp(self):
        super().setUp()
        self.network.outside.run("conntrack", "-F")

    @staticmethod
    def objects(what):
        done = subprocess.run([binary(), what, "--json"], text=True, capture_output=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def media_arrives(self, sender, receiver, to):
        """Whether 20 packets do, one by one."""
        sent = sender.send(*to, 20)
        try:
            wait_until(lambda: [n for n in receiver.from_port(sender) if n in sent] == list(sent), "media", 1)
        except AssertionError:
            return False
        return True

    def run_call(self, family, opens):
        """`opens`: a pinhole to the private address opens, which leads nowhere."""
        private, public = self.network.PHONE[family.digit][1], family.outside
        phone = self.phone(self.network.phone, family, private)
        server = self.phone(self.network.inside, family, family.inside)
        phone_media = self.rtp_port(self.network.phone, family, private, self.OUTSIDE_PORT)
        server_media = self.rtp_port(self.network.inside, family, family.inside, self.INSIDE_PORT)
        there, back = (family.inside, self.INSIDE_PORT), (public, self.OUTSIDE_PORT)
        with Daemon(self.network.gateway) as daemon:
            dialog = Dialog(phone, server)
            phone.pass_to(server, dialog.invite(sdp(phone, self.OUTSIDE_PORT)))
            server.pass_to(phone, dialog.response(200, "OK", sdp(server, self.INSIDE_PORT)), public)
            phone.pass_to(server, dialog.ack())
            self.assertEqual((private, self.OUTSIDE_PORT) in self.destinations(), opens)
            sources = {element.key[0] for element in self.firewall.elements(f"sip_rtp{family.digit}_from")
                       if element.key[1:] == there}
            self.assertEqual(sources, {private, public} if opens else {public})

            self.assertFalse(self.media_arrives(server_media, phone_media, back), "before the phone has sent")
            self.assertTrue(self.media_arrives(phone_media, server_media, there))
            self.assertEqual({received.source for received in server_media.received}, {public})
            self.assertTrue(self.media_arrives(server_media, phone_media, back), "as an established flow")

            call, = self.objects("calls")
            self.assertEqual(call["behind_nat"], [{"address": private, "source": public}])
            self.assertFalse(call["one_way"])
            table = subprocess.run([binary(), "calls"], text=True, capture_output=True, check=True).stdout
            self.assertIn(f"{private} is behind {public}", table)
            told = [event for event in self.objects("events") if event["event"] == "nat"]
            self.assertEqual([(event["address"], event["source"], event["call_id"]) for event in told],
                             [(private, public, dialog.call_id)])

            # Again in the same call: an offer of the phone.
            phone.pass_to(server, dialog.request("INVITE", body=sdp(phone, self.OUTSIDE_PORT)))
            server.pass_to(phone, dialog.response(200, "OK", sdp(server, self.INSIDE_PORT)), public)
            phone.pass_to(server, dialog.ack())
            self.assertTrue(self.media_arrives(server_media, phone_media, back))

            server_media.stream(*back)
            phone.pass_to(server, dialog.bye())
            server.pass_to(phone, dialog.response(200, "OK"), public)
            self.assert_stops(server_media, phone_media)
            line = self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed .*")[0]
            self.assertNotIn("one way", line)
            self.assertEqual(re.findall(r"call \S+: (.*) behind a NAT of its own: media comes back to it by connection "
                                        "tracking only", daemon.log()), [f"{public} announces {private},"])

    # The gateway knows no way to 10.0.0.5.
    @each_family
    def test_the_private_address_is_on_no_side(self, family):
        self.run_call(family, opens=False)

    # All that is unknown is outside, the private address too.
    @each_family
    def test_with_a_default_route(self, family):
        gateway = self.network.gateway
        gateway.run("ip", "route", "add", "default", "via", family.outside)
        self.addCleanup(gateway.run, "ip", *(["-6"] if family.digit == "6" else []), "route", "delete", "default")
        self.run_call(family, opens=True)

    # What a daemon before this one knew of it is not left to it.
    def test_the_next_daemon_says_it_when_the_call_is_answered_again(self):
        family, public = IPV4, IPV4.outside
        private = self.network.PHONE[family.digit][1]
        phone = self.phone(self.network.phone, family, private)
        server = self.phone(self.network.inside, family, family.inside)
        dialog = Dialog(phone, server)

        def invite():
            phone.pass_to(server, dialog.request("INVITE", body=sdp(phone, self.OUTSIDE_PORT)))
            server.pass_to(phone, dialog.response(200, "OK", sdp(server, self.INSIDE_PORT)), public)
            phone.pass_to(server, dialog.ack())

        told = rf"call {re.escape(dialog.call_id)}: {public} announces {private}, behind a NAT of its own"
        with Daemon(self.network.gateway) as daemon:
            invite()
            self.in_log(daemon, told)
        with Daemon(self.network.gateway) as daemon:
            self.assertEqual(self.objects("calls")[0]["behind_nat"], [])
            invite()
            self.in_log(daemon, told)
            self.assertEqual(self.objects("calls")[0]["behind_nat"], [{"address": private, "source": public}])

    # The rule that lets it come back, and that it needs.
    @each_family
    def test_without_established_flows_nothing_comes_back(self, family):
        self.firewall.delete_rule("forward", "ct state established,related accept")
        private = self.network.PHONE[family.digit][1]
        phone = self.phone(self.network.phone, family, private)
        server = self.phone(self.network.inside, family, family.inside)
        phone_media = self.rtp_port(self.network.phone, family, private, self.OUTSIDE_PORT)
        server_media = self.rtp_port(self.network.inside, family, family.inside, self.INSIDE_PORT)
        with Daemon(self.network.gateway):
            dialog = Dialog(phone, server)
            phone.pass_to(server, dialog.invite(sdp(phone, self.OUTSIDE_PORT)))
            server.pass_to(phone, dialog.response(200, "OK", sdp(server, self.INSIDE_PORT)), family.outside)
            phone.pass_to(server, dialog.ack())
            self.assertTrue(self.media_arrives(phone_media, server_media, (family.inside, self.INSIDE_PORT)))
            self.assertFalse(self.media_arrives(server_media, phone_media, (family.outside, self.OUTSIDE_PORT)))
