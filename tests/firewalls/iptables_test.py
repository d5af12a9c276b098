# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of iptables: a script of one's own, Docker's, libvirt's."""

from beside import IPTABLES, GatewayTest
from lab import IPV4, wait_until
from lab.case import each_family
from lab.firewall import ETC
from lab.sip import Dialog, sdp

# Rules of a careful administrator. {tool}: of the one or the other kind, for IPv4 or IPv6.
SCRIPT = """
{tool} -P FORWARD DROP
{tool} -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
{tool} -A FORWARD -p udp --dport 5060 -j ACCEPT
{tool} -A FORWARD -p tcp --dport 5060 -j ACCEPT
{tool} -A FORWARD -i eth1 -o eth0 -p tcp -j ACCEPT
{tool} -A FORWARD -i eth1 -o eth0 -p udp --dport 53 -j ACCEPT
"""


class Script(GatewayTest):
    """iptables is iptables-nft on Debian; alternatives make it iptables-legacy."""

    @each_family
    def test_by_iptables_nft(self, family):
        self.assert_mark_passes(family, "nft")

    @each_family
    def test_by_iptables_legacy(self, family):
        self.assert_mark_passes(family, "legacy")

    def assert_mark_passes(self, family, kind):
        self.take_iptables(kind)
        for tool in IPTABLES:
            self.network.gateway.run("sh", "-ec", SCRIPT.format(tool=tool))
        self.follow("A script of iptables")
        self.assert_calls_and_nothing_else(family, range_open=False)

    def test_a_range_that_is_larger_than_what_is_closed(self):
        for rule in ("-P FORWARD DROP", "-A FORWARD -p udp -m multiport --dports 5060,10000:32767 -j ACCEPT"):
            self.network.gateway.run("iptables", *rule.split())
        self.load_ours()
        stranger = self.rtp_port(self.network.outside, IPV4, IPV4.stranger, 0)
        low = self.rtp_port(self.network.inside, IPV4, IPV4.inside, 12000)
        with self.daemon():
            found, = self.findings()
            self.assertEqual(found["finding"], "range-open")
            self.assert_passes(stranger, low)
            self.set(ETC / "standalone.nft", [found["mend"].split("   #")[0]])
            self.firewall.nft("-f", ETC / "standalone.nft")
            self.assertEqual(self.findings(), [])
            self.assert_shut(stranger, low, self.phones())


# As dockerd of Debian 12 (20.10) writes it, for one container with --publish 5060:5060/udp.
DOCKER = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p udp -m udp --dport 5060 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p udp -m udp --dport 5060 -j DNAT --to-destination 172.17.0.2:5060
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p udp -m udp --dport 5060 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
"""

# As libvirtd 9.0 writes it for a routed network.
LIBVIRT = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:LIBVIRT_FWI - [0:0]
:LIBVIRT_FWO - [0:0]
:LIBVIRT_FWX - [0:0]
:LIBVIRT_INP - [0:0]
:LIBVIRT_OUT - [0:0]
-A INPUT -j LIBVIRT_INP
-A FORWARD -j LIBVIRT_FWX
-A FORWARD -j LIBVIRT_FWI
-A FORWARD -j LIBVIRT_FWO
-A OUTPUT -j LIBVIRT_OUT
-A LIBVIRT_FWI -d 192.0.2.0/24 -o virbr0 -j ACCEPT
-A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWO -s 192.0.2.0/24 -i virbr0 -j ACCEPT
-A LIBVIRT_FWO -i virbr0 -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWX -i virbr0 -o virbr0 -j ACCEPT
-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 53 -j ACCEPT
-A LIBVIRT_INP -i virbr0 -p tcp -m tcp --dport 53 -j ACCEPT
-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 67 -j ACCEPT
-A LIBVIRT_INP -i virbr0 -p tcp -m tcp --dport 67 -j ACCEPT
-A LIBVIRT_OUT -o virbr0 -p udp -m udp --dport 53 -j ACCEPT
-A LIBVIRT_OUT -o virbr0 -p tcp -m tcp --dport 53 -j ACCEPT
-A LIBVIRT_OUT -o virbr0 -p udp -m udp --dport 68 -j ACCEPT
-A LIBVIRT_OUT -o virbr0 -p tcp -m tcp --dport 68 -j ACCEPT
COMMIT
"""


