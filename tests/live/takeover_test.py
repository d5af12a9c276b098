# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP trunk outlives the daemon: the next one goes on where the last one stopped, or leaves it alone."""

import socket
import tempfile

from lab import Daemon
from lab.case import LiveTest, each_family
from lab.sip import Dialog, Phone, sdp

SIP = 5060


class TakeOver(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()
        self.folder = self.enter(tempfile.TemporaryDirectory())

    def daemon(self):
        return Daemon(self.network.gateway, wrapper=("env", f"RUNTIME_DIRECTORY={self.folder}"))

    def trunk(self, family):
        """Both ends of a connection from outside to inside."""
        listener = self.enter(self.network.inside.socket(family.domain, socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((family.inside, SIP))
        listener.listen()
        client = self.enter(self.network.outside.socket(family.domain, socket.SOCK_STREAM))
        client.connect((family.inside, SIP))
        server = self.enter(listener.accept()[0])
        return client, server

    def invite(self, trunk, family, port):
        """An INVITE over the trunk; returns when it has arrived whole."""
        client, server = trunk
        with Phone(self.network.outside, family, family.outside) as caller, \
                Phone(self.network.inside, family, family.inside) as callee:
            message = Dialog(caller, callee).invite(sdp(caller, port)).encode()
        client.sendall(message)
        arrived = b""
        while len(arrived) < len(message):
            arrived += server.recv(65536)
        self.assertEqual(arrived, message)

    def is_open(self, family, port):
        return f"{family.outside} . {port} " in self.network.gateway.run("nft", "list", "ruleset").stdout

    @each_family
    def test_the_next_daemon_goes_on_with_the_connection(self, family):
        with self.daemon():
            trunk = self.trunk(family)
            self.invite(trunk, family, 40000)
            self.assertTrue(self.is_open(family, 40000))
        with self.daemon():
            self.invite(trunk, family, 40002)
            self.assertTrue(self.is_open(family, 40002))

    @each_family
    def test_a_connection_on_which_bytes_went_by_unseen_is_left_alone(self, family):
        with self.daemon():
            trunk = self.trunk(family)
            self.invite(trunk, family, 40000)
        self.invite(trunk, family, 40002)
        with self.daemon() as daemon:
            self.invite(trunk, family, 40004)
            self.assertFalse(self.is_open(family, 40002))
            self.assertFalse(self.is_open(family, 40004))
            self.assertTrue(daemon.queue_taken())
