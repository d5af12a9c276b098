# SPDX-License-Identifier: GPL-2.0-or-later
"""Sending and receiving RTP (RFC 3550), packet by packet."""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass

_HEADER = struct.Struct("!BBHIII")  # version, payload type, sequence, timestamp, SSRC, and our own long sequence
_PADDING = bytes(156)  # makes a packet as long as 20 ms of G.711


def packet(ssrc, sequence):
    return _HEADER.pack(0x80, 0, sequence & 0xFFFF, (sequence * 160) & 0xFFFFFFFF, ssrc, sequence) + _PADDING


@dataclass(frozen=True)
class Received:
    source: str
    ssrc: int
    sequence: int


def parse(payload):
    """(SSRC, long sequence) of a packet made here; None for anything else."""
    if len(payload) != _HEADER.size + len(_PADDING) or payload[0] != 0x80:
        return None
    return _HEADER.unpack_from(payload)[4:]


class RtpPort:
    """A bound UDP port that keeps a list of what arrives, and sends. A context manager."""

    _next_ssrc = 1

    def __init__(self, host, family, address, port):
        self._socket = host.udp(family, address, port)
        self._socket.settimeout(0.05)
        self.address, self.port = address, port
        self.received = []
        self.ssrc = RtpPort._next_ssrc
        RtpPort._next_ssrc += 1
        self.sent = 0
        self._closing = False
        self._streaming = threading.Event()
        self._streamer = None
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._receiver.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop_streaming()
        self._closing = True
        self._receiver.join()
        self._socket.close()

    def send(self, address, port, count=1):
        """Sends `count` packets back to back; their sequence numbers."""
        first = self.sent
        for _ in range(count):
            self._send_one((address, port))
        return range(first, self.sent)

    def stream(self, address, port, interval=0.005):
        """Sends steadily until stop_streaming(), whatever becomes of the packets."""
        self._streaming.clear()

        def run():
            due = time.monotonic()
            while not self._streaming.wait(max(0.0, due - time.monotonic())):
                self._send_one((address, port))
                due += interval

        self._streamer = threading.Thread(target=run, daemon=True)
        self._streamer.start()

    def stop_streaming(self):
        if self._streamer:
            self._streaming.set()
            self._streamer.join()
            self._streamer = None

    def _send_one(self, to):
        data = packet(self.ssrc, self.sent)
        self.sent += 1
        with contextlib.suppress(PermissionError):  # its own host's output chain drops it: lost like any other
            self._socket.sendto(data, to)

    def from_port(self, other):
        """The sequence numbers that arrived from another port of ours."""
        return [r.sequence for r in list(self.received) if r.ssrc == other.ssrc]

    def _receive(self):
        while not self._closing:
            try:
                data, source = self._socket.recvfrom(2048)
            except socket.timeout:
                continue
            if parsed := parse(data):
                self.received.append(Received(source[0], *parsed))
