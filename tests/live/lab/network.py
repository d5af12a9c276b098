# SPDX-License-Identifier: GPL-2.0-or-later
"""Three hosts in a row, each a network namespace:

    outside ---------------- gateway ---------------- inside
      eth0  203.0.113.0/24  eth0  eth1  192.0.2.0/24  eth0
            2001:db8:1::/64             2001:db8:2::/64

outside is .2, and .66 for those who have no business in a call; inside is .2; the gateway is .1 on both sides."""

import os
import socket
import subprocess
from dataclasses import dataclass

from .isolation import setns
from .wait import wait_until

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python does not name it


@dataclass(frozen=True)
class Family:
    name: str
    domain: int
    outside: str
    stranger: str  # on the outside host, too
    inside: str
    gateway_outside: str
    gateway_inside: str
    prefix: int  # length of both networks
    sdp: str  # addrtype
    digit: str  # in the names of sets

    def __str__(self):
        return self.name

    def uri(self, address):
        """The address as SIP URIs and Via headers have it."""
        return f"[{address}]" if self is IPV6 else address


IPV4 = Family("IPv4", socket.AF_INET, "203.0.113.2", "203.0.113.66", "192.0.2.2", "203.0.113.1", "192.0.2.1", 24,
              "IP4", "4")
IPV6 = Family("IPv6", socket.AF_INET6, "2001:db8:1::2", "2001:db8:1::66", "2001:db8:2::2", "2001:db8:1::1",
              "2001:db8:2::1", 64, "IP6", "6")
FAMILIES = (IPV4, IPV6)


class Namespace:
    """A host: runs programs and makes sockets."""

    def __init__(self, name, process=None):
        """`process`: not a new namespace, but the one that this process is in, by its number."""
        self.name = name
        subprocess.run(["ip", "netns", *(["attach", name, str(process)] if process else ["add", name])], check=True)
        self._descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *words):
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *map(str, words)]

    def run(self, *words, check=True, **options):
        """subprocess.run here, with the output as text; a failure carries what the program said."""
        done = subprocess.run(self.command(*words), text=True, capture_output=True, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done

    def popen(self, *words, **options):
        return subprocess.Popen(self.command(*words), **options)

    def socket(self, domain, kind=socket.SOCK_DGRAM, protocol=0):
        """An unbound socket here."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self._descriptor)
            made = socket.socket(domain, kind, protocol)
        finally:
            setns(here)
            os.close(here)
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        return made

    def udp(self, family, address, port):
        made = self.socket(family.domain)
        made.bind((address, port))
        return made

    def read(self, path):
        """The contents of a file below /proc as this host sees it."""
        return self.run("cat", path).stdout

    def delete(self):
        os.close(self._descriptor)
        subprocess.run(["ip", "netns", "delete", self.name], check=True)


class Network:
    """The three hosts, connected, addressed and routed. A context manager."""

    def __init__(self, gateway_here=False, gateway_process=None):
        """`gateway_here`: the gateway is the machine itself, not a namespace. `gateway_process`: it is where this process
        is, by its number."""
        self._all = []
        self._gateway_here = gateway_here
        self._gateway_process = os.getpid() if gateway_here else gateway_process

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._gateway_here:  # where its interfaces would stay a little longer than the hosts on their other ends
            for port in ("eth0", "eth1"):
                self.gateway.run("ip", "link", "delete", port, check=False)
        while self._all:
            self._all.pop().delete()

    def attach(self, name, port, *addresses):
        """A fourth host, on the gateway's interface `port`. `addresses`: (of the gateway, of the host, prefix
        length), the first of each family being its default route."""
        host = self._host(name)
        subprocess.run(["ip", "link", "add", port, "netns", "gateway", "type", "veth",
                        "peer", "name", "eth0", "netns", name], check=True)
        for end, at, index in ((self.gateway, port, 0), (host, "eth0", 1)):
            end.run("ip", "link", "set", at, "up")
            for address in addresses:
                nodad = ["nodad"] if ":" in address[index] else []
                end.run("ip", "address", "add", f"{address[index]}/{address[2]}", "dev", at, *nodad)
        for gateway, _, _ in addresses:
            host.run("ip", "route", "add", "default", "via", gateway)
        return host

    def _host(self, name, process=None):
        host = Namespace(name, process)
        self._all.append(host)
        return host

    def _build(self):
        self.outside, self.inside = self._host("outside"), self._host("inside")
        self.gateway = self._host("gateway", self._gateway_process)
        for port, host in (("eth0", self.outside), ("eth1", self.inside)):
            subprocess.run(["ip", "link", "add", port, "netns", "gateway", "type", "veth",
                            "peer", "name", "eth0", "netns", host.name], check=True)
        # The file in /proc, not sysctl(8): one package less.
        self.gateway.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward;"
                                     "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        for family in FAMILIES:
            self._address(self.outside, "eth0", family, family.outside, family.stranger)
            self._address(self.inside, "eth0", family, family.inside)
            self._address(self.gateway, "eth0", family, family.gateway_outside)
            self._address(self.gateway, "eth1", family, family.gateway_inside)
        for host, port in ((self.outside, "eth0"), (self.inside, "eth0"), (self.gateway, "eth0"),
                           (self.gateway, "eth1")):
            host.run("ip", "link", "set", port, "up")
            # Ask again for a neighbour after 50 ms, not after a second.
            host.run("sh", "-c", f"echo 50 >/proc/sys/net/ipv6/neigh/{port}/retrans_time_ms")
        for family in FAMILIES:
            self.outside.run("ip", "route", "add", "default", "via", family.gateway_outside)
            self.inside.run("ip", "route", "add", "default", "via", family.gateway_inside)
        for family in FAMILIES:
            self._wait_for_path(family)

    def _wait_for_path(self, family):
        """A link that just came up may lose IPv6 for a second; after this every host knows its neighbours. To the
        SIP port: rules that stand already let that pass."""
        with self.outside.udp(family, family.outside, 5060) as one, \
                self.inside.udp(family, family.inside, 5060) as other:
            for sender, receiver in ((one, other), (other, one)):
                receiver.settimeout(0.02)

                def arrives(sender=sender, receiver=receiver):
                    try:
                        sender.sendto(b"", receiver.getsockname())
                        return receiver.recvfrom(1)
                    except OSError:
                        return None

                wait_until(arrives, f"{family} to pass through the gateway", 10)

    @staticmethod
    def _address(host, port, family, *addresses):
        for address in addresses:
            nodad = ["nodad"] if family is IPV6 else []
            host.run("ip", "address", "add", f"{address}/{family.prefix}", "dev", port, *nodad)


class Bridged(Network):
    """The gateway is a bridge, without an address; the hosts take each other for neighbours."""

    def _build(self):
        super()._build()
        for words in ("link add br0 type bridge", "link set br0 up", "link set eth0 master br0",
                      "link set eth1 master br0", "address flush dev eth0", "address flush dev eth1"):
            self.gateway.run("ip", *words.split())
        self.gateway.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward;"
                                     "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding")
        for host, there in ((self.outside, "inside"), (self.inside, "outside")):
            for family in FAMILIES:
                host.run("ip", "route", "replace", getattr(family, there), "dev", "eth0")
        for family in FAMILIES:
            self._wait_for_path(family)
