# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures by tcpdump, and what was in them."""

import os
import secrets
import signal
import socket
import struct
import subprocess
import tempfile
from dataclasses import dataclass

from .wait import wait_until


@dataclass(frozen=True)
class Packet:
    """One UDP datagram."""
    time: float  # seconds since the epoch
    source: tuple  # address, port
    destination: tuple
    payload: bytes

    @property
    def is_sip(self):
        return 5060 in (self.source[1], self.destination[1])


class Capture:
    """All UDP on one host's interface from construction to `packets()`."""

    def __init__(self, host, family, interface="eth0", peer=None):
        """`peer`: an address on the other end of that interface, for the mark that ends the capture."""
        self._host, self._family = host, family
        self._peer = peer or (family.gateway_outside if host.name == "outside" else family.gateway_inside)
        self._file = tempfile.NamedTemporaryFile(suffix=".pcap")
        self._process = host.popen("tcpdump", "-i", interface, "-n", "--immediate-mode", "-B", "65536", "-U", "-Z",
                                   "root", "-w", self._file.name, "udp", stderr=subprocess.PIPE)
        said = self._process.stderr.readline()
        if b"listening" not in said:
            raise RuntimeError(f"tcpdump: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        self._file.close()

    def packets(self):
        """Ends the capture; every datagram that came or went before, in order."""
        mark = secrets.token_bytes(16)
        with self._host.socket(self._family.domain) as sender:
            sender.sendto(mark, (self._peer, 9))
        wait_until(lambda: mark in self._tail(), "the end of the capture", 20)
        self._process.send_signal(signal.SIGINT)
        said = self._process.communicate()[1]
        if b"\n0 packets dropped by kernel" not in said:
            raise RuntimeError(f"the capture is not complete: {said.decode()}")
        return [packet for packet in read(self._file.name) if packet.payload != mark]

    def _tail(self):
        with open(self._file.name, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            return file.read()


def read(path):
    """The UDP datagrams of a pcap file of link type Ethernet."""
    with open(path, "rb") as file:
        data = file.read()
    magic, link = struct.unpack_from("<I16xI", data)
    if magic != 0xA1B2C3D4 or link != 1:
        raise ValueError("not a pcap file of Ethernet frames, in this machine's byte order")
    at = 24
    while at < len(data):
        seconds, microseconds, length, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        packet = _datagram(seconds + microseconds / 1e6, frame)
        if packet:
            yield packet


def _datagram(time, frame):
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    ip = frame[14:]
    if ethertype == 0x0800:
        header, protocol = (ip[0] & 15) * 4, ip[9]
        source, destination = (socket.inet_ntop(socket.AF_INET, ip[i:i + 4]) for i in (12, 16))
        if struct.unpack_from("!H", ip, 6)[0] & 0x3FFF:
            raise ValueError("a fragment: not what these tests send")
    elif ethertype == 0x86DD:
        header, protocol = 40, ip[6]
        source, destination = (socket.inet_ntop(socket.AF_INET6, ip[i:i + 16]) for i in (8, 24))
    else:
        return None
    if protocol != socket.IPPROTO_UDP:
        return None
    source_port, destination_port, length = struct.unpack_from("!HHH", ip, header)
    return Packet(time, (source, source_port), (destination, destination_port), ip[header + 8:header + length])
