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
    """All UDP on one host's interface, or what else `filter` names beside UDP, from construction to `packets()`
    or `frames()`."""

    def __init__(self, host, family, interface="eth0", peer=None, filter="udp"):
        """`peer`: an address on the other end of that interface, for the mark that ends the capture."""
        self._host, self._family = host, family
        self._peer = peer or (family.gateway_outside if host.name == "outside" else family.gateway_inside)
        self._file = tempfile.NamedTemporaryFile(suffix=".pcap")
        # How many frames fit into the buffer (65536 KiB) depends on the length that is kept of each; TCP comes in
        # frames of up to 64 KiB here.
        length = 1600 if filter == "udp" else 65600
        self._process = host.popen("tcpdump", "-i", interface, "-n", "--immediate-mode", "-s", length, "-B", "65536",
                                   "-U", "-Z", "root", "-w", self._file.name, filter, stderr=subprocess.PIPE)
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
        """Ends the capture; every datagram that came or went before, in order. Fails if one was fragmented."""
        frames = self.frames()
        if fragments(frames):
            raise ValueError("a fragment: not what this test sends")
        return datagrams(frames)

    def frames(self):
        """Ends the capture; (time, octets) of every Ethernet frame, the mark left out."""
        mark = secrets.token_bytes(16)
        with self._host.socket(self._family.domain) as sender:
            sender.sendto(mark, (self._peer, 9))
        wait_until(lambda: mark in self._tail(), "the end of the capture", 20)
        self._process.send_signal(signal.SIGINT)
        said = self._process.communicate()[1]
        if b"\n0 packets dropped by kernel" not in said:
            raise RuntimeError(f"the capture is not complete: {said.decode()}")
        return [(time, frame) for time, frame in _frames(self._file.name) if mark not in frame]

    def _tail(self):
        with open(self._file.name, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            return file.read()


def datagrams(frames):
    """The UDP datagrams that came in one piece."""
    return [packet for time, frame in frames if (packet := _datagram(time, frame))]


def fragments(frames):
    """Of those frames that are IP fragments: (source, offset in octets, what is in it after the fragment header)."""
    found = []
    for _, frame in frames:
        source, _, protocol, payload, offset, more = _ip(frame)
        if protocol is not None and (offset or more):
            found.append((source, offset, payload))
    return found


def streams(frames):
    """What each end of each TCP connection sent, in order: {(source, destination): octets}. Fails if bytes are
    missing or came twice with different values."""
    segments = {}
    for _, frame in frames:
        source, destination, protocol, tcp, offset, _ = _ip(frame)
        if protocol != socket.IPPROTO_TCP or offset:
            continue
        source_port, destination_port, sequence, _, length, flags = struct.unpack_from("!HHIIBB", tcp)
        flow = segments.setdefault(((source, source_port), (destination, destination_port)), {})
        flow.setdefault("first" if flags & 2 else "data", []).append((sequence, tcp[(length >> 4) * 4:]))
    return {ends: _in_order(ends, **flow) for ends, flow in segments.items()}


def _in_order(ends, first=(), data=()):
    if not first:
        raise ValueError(f"{ends}: the capture lacks the SYN")
    begin = first[0][0] + 1
    octets = bytearray()
    for at, payload in sorted(((sequence - begin) % 2**32, payload) for sequence, payload in data if payload):
        if at > len(octets):
            raise ValueError(f"{ends}: {at - len(octets)} octets are missing at {len(octets)}")
        known = octets[at:at + len(payload)]
        if known != payload[:len(known)]:
            raise ValueError(f"{ends}: octet {at} came with two values")
        octets += payload[len(known):]
    return bytes(octets)


def _frames(path):
    """(time, octets) of the frames of a pcap file of link type Ethernet."""
    with open(path, "rb") as file:
        data = file.read()
    magic, link = struct.unpack_from("<I16xI", data)
    if magic != 0xA1B2C3D4 or link != 1:
        raise ValueError("not a pcap file of Ethernet frames, in this machine's byte order")
    at = 24
    while at < len(data):
        seconds, microseconds, length, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + microseconds / 1e6, data[at + 16:at + 16 + length]
        at += 16 + length


def _ip(frame):
    """Source, destination, protocol (None for what is not IP), payload, fragment offset, whether more follow."""
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    ip = frame[14:]
    if ethertype == 0x0800:
        header, total = (ip[0] & 15) * 4, struct.unpack_from("!H", ip, 2)[0]
        source, destination = (socket.inet_ntop(socket.AF_INET, ip[i:i + 4]) for i in (12, 16))
        place = struct.unpack_from("!H", ip, 6)[0]
        return source, destination, ip[9], ip[header:total], (place & 0x1FFF) * 8, bool(place & 0x2000)
    if ethertype == 0x86DD:
        source, destination = (socket.inet_ntop(socket.AF_INET6, ip[i:i + 16]) for i in (8, 24))
        payload = ip[40:40 + struct.unpack_from("!H", ip, 4)[0]]
        if ip[6] != socket.IPPROTO_FRAGMENT:
            return source, destination, ip[6], payload, 0, False
        protocol, place = struct.unpack_from("!BxH", payload)
        return source, destination, protocol, payload[8:], place & 0xFFF8, bool(place & 1)
    return None, None, None, b"", 0, False


def _datagram(time, frame):
    source, destination, protocol, udp, offset, more = _ip(frame)
    if protocol != socket.IPPROTO_UDP or offset or more:
        return None
    source_port, destination_port, length = struct.unpack_from("!HHH", udp)
    return Packet(time, (source, source_port), (destination, destination_port), udp[8:length])
