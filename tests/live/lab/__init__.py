# SPDX-License-Identifier: GPL-2.0-or-later
"""What the live tests and the demo are made of: a network of namespaces, its firewall, the daemon under test,
captures, RTP and SIP. Nothing here is mocked: the packets are real, and so is the kernel."""

from . import firewall, isolation, sipp
from .capture import Capture, Packet
from .daemon import Daemon
from .firewall import Element, Firewall
from .flood import Flood
from .manager import Manager
from .network import FAMILIES, IPV4, IPV6, Bridged, Family, Namespace, Network
from .rtp import RtpPort
from .wait import wait_until

__all__ = [
    "FAMILIES", "IPV4", "IPV6", "Bridged", "Capture", "Daemon", "Element", "Family", "Firewall", "Flood", "Manager", "Namespace",
    "Network", "Packet", "RtpPort", "firewall", "isolation", "sipp", "wait_until",
]
