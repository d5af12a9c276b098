# SPDX-License-Identifier: GPL-2.0-or-later
"""A SIP server on the gateway itself: nft/local.nft and media.local."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from lab import Daemon
from lab.case import CallTest, each_family
from lab.daemon import binary
from lab.firewall import NFT
from lab.network import IPV4
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


# What the server sends passes without it, too: then only what it receives meets the sets.
JUMP = """
    chain output {
        type filter hook output priority filter; policy accept;
        jump sip_media
    }
"""


class LocalTest(CallTest):
    SERVER_PORT = 35000
    OUTPUT = OUTPUT

    def setUp(self):
        super().setUp()
        text = (NFT / "gateway.nft").read_text()
        for before, after in (
                ('include "dpinholer/dpinholer.nft"',
                 'include "dpinholer/dpinholer.nft"\n include "dpinholer/local.nft"\n' + self.OUTPUT),
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


class OneWay(LocalTest):
    """Of calls of the server, "one way" is said only where both directions are seen."""

    def setUp(self):
        super().setUp()
        self.pair = {}

    def run_call(self, family, daemon, to_server=True, to_phone=True):
        """What `calls` says before its end, and the log after it."""
        if family not in self.pair:
            self.pair[family] = (*self.server(family), self.phone(self.network.outside, family, family.outside),
                                 self.rtp_port(self.network.outside, family, family.outside, self.OUTSIDE_PORT))
        server, server_media, phone, media = self.pair[family]
        dialog = self.establish(phone, server, sdp(phone, self.OUTSIDE_PORT), sdp(server, self.SERVER_PORT))
        for wanted, sender, receiver in ((to_server, media, server_media), (to_phone, server_media, media)):
            if wanted:
                self.assert_passes(sender, receiver, 100)
        done = subprocess.run([binary(), "calls", "--json"], text=True, capture_output=True, check=True)
        told, = map(json.loads, done.stdout.splitlines())
        table = subprocess.run([binary(), "calls"], text=True, capture_output=True, check=True).stdout
        self.hang_up(dialog, phone, server)
        return told, table, self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed .*")[0]


class WithoutTheJump(OneWay):
    OUTPUT = ""

    @each_family
    def test_a_healthy_call_is_not_one_way(self, family):
        with Daemon(self.network.gateway, LOCAL) as daemon:
            told, table, line = self.run_call(family, daemon)
            uncounted = {way["to"] for way in told["packets"] if not way["counted"]}
            self.assertEqual((told["one_way"], uncounted), (False, {family.outside}))
            self.assertIn(f"not counted to {family.outside}", table)
            self.assertNotIn("one way", table + line)
            self.assertRegex(line, rf"s: \d+ packets to {family.gateway_outside}; what this host sent to "
                                   rf"{family.outside} is not counted$")

    # A phone that is not heard is another matter: that direction is seen.
    @each_family
    def test_a_call_without_any_media_to_the_server(self, family):
        with Daemon(self.network.gateway, LOCAL) as daemon:
            _, _, line = self.run_call(family, daemon, to_server=False)
            self.assertRegex(line, rf"s: 0 packets to {family.gateway_outside}; what this host sent to "
                                   rf"{family.outside} is not counted$")

    # The jump is added while the daemon runs, and goes again.
    def test_the_mending_line(self):
        with Daemon(self.network.gateway, LOCAL) as daemon:
            self.assertNotIn("one way", self.run_call(IPV4, daemon)[2])
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(LOCAL)
                file.flush()

                def check():
                    done = self.network.gateway.run(binary(), "check", "--json", "--config", file.name, check=False)
                    return [json.loads(line) for line in done.stdout.splitlines()][:-1]

                found, = check()
                self.assertEqual((found["finding"], found["severity"]), ("output-uncounted", "warning"))
                self.network.gateway.run("sh", "-c", found["mend"])
                self.assertEqual(check(), [])
            self.assertNotIn("one way", self.run_call(IPV4, daemon)[2])
            self.assertIn("one way only", self.run_call(IPV4, daemon, to_phone=False)[2])
            self.firewall.nft("flush chain inet filter output")
            self.assertNotIn("one way", self.run_call(IPV4, daemon)[2])


class WithTheJump(OneWay):
    OUTPUT = JUMP

    @each_family
    def test_both_directions_are_counted(self, family):
        with Daemon(self.network.gateway, LOCAL) as daemon:
            told, table, line = self.run_call(family, daemon)
            self.assertEqual(told["one_way"], False)
            self.assertEqual([way["packets"] > 50 and way["counted"] for way in told["packets"]], [True, True])
            self.assertNotIn("one way", table + line)
            self.assertRegex(line, rf"\d+ to {family.outside}|\d+ packets to {family.outside}")
            self.assertNotIn("not counted", table + line)
            # What the server sends is known to be seen by now.
            told, table, line = self.run_call(family, daemon, to_phone=False)
            self.assertEqual(told["one_way"], True)
            self.assertIn("one way", table)
            self.assertRegex(line, rf"one way only: .*nothing came to {family.outside} port {self.OUTSIDE_PORT} from ")

    # Whose silence is told from the first call on, since what it sends is received here.
    @each_family
    def test_a_phone_that_sends_nothing(self, family):
        with Daemon(self.network.gateway, LOCAL) as daemon:
            told, _, line = self.run_call(family, daemon, to_server=False)
            self.assertEqual(told["one_way"], True)
            self.assertRegex(line, rf"one way only: .*nothing came to {family.gateway_outside} port {self.SERVER_PORT}")


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
