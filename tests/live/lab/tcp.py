# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP over TCP: the two ends of one connection, as phones; and TCP that no honest host sends."""

import socket
import struct

from .sip import Phone
from .wait import wait_until


class TcpPhone(Phone):
    """One end of a TCP connection. It talks to the other end only. A context manager."""

    transport = "TCP"

    def __init__(self, connected, family, address):
        self._socket, self.family, self.address = connected, family, address
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(10)

    def send(self, message, to=None):
        data = message.encode() if isinstance(message, str) else message
        self._socket.sendall(data)
        return data

    def receive_octets(self, count):
        """So many octets. Fails if they do not come."""
        got = bytearray()
        while len(got) < count:
            try:
                piece = self._socket.recv(count - len(got))
            except socket.timeout:
                piece = b""
            if not piece:
                raise AssertionError(f"{self.address}: {len(got)} of {count} octets arrived")
            got += piece
        return bytes(got)

    def is_reset(self):
        """Whether the connection was; what comes instead is thrown away."""
        try:
            self._socket.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        return False

    def send_until_reset(self, message):
        """Sends it, and waits for the reset that it or an acknowledgement before it brings."""
        try:
            self.send(message)
        except (ConnectionResetError, BrokenPipeError):
            return
        wait_until(self.is_reset, f"{self.address}: the reset")

    def pass_to(self, other, message, cuts=()):
        """Sends, in segments of their own where `cuts` has offsets, and fails unless the very same octets
        arrive. What stands before a cut has arrived when the rest is sent."""
        data = message.encode() if isinstance(message, str) else message
        ends = [0, *cuts, len(data)]
        for begin, end in zip(ends, ends[1:]):
            self.send(data[begin:end])
            if (got := other.receive_octets(end - begin)) != data[begin:end]:
                raise AssertionError(f"sent {data[begin:end]!r}, arrived {got!r}")


class Listener:
    """A TCP port that is listened on. A context manager."""

    def __init__(self, host, family, address, port=5060, backlog=512):
        self._family, self._address, self._port = family, address, port
        self._socket = host.socket(family.domain, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((address, port))
        self._socket.listen(backlog)
        self._socket.settimeout(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def connect(self, host, address):
        """(the end that connects, the end that accepts). The connecting end has a port of its own."""
        one = host.socket(self._family.domain, socket.SOCK_STREAM)
        one.bind((address, 0))
        one.settimeout(10)
        one.connect((self._address, self._port))
        other, _ = self._socket.accept()
        return TcpPhone(one, self._family, address), TcpPhone(other, self._family, self._address)


def syn(source, source_port, destination, destination_port, sequence):
    """The TCP header (RFC 9293) of a SYN over IPv4, for a raw socket, with its checksum."""
    def header(checksum):
        return struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, 0, 5 << 4, 2, 64240, checksum, 0)

    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, 20)
    total = sum(struct.unpack("!16H", pseudo + header(0)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return header(~total & 0xFFFF)
