# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon does besides opening and closing: what it tells, what it does when the kernel refuses, when a call
falls silent, and when it is told to stop."""

import os
import re
import signal
import socket
import tempfile
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import LiveTest, each_family
from lab.daemon import part
from lab.network import FAMILIES, IPV4
from lab.sip import Dialog, Phone, sdp

OUTSIDE_PORT, INSIDE_PORT = 40000, 30000


class DaemonTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.firewall.load()

    def phones(self, family=IPV4):
        return (self.enter(Phone(self.network.outside, family, family.outside)),
                self.enter(Phone(self.network.inside, family, family.inside)))

    def establish(self, caller, callee, outside_port=OUTSIDE_PORT, inside_port=INSIDE_PORT):
        dialog = Dialog(caller, callee)
        caller.pass_to(callee, dialog.invite(sdp(caller, outside_port)))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, inside_port)))
        caller.pass_to(callee, dialog.ack())
        return dialog

    def hang_up(self, dialog, caller, callee):
        caller.pass_to(callee, dialog.bye())
        callee.pass_to(caller, dialog.response(200, "OK"))

    def media_ports(self, family=IPV4):
        return (self.rtp_port(self.network.outside, family, family.outside, OUTSIDE_PORT),
                self.rtp_port(self.network.inside, family, family.inside, INSIDE_PORT))

    def in_log(self, daemon, pattern, seconds=5):
        return wait_until(lambda: re.search(pattern, daemon.log(), re.MULTILINE), f"{pattern!r} in the log", seconds)


class Log(DaemonTest):
    # An element counts one packet in 64 twice; what the log says is what passed.
    @each_family
    def test_tells_what_passed_in_each_direction(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            self.in_log(daemon, rf"info call {re.escape(dialog.call_id)} opened \(offer\)")
            self.assert_passes(outside, inside, 2000)
            self.assert_passes(inside, outside, 1000)
            self.hang_up(dialog, caller, callee)
            line = self.in_log(daemon, rf"call {re.escape(dialog.call_id)} closed \(bye\) after \d+ s: (.*)")[1]
        told = {address: int(count) for count, address in re.findall(r"(\d+) (?:packets )?to ([0-9a-f.:]+)", line)}
        self.assertEqual(set(told), {family.outside, family.inside})
        self.assertAlmostEqual(told[family.inside], 2000, delta=40)
        self.assertAlmostEqual(told[family.outside], 1000, delta=30)

    def test_names_a_call_whose_media_goes_one_way_only(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway) as daemon:
            dialog = self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.hang_up(dialog, caller, callee)
            self.in_log(daemon, r"closed \(bye\) after \d+ s, one way only: ")

    def test_counts_what_it_could_not_read(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            caller.pass_to(callee, b"INVITE sip:x SIP/2.0\r\nVia\r\n\r\n")
            caller.pass_to(callee, b"no SIP at all")
            caller.pass_to(callee, b"\r\n\r\n")
            caller.pass_to(callee, b"")
            caller.pass_to(callee, Dialog(caller, callee).request("OPTIONS"))
            daemon.stop()
            self.in_log(daemon, "stopped: 5 packets, 1 SIP messages, 1 malformed, 1 not SIP, 2 keep-alives, "
                                "0 unreadable, 0 dropped; ")

    def test_says_once_what_it_refused_and_why(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            for _ in range(3):
                caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, 53)))
            self.in_log(daemon, rf"no pinhole to {re.escape(IPV4.outside)} port 53 \(port-policy\)")
            self.assertEqual(daemon.log().count("port-policy"), 1)
            self.assertEqual(self.firewall.open_pinholes(), {})


class Silence(DaemonTest):
    CONFIGURATION = "[timeouts]\nearly = 2\nmedia-idle = 3\n"

    # RTCP never comes: its pinhole lives because its call does.
    @each_family
    def test_media_keeps_a_call_open_and_its_end_closes_it(self, family):
        caller, callee = self.phones(family)
        outside, inside = self.media_ports(family)
        with Daemon(self.network.gateway, self.CONFIGURATION) as daemon:
            self.establish(caller, callee)
            bound = f"sip_rtp{family.digit}_from"
            at_first = {element.key for element in self.firewall.elements(bound)}
            self.assertEqual(len(at_first), 4)
            outside.stream(family.inside, INSIDE_PORT)
            wait_until(lambda: len(inside.from_port(outside)) >= 1600, "media for eight seconds", 20)
            self.assertEqual({element.key for element in self.firewall.elements(bound)}, at_first)
            self.assertNotIn("closed", daemon.log())
            outside.stop_streaming()
            wait_until(lambda: not self.firewall.open_pinholes(), "the silent call to be closed", 10)
            self.in_log(daemon, r"closed \(idle\)")

    def test_an_offer_without_answer_closes(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, self.CONFIGURATION) as daemon:
            caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, OUTSIDE_PORT)))
            self.assertNotEqual(self.firewall.open_pinholes(), {})
            wait_until(lambda: not self.firewall.open_pinholes(), "the offer to be given up", 10)
            self.in_log(daemon, r"closed \(early-timeout\)")


class Refusal(DaemonTest):
    def test_a_full_set_closes_media_and_lets_sip_pass(self):
        self.firewall.nft("flush chain inet filter sip_media")
        self.firewall.nft("flush chain inet filter sip_rtp4_match")
        self.firewall.nft("delete set inet filter sip_rtp4")
        self.firewall.nft("add set inet filter sip_rtp4 { type ipv4_addr . inet_service; size 2;"
                          " flags dynamic,timeout; timeout 300s; counter; }")
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            caller.pass_to(callee, Dialog(caller, callee).invite(sdp(caller, OUTSIDE_PORT)))
            before = {element.key for element in self.firewall.elements("sip_rtp4")}
            self.assertEqual(len(before), 2)
            dialog = Dialog(caller, callee)
            caller.pass_to(callee, dialog.invite(sdp(caller, OUTSIDE_PORT + 2)))
            self.in_log(daemon, r"error nft element sip_rtp4 \{ \S+ \. 40002 \}: .*, not added")
            self.assertEqual({element.key for element in self.firewall.elements("sip_rtp4")}, before)
            callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, INSIDE_PORT)))
            self.assertEqual(len(self.firewall.elements("sip_rtp4_from")), 4, "the other sets have room")
            self.hang_up(dialog, caller, callee)
            self.assertEqual(self.firewall.elements("sip_rtp4_from"), [])

    def test_a_table_that_is_gone_lets_sip_pass_until_it_is_back(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway):
            self.firewall.nft("delete table inet filter")
            dialog = self.establish(caller, callee)
            self.hang_up(dialog, caller, callee)
            self.firewall.load()
            dialog = self.establish(caller, callee)
            self.assertEqual(len(self.firewall.elements("sip_rtp4_from")), 4)
            self.hang_up(dialog, caller, callee)


class Settings(DaemonTest):
    def test_stopping_keeps_the_elements(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            self.establish(caller, callee)
            before = self.firewall.open_pinholes()
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual({k: len(v) for k, v in self.firewall.open_pinholes().items()},
                             {k: len(v) for k, v in before.items()})

    # One message is on its way all the time. A queue may drop what finds it full; at the end none does.
    def test_stopping_loses_no_message(self):
        caller, callee = self.phones()
        dialog = Dialog(caller, callee)
        for fail_open in ("true", "false") * 5:
            with Daemon(self.network.gateway, f"[kernel]\nfail-open = {fail_open}\n") as daemon:
                caller.pass_to(callee, dialog.request("OPTIONS"))
                daemon.process.send_signal(signal.SIGTERM)
                while daemon.process.poll() is None:
                    caller.pass_to(callee, dialog.request("OPTIONS"))
                    callee.pass_to(caller, dialog.response(200, "OK"))
                self.assertEqual(daemon.wait(), 0)

    def test_stopping_removes_the_elements_where_the_configuration_says_so(self):
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, '[kernel]\non-stop = "flush"\n') as daemon:
            with Phone(self.network.outside, IPV4, IPV4.outside) as caller, \
                    Phone(self.network.inside, IPV4, IPV4.inside) as callee:
                self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.firewall.nft("add element inet filter sip_rtp4 { 192.0.2.77 . 7000 }")
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual([e.key for e in self.firewall.elements("sip_rtp4")], [("192.0.2.77", 7000)], "foreign")
            self.assertEqual(self.firewall.elements("sip_rtp4_from"), [])
            self.in_log(daemon, r"closed \(shutdown\)")
        self.assert_dropped(outside, inside)

    def test_observing_writes_nothing_and_tells_what_would_be(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, "[kernel]\nobserve = true\n") as daemon:
            dialog = self.establish(caller, callee)
            self.assertEqual(self.firewall.open_pinholes(), {})
            self.in_log(daemon, r"opened \(offer\)")
            self.hang_up(dialog, caller, callee)
            self.in_log(daemon, r"closed \(bye\)")

    def test_malformed_messages_are_dropped_where_the_configuration_says_so(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, '[signalling]\nmalformed = "drop"\n'):
            caller.send(b"INVITE sip:x SIP/2.0\r\nVia\r\n\r\n", callee)
            caller.pass_to(callee, b"\r\n\r\n")
            caller.pass_to(callee, b"no SIP at all")

    @each_family
    def test_datagrams_that_are_no_sip_are_dropped_where_the_configuration_says_so(self, family):
        caller, callee = self.phones(family)
        binding_request = bytes.fromhex("00010000 2112a442") + bytes(12)
        with Daemon(self.network.gateway, '[signalling]\nnot-sip = "drop"\n') as daemon:
            caller.send(b"no SIP at all", callee)
            caller.send(b"\x80\x00" + bytes(170), callee)
            for passes in (b"INVITE sip:x SIP/2.0\r\nVia\r\n\r\n", b"\r\n\r\n", b"\0", b"", binding_request,
                           Dialog(caller, callee).request("OPTIONS")):
                caller.pass_to(callee, passes)
            daemon.stop()
            self.in_log(daemon, "stopped: 8 packets, 1 SIP messages, 1 malformed, 2 not SIP, 4 keep-alives, "
                                "0 unreadable, 2 dropped; ")

    # With --queue-balance, which does the same as `queue to 0-3` and works on every kernel.
    def test_reads_several_queues(self):
        for tool in ("iptables-nft", "ip6tables-nft"):
            self.network.gateway.run(tool, "-t", "security", "-F", check=False)
        self.firewall.nft("flush chain inet filter sip_inspect")
        for tool in ("iptables-nft", "ip6tables-nft"):
            for port in ("--dport", "--sport"):
                self.network.gateway.run(tool, "-t", "security", "-A", "FORWARD", "-p", "udp", port, "5060", "-j",
                                         "NFQUEUE", "--queue-balance", "0:3", "--queue-bypass")
        with Daemon(self.network.gateway, '[kernel]\nqueues = "0-3"\n') as daemon:
            for queue in range(4):
                wait_until(lambda queue=queue: daemon.queue_taken(queue), f"queue {queue} to be taken")
            for family in FAMILIES:
                caller, callee = self.phones(family)
                dialog = self.establish(caller, callee)
                self.assertNotEqual(self.firewall.open_pinholes(), {})
                self.hang_up(dialog, caller, callee)
                self.assertEqual(self.firewall.open_pinholes(), {})


class Signals(DaemonTest):
    def test_a_reload_changes_the_settings_and_no_call(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway) as daemon:
            configuration = Path(daemon.process.args[-1])
            dialog = self.establish(caller, callee)
            configuration.write_text('[media]\nports = "x"\n')
            daemon.process.send_signal(signal.SIGHUP)
            self.in_log(daemon, r"error .*dpinholer\.toml:2: .*the settings stay as they are")
            configuration.write_text('[media]\nrefuse-ports = ["31000-31999"]\n[kernel]\nobserve = true\n')
            daemon.process.send_signal(signal.SIGHUP)
            self.in_log(daemon, r"configuration has been reloaded\n.*\[kernel\] says takes effect at the next start")
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            refused = self.establish(caller, callee, 31000, 31002)
            self.in_log(daemon, r"no pinhole to \S+ port 31000 \(port-policy\)")
            self.hang_up(refused, caller, callee)
            self.hang_up(dialog, caller, callee)
            wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close")
            self.assertEqual(daemon.stop(), 0)
            self.assertNotIn("inspector failed", daemon.log())

    @part("systemd")
    def test_systemd_is_told_what_is_open(self):
        caller, callee = self.phones()
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(folder, "notify"))
            manager.settimeout(5)
            with Daemon(self.network.gateway, wrapper=("env", f"NOTIFY_SOCKET={folder}/notify")):
                self.assertEqual(manager.recv(100), b"READY=1")
                dialog = self.establish(caller, callee)
                self.assertEqual(manager.recv(100), b"STATUS=1 calls, 4 pinholes open")
                self.hang_up(dialog, caller, callee)
                self.assertEqual(manager.recv(100), b"STATUS=0 calls, 0 pinholes open")

    @part("systemd")
    def test_systemd_hears_of_it(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(folder, "notify"))
            manager.settimeout(5)
            with Daemon(self.network.gateway, wrapper=("env", f"NOTIFY_SOCKET={folder}/notify",
                                                       "WATCHDOG_USEC=100000")) as daemon:
                self.assertEqual(manager.recv(100), b"READY=1")
                for _ in range(5):
                    self.assertEqual(manager.recv(100), b"WATCHDOG=1")
                daemon.process.send_signal(signal.SIGINT)
                wait_until(lambda: manager.recv(100) == b"STOPPING=1", "the last word")
                self.assertEqual(daemon.wait(), 0)