class Docker(GatewayTest):
    """A SIP server in a container: the peer outside knows the gateway's address only."""

    PUBLIC, CONTAINER = IPV4.gateway_outside, "172.17.0.2"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.container = cls.network.attach("container", "docker0", ("172.17.0.1", cls.CONTAINER, 16))

    def setUp(self):
        super().setUp()
        self.network.gateway.run("iptables-restore", input=DOCKER)
        self.follow("Docker")
        self.theirs_before = self.theirs()
        self.load_ours()
        self.peer = self.phone(self.network.outside, IPV4, IPV4.outside)
        self.server = self.phone(self.container, IPV4, self.CONTAINER)
        self.peer_media = self.rtp_port(self.network.outside, IPV4, IPV4.outside, self.OUTSIDE_PORT)
        self.media = self.rtp_port(self.container, IPV4, self.CONTAINER, self.INSIDE_PORT)
        self.stranger = self.rtp_port(self.network.outside, IPV4, IPV4.stranger, 0)

    def assert_arrives(self, sender, receiver, address, port):
        sent = sender.send(address, port, 20)
        wait_until(lambda: [n for n in receiver.from_port(sender) if n in sent] == list(sent), "20 packets")

    def assert_nothing_arrives(self):
        for sender, receiver, address, port in (
                (self.peer_media, self.media, self.PUBLIC, self.INSIDE_PORT),
                (self.stranger, self.media, self.PUBLIC, self.INSIDE_PORT),
                (self.media, self.peer_media, IPV4.outside, self.OUTSIDE_PORT)):
            sent = sender.send(address, port, 20)
            self.peer.pass_to(self.server, Dialog(self.peer, self.server).request("OPTIONS"), self.PUBLIC)
            self.server.pass_to(self.peer, Dialog(self.server, self.peer).request("OPTIONS"))
            self.assertEqual([n for n in receiver.from_port(sender) if n in sent], [])

    def call(self):
        dialog = Dialog(self.peer, self.server)
        self.peer.pass_to(self.server, dialog.invite(sdp(self.peer, self.OUTSIDE_PORT)), self.PUBLIC)
        self.server.pass_to(self.peer, dialog.response(200, "OK", sdp(self.server, self.INSIDE_PORT, self.PUBLIC)))
        self.peer.pass_to(self.server, dialog.ack(), self.PUBLIC)
        return dialog

    def test_a_server_in_a_container(self):
        with self.daemon() as daemon:
            self.assertEqual(self.findings(), [])
            self.assert_nothing_arrives()
            dialog = self.call()
            streams = ((self.peer_media, self.media, self.PUBLIC, self.INSIDE_PORT),
                       (self.media, self.peer_media, IPV4.outside, self.OUTSIDE_PORT))
            for stream in streams:
                self.assert_arrives(*stream)
            self.assertEqual({received.source for received in self.peer_media.received}, {self.PUBLIC})
            for sender, receiver, *where in streams:
                sender.stream(*where)
            for sender, receiver, *_ in streams:
                self.assertTrue(self.arrives(sender, receiver))
            self.peer.pass_to(self.server, dialog.bye(), self.PUBLIC)
            self.server.pass_to(self.peer, dialog.response(200, "OK"))
            self.assertEqual(self.destinations(), set())
            for sender, receiver, *_ in streams:
                self.assert_stops(sender, receiver)
                sender.stop_streaming()
            self.assert_nothing_arrives()
            self.assertNotIn("no pinhole to", daemon.log())
        self.assertEqual(self.theirs(), self.theirs_before)


class Libvirt(GatewayTest):
    """The inside host is a virtual machine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        gateway = cls.network.gateway
        for words in ("link set eth1 down", "link set eth1 name virbr0", "link set virbr0 up"):
            gateway.run("ip", *words.split())
        wait_until(lambda: "lower_up" in gateway.run("ip", "link", "show", "virbr0").stdout.lower(), "virbr0")

    def test_what_it_opens_is_closed_without_a_call(self):
        self.network.gateway.run("iptables-restore", input=LIBVIRT)
        self.follow("libvirt")
        self.assert_calls_and_nothing_else(IPV4, range_open=True)
