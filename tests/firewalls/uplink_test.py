# SPDX-License-Identifier: GPL-2.0-or-later
"""An uplink that gets another public address while the daemon runs."""

import tempfile

from beside import GatewayTest, blocks
from lab import IPV4, IPV6, Network, wait_until
from lab.case import each_family
from lab.sip import Dialog, sdp

SECTION = "An address that changes"
ANOTHER = {"4": "203.0.113.9", "6": "2001:db8:1::9"}


class Uplink(Network):
    """What is eth0 elsewhere is ppp0."""

    def _build(self):
        super()._build()
        for words in ("link set eth0 down", "link set eth0 name ppp0", "link set ppp0 up"):
            self.gateway.run("ip", *words.split())
        self._address(self.gateway, "ppp0", IPV6, IPV6.gateway_outside)
        for family in (IPV4, IPV6):
            self._wait_for_path(family)


class ChangingAddress(GatewayTest):
    @staticmethod
    def make_network():
        return Uplink()

    def load_nat(self):
        text, = [text for language, text in blocks(SECTION) if "masquerade" in text]
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(text)
            file.flush()
            self.firewall.nft("-f", file.name)

    def move(self, family, old, new):
        nodad = ["nodad"] if family is IPV6 else []
        self.network.gateway.run("ip", "address", "del", f"{old}/{family.prefix}", "dev", "ppp0")
        self.network.gateway.run("ip", "address", "add", f"{new}/{family.prefix}", "dev", "ppp0", *nodad)
        # What the peer sent after the end of the call was translated by nobody, and stays for half a minute.
        self.network.gateway.run("conntrack", "-D", "-f", "ipv6" if family is IPV6 else "ipv4", "--dst", old,
                                 check=False)
        wait_until(lambda: not [entry for entry in self.firewall.conntrack(family) if f"dst={old} " in entry],
                   f"connections of {old} to be gone")

    def assert_arrives(self, sender, receiver, address, port):
        sent = sender.send(address, port, 20)
        wait_until(lambda: [n for n in receiver.from_port(sender) if n in sent] == list(sent), "20 packets")

    def assert_one_call_from_inside(self, family, public, phones, media):
        (peer, phone), (peer_media, media) = phones, media
        dialog = Dialog(phone, peer)
        phone.pass_to(peer, dialog.invite(sdp(phone, self.INSIDE_PORT, public)))
        peer.pass_to(phone, dialog.response(200, "OK", sdp(peer, self.OUTSIDE_PORT)), public)
        phone.pass_to(peer, dialog.ack())
        streams = ((media, peer_media, family.outside, self.OUTSIDE_PORT),
                   (peer_media, media, public, self.INSIDE_PORT))
        for stream in streams:
            self.assert_arrives(*stream)
        self.assertEqual(peer_media.received[-1].source, public)
        for sender, receiver, *where in streams:
            sender.stream(*where)
        for sender, receiver, *_ in streams:
            self.assertTrue(self.arrives(sender, receiver))
        phone.pass_to(peer, dialog.bye())
        peer.pass_to(phone, dialog.response(200, "OK"), public)
        self.assertEqual(self.destinations(), set())
        for sender, receiver, *_ in streams:
            self.assert_stops(sender, receiver)
            sender.stop_streaming()

    @each_family
    def test_calls_before_and_after(self, family):
        self.load_nat()
        self.follow(SECTION)
        before = self.theirs()
        self.load_ours()
        phones, media = self.phones(family), self.media_ports(family)
        old, new = family.gateway_outside, ANOTHER[family.digit]
        with self.daemon() as daemon:
            self.assert_one_call_from_inside(family, old, phones, media)
            self.move(family, old, new)
            self.addCleanup(self.move, family, new, old)
            self.assert_one_call_from_inside(family, new, phones, media)
            self.assertNotIn("no pinhole to", daemon.log())
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.theirs(), before)
