# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may announce which addresses: sides from the routing table and from the configuration."""

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.network import IPV4
from lab.sip import Dialog, Phone, sdp

# A fourth host, on eth2: another network inside, as a VLAN is, or another uplink.
ANNEX = {"4": ("198.51.100.1", "198.51.100.2", 24), "6": ("2001:db8:3::1", "2001:db8:3::2", 64)}


class SidesTest(CallTest):
    def assert_refused(self, daemon, caller, callee, address, port, cause="other-side"):
        """An offer of that address opens nothing, and passes as it is. Once for each address: the log says it once."""
        before = self.destinations()
        caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, port, address)))
        self.in_log(daemon, rf"no pinhole to {address} port {port} \({cause}\)")
        self.assertEqual(self.destinations(), before)


class Routes(SidesTest):
    @each_family
    def test_nobody_announces_what_lies_on_the_other_side(self, family):
        outside, inside = self.phones(family)
        with Daemon(self.network.gateway) as daemon:
            self.assert_refused(daemon, outside, inside, family.inside, 30000)
            self.assert_refused(daemon, inside, outside, family.outside, 40000)
            self.hang_up(self.establish(outside, inside), outside, inside)

    # SDPs may name other addresses than SIP comes from, as long as they lie where it comes from.
    @each_family
    def test_a_server_announces_a_phone_beside_it(self, family):
        outside, inside = self.phones(family)
        peer = self.rtp_port(self.network.outside, family, family.stranger, 40000)
        phone = self.rtp_port(self.network.inside, family, family.inside, 30000)
        with Daemon(self.network.gateway):
            dialog = self.establish(outside, inside, sdp(outside, 40000, family.stranger))
            self.assert_passes(peer, phone)
            self.assert_passes(phone, peer)
            self.hang_up(dialog, outside, inside)

    @each_family
    def test_what_has_no_route_is_refused_until_it_has_one(self, family):
        outside, inside = self.phones(family)
        far, hole = {"4": ("100.64.0.9", "100.64.0.8"), "6": ("2001:db8:ff::9", "2001:db8:ff::8")}[family.digit]
        ip = f"-{family.digit}"
        self.network.gateway.run("ip", ip, "route", "add", "blackhole", hole)
        self.addCleanup(self.network.gateway.run, "ip", ip, "route", "del", "blackhole", hole)
        with Daemon(self.network.gateway) as daemon:
            self.assert_refused(daemon, outside, inside, far, 40000)
            self.assert_refused(daemon, outside, inside, hole, 40000)
            self.network.gateway.run("ip", ip, "route", "add", far, "via", family.outside)
            outside.pass_to(inside, Dialog(outside, inside).invite(sdp(outside, 40000, far)))
            self.assertEqual(self.destinations(), {(far, 40000), (far, 40001)})
            self.network.gateway.run("ip", ip, "route", "del", far)

    # Its pinholes are refreshed several times while the gateway knows no way to one of its parties.
    @each_family
    def test_a_route_that_changes_ends_no_call(self, family):
        outside, inside = self.phones(family)
        peer = self.rtp_port(self.network.outside, family, family.stranger, 40000)
        phone = self.rtp_port(self.network.inside, family, family.inside, 30000)
        ip = f"-{family.digit}"
        with Daemon(self.network.gateway, "[timeouts]\nearly = 2\nmedia-idle = 4\n"):
            dialog = self.establish(outside, inside, sdp(outside, 40000, family.stranger))
            open_before = self.destinations()
            self.assertEqual(len(open_before), 4)
            peer.stream(family.inside, 30000)
            self.network.gateway.run("ip", ip, "route", "add", "unreachable", family.stranger)
            since = len(phone.from_port(peer))
            wait_until(lambda: len(phone.from_port(peer)) >= since + 1200, "media for six seconds", 30)
            self.assertEqual(self.destinations(), open_before)
            self.network.gateway.run("ip", ip, "route", "del", "unreachable", family.stranger)
            peer.stop_streaming()
            self.assert_passes(phone, peer)
            self.hang_up(dialog, outside, inside)
            self.assertEqual(self.destinations(), set())

    @each_family
    def test_a_new_address_of_the_gateway_is_refused(self, family):
        outside, inside = self.phones(family)
        new, ip = {"4": ("192.0.2.77", "-4"), "6": ("2001:db8:2::77", "-6")}[family.digit]
        with Daemon(self.network.gateway) as daemon:
            inside.pass_to(outside, Dialog(inside, outside).invite(sdp(inside, 30000, new)))
            self.assertEqual(self.destinations(), {(new, 30000), (new, 30001)})
            nodad = ["nodad"] if family.digit == "6" else []
            self.network.gateway.run("ip", ip, "address", "add", f"{new}/{family.prefix}", "dev", "eth1", *nodad)
            self.assert_refused(daemon, inside, outside, new, 30002, "address")
            self.network.gateway.run("ip", ip, "address", "del", f"{new}/{family.prefix}", "dev", "eth1")


