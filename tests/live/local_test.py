# SPDX-License-Identifier: GPL-2.0-or-later
"""A SIP server on the gateway itself: nft/local.nft and media.local."""

import tempfile
from pathlib import Path

from lab import Daemon
from lab.case import CallTest, each_family
from lab.firewall import NFT
from lab.sip import Dialog, sdp

LOCAL = "[media]\nlocal = true\n"
# In both chains what is accepted otherwise comes after the jump.
OUTPUT = """
    chain output {
        type filter hook output priority filter; policy drop;
        jump sip_media
        ct state established,related accept
        oif "lo" accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report,
                      mld2-listener-report } accept
        meta l4proto { tcp, udp } th dport $sip_ports accept
    }
"""


class LocalTest(CallTest):
    SERVER_PORT = 35000

    def setUp(self):
        super().setUp()
        text = (NFT / "gateway.nft").read_text()
        for before, after in (
                ('include "dpinholer/dpinholer.nft"',
                 'include "dpinholer/dpinholer.nft"\n include "dpinholer/local.nft"\n' + OUTPUT),
                ("hook input priority filter; policy drop;",
                 "hook input priority filter; policy drop;\n jump sip_media\n"
                 "meta l4proto { tcp, udp } th dport $sip_ports accept\n")):
            self.assertIn(before, text)
            text = text.replace(before, after)
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(text)
            file.flush()
            self.firewall.clear()
            self.firewall.load(Path(file.name), hooks=("INPUT", "OUTPUT"))

    def server(self, family):
        """Its SIP and its RTP port."""
        address = family.gateway_outside
        return (self.phone(self.network.gateway, family, address),
                self.rtp_port(self.network.gateway, family, address, self.SERVER_PORT))


class Server(LocalTest):
    """Calls between a phone outside and the server, whose media is the gateway's own."""

    def run_call(self, family, server_calls):
        server, server_media = self.server(family)
        phone = self.phone(self.network.outside, family, family.outside)
        media = self.rtp_port(self.network.outside, family, family.outside, self.OUTSIDE_PORT)
        stranger = self.rtp_port(self.network.outside, family, family.stranger, self.OUTSIDE_PORT)
        caller, callee = (server, phone) if server_calls else (phone, server)
        descriptions = {server: sdp(server, self.SERVER_PORT), phone: sdp(phone, self.OUTSIDE_PORT)}
        media.stream(server.address, self.SERVER_PORT)
        stranger.stream(server.address, self.SERVER_PORT)
        self.assertFalse(self.arrives(media, server_media), "before the call")
        with Daemon(self.network.gateway, LOCAL) as daemon:
            dialog = self.establish(caller, callee, descriptions[caller], descriptions[callee])
            self.assertEqual(self.destinations(),
                             {(address, port + i) for i in (0, 1) for address, port in (
                                 (server.address, self.SERVER_PORT), (phone.address, self.OUTSIDE_PORT))})
            server_media.stream(phone.address, self.OUTSIDE_PORT)
            self.assertTrue(self.arrives(media, server_media), "media to the server")
            self.assertTrue(self.arrives(server_media, media), "media from the server")
            self.assert_stops(stranger, server_media)  # before the answer of a phone anybody may send
            self.hang_up(dialog, caller, callee)
            self.assertEqual(self.firewall.open_pinholes(), {})
            for sender, receiver in ((media, server_media), (server_media, media), (stranger, server_media)):
                self.assert_stops(sender, receiver)
            self.assertNotIn("no pinhole", daemon.log())

    @each_family
    def test_a_phone_calls_the_server(self, family):
        self.run_call(family, server_calls=False)

    @each_family
    def test_the_server_calls_a_phone(self, family):
        self.run_call(family, server_calls=True)

    # Attack A17.
    @each_family
    def test_nobody_else_announces_the_gateway(self, family):
        server, _ = self.server(family)
        phone = self.phone(self.network.outside, family, family.outside)
        with Daemon(self.network.gateway, LOCAL) as daemon:
            phone.pass_to(server, Dialog(phone, server).invite(sdp(phone, 40000, server.address)))
            self.in_log(daemon, rf"no pinhole to {server.address} port 40000 \(other-side\)")
            self.assertEqual(self.firewall.open_pinholes(), {})

    @each_family
    def test_without_media_local_the_server_gets_no_media(self, family):
        server, _ = self.server(family)
        phone = self.phone(self.network.outside, family, family.outside)
        with Daemon(self.network.gateway) as daemon:
            self.establish(phone, server, answer=sdp(server, self.SERVER_PORT))
            self.in_log(daemon, rf"no pinhole to {server.address} port {self.SERVER_PORT} \(address\)")
            self.assertEqual({where for where, _ in self.destinations()}, {phone.address})


class Proxy(LocalTest):
    """A proxy on the gateway passes SDPs on as they are; media goes between the phones, through the gateway."""

    @each_family
    def test_media_goes_between_the_phones(self, family):
        outside, inside = self.phones(family)
        proxy = {outside: self.phone(self.network.gateway, family, family.gateway_outside),
                 inside: self.phone(self.network.gateway, family, family.gateway_inside)}
        peer, phone = self.media_ports(family)
        self.firewall.delete_rule("forward", "ct state established,related accept")

        def relay(sender, receiver, message):
            sender.pass_to(proxy[sender], message)
            proxy[receiver].pass_to(receiver, message)

        with Daemon(self.network.gateway, LOCAL) as daemon:
            dialog = Dialog(outside, inside)
            relay(outside, inside, dialog.invite(sdp(outside, self.OUTSIDE_PORT)))
            relay(inside, outside, dialog.response(200, "OK", sdp(inside, self.INSIDE_PORT)))
            relay(outside, inside, dialog.ack())
            self.assert_passes(peer, phone)
            self.assert_passes(phone, peer)
            relay(outside, inside, dialog.bye())
            relay(inside, outside, dialog.response(200, "OK"))
            self.assertEqual(self.firewall.open_pinholes(), {})
            self.assert_dropped(peer, phone)
            self.assertNotIn("no pinhole", daemon.log())

    # Attack A2: a proxy must not make it better.
    @each_family
    def test_it_speaks_for_nobody_else(self, family):
        outside, inside = self.phones(family)
        at_outside = self.phone(self.network.gateway, family, family.gateway_outside)
        at_inside = self.phone(self.network.gateway, family, family.gateway_inside)
        with Daemon(self.network.gateway, LOCAL) as daemon:
            message = Dialog(outside, inside).invite(sdp(outside, self.INSIDE_PORT, family.inside))
            outside.pass_to(at_outside, message)
            at_inside.pass_to(inside, message)
            self.in_log(daemon, rf"no pinhole to {family.inside} port {self.INSIDE_PORT} \(other-side\)")
            self.assertEqual(self.firewall.open_pinholes(), {})
