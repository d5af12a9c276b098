# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets as fast as the kernel takes them: sendmmsg(2), which Python does not have."""

import ctypes

BATCH = 64


class _Header(ctypes.Structure):
    """struct msghdr"""

    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("vector", ctypes.c_void_p),
                ("vectors", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class _Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = [("header", _Header), ("sent", ctypes.c_uint)]


class _Vector(ctypes.Structure):
    """struct iovec"""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def send_many(socket, count):
    """By a connected socket, as long as those of 20 ms of G.711."""
    octets = ctypes.create_string_buffer(b"\x80" + bytes(171), 172)
    vector = _Vector(ctypes.addressof(octets), len(octets))
    header = _Header(vector=ctypes.addressof(vector), vectors=1)
    batch = (_Message * BATCH)(*[_Message(header)] * BATCH)
    send = ctypes.CDLL(None, use_errno=True).sendmmsg
    while count > 0:
        sent = send(socket.fileno(), batch, min(BATCH, count), 0)
        if sent < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        count -= sent