class ThirdInterface(SidesTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.annex = cls.network.attach("annex", "eth2", *ANNEX.values())

    # A server inside speaks for a phone in another VLAN. By routes alone that is another side.
    @each_family
    def test_inside_interfaces_are_one_side(self, family):
        outside, inside = self.phones(family)
        _, phone_address, _ = ANNEX[family.digit]
        phone = self.rtp_port(self.annex, family, phone_address, 30000)
        peer = self.rtp_port(self.network.outside, family, family.outside, 40000)
        with Daemon(self.network.gateway) as daemon:
            self.assert_refused(daemon, inside, outside, phone_address, 30000)
        with Daemon(self.network.gateway, '[sides]\ninside-interfaces = ["eth1", "eth2"]\n') as daemon:
            dialog = self.establish(outside, inside, answer=sdp(inside, 30000, phone_address))
            self.assert_passes(peer, phone)
            self.assert_passes(phone, peer)
            self.assert_refused(daemon, outside, inside, phone_address, 30002)
            self.hang_up(dialog, outside, inside)

    # SIP by one uplink, media by the other.
    @each_family
    def test_all_other_interfaces_are_one_side(self, family):
        outside, inside = self.phones(family)
        _, peer_address, _ = ANNEX[family.digit]
        peer = self.rtp_port(self.annex, family, peer_address, 40000)
        phone = self.rtp_port(self.network.inside, family, family.inside, 30000)
        with Daemon(self.network.gateway) as daemon:
            self.assert_refused(daemon, outside, inside, peer_address, 40000)
        for mode in ("auto", "configured"):
            with self.subTest(mode), Daemon(self.network.gateway, f'[media]\nsame-side = "{mode}"\n'
                                            '[sides]\ninside-interfaces = ["eth1"]\n') as daemon:
                dialog = self.establish(outside, inside, sdp(outside, 40000, peer_address))
                self.assert_passes(peer, phone)
                self.assert_passes(phone, peer)
                self.assert_refused(daemon, outside, inside, family.inside, 30002)
                self.hang_up(dialog, outside, inside)

    # The interface that IP sees is the bridge, whatever port a frame came by.
    def test_a_bridge_is_one_interface(self):
        gateway = self.network.gateway
        bridge = ("br0", "type", "bridge")
        gateway.run("ip", "link", "add", *bridge)
        self.addCleanup(gateway.run, "sh", "-c", "ip link del br0; ip address add 198.51.100.1/24 dev eth2")
        gateway.run("sh", "-c", "ip address del 198.51.100.1/24 dev eth2; ip link set eth2 master br0;"
                                "ip address add 198.51.100.1/24 dev br0; ip link set br0 up")
        outside = self.phone(self.network.outside, IPV4, IPV4.outside)
        phone = self.phone(self.annex, IPV4, "198.51.100.2")
        peer = self.rtp_port(self.network.outside, IPV4, IPV4.outside, 40000)
        media = self.rtp_port(self.annex, IPV4, "198.51.100.2", 30000)
        with Daemon(gateway):
            dialog = self.establish(phone, outside, sdp(phone, 30000), sdp(outside, 40000))
            self.assert_passes(peer, media)
            self.hang_up(dialog, phone, outside)


class Off(SidesTest):
    def test_anybody_may_announce_anything_where_the_configuration_says_so(self):
        with Phone(self.network.outside, IPV4, IPV4.outside) as outside, \
                Phone(self.network.inside, IPV4, IPV4.inside) as inside, \
                Daemon(self.network.gateway, '[media]\nsame-side = "off"\n'):
            outside.pass_to(inside, Dialog(outside, inside).invite(sdp(outside, 30000, IPV4.inside)))
            self.assertEqual(self.destinations(), {(IPV4.inside, 30000), (IPV4.inside, 30001)})
