# SPDX-License-Identifier: GPL-2.0-or-later
"""Floods, and a call that is set up while each goes on: attacks A6, A7, A14 and A21 of docs/security.md."""

import json
import random
import re
import signal
import tempfile
import time

from lab import Daemon, Flood, wait_until
from lab.case import CallTest
from lab.daemon import binary
from lab.network import IPV4
from lab.sip import Dialog, sdp

TARGET = "192.0.2.99"  # an inside host that takes whatever comes
MANY = "198.18.0.1"  # the first of many sources, all outside
# A queue with room for what comes in three seconds, while this machine may do something else: who finds no room passes.
SETTINGS = "[kernel]\nqueue-length = 16384\n[timeouts]\nearly = 3\n[limits]\ncalls = {calls}\n"
PINHOLES = 2  # of an INVITE: RTP and RTCP


def invite(source):
    """Of which every copy is a call of its own."""
    body = sdp(Host(source), "$$$$$")
    return "".join(line + "\r\n" for line in (
        f"INVITE sip:user@{TARGET} SIP/2.0", f"Via: SIP/2.0/UDP {source}:5060;branch=z9hG4bK########",
        f"From: <sip:x@{source}>;tag=########", f"To: <sip:user@{TARGET}>", "Call-ID: ########@flood",
        "CSeq: 1 INVITE", "Content-Type: application/sdp", f"Content-Length: {len(body)}", "")) + body


class Host:
    family = IPV4

    def __init__(self, address):
        self.address = address


class FloodTest(CallTest):
    def setUp(self):
        super().setUp()
        self.network.gateway.run("ip", "route", "replace", "198.18.0.0/15", "via", IPV4.outside)
        self.network.gateway.run("ip", "route", "replace", f"{TARGET}/32", "via", IPV4.inside)
        self.network.inside.run("nft", "flush ruleset; table inet t { chain c {"
                                "type filter hook prerouting priority raw;"
                                f"ip saddr {IPV4.stranger} counter drop; ip daddr {TARGET} counter drop; }}; }}")
        self.caller, self.callee = self.phones()

    def arrived(self):
        """Datagrams of floods that came through."""
        return sum(map(int, re.findall(r"counter packets (\d+)", self.network.inside.run(
            "nft", "list", "table", "inet", "t").stdout)))

    @staticmethod
    def memory(daemon):
        """Resident memory of the daemon and its children, in KiB."""
        processes, total = [daemon.process.pid], 0
        while processes:
            process = processes.pop()
            with open(f"/proc/{process}/status") as status:
                total += int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
            with open(f"/proc/{process}/task/{process}/children") as children:
                processes += map(int, children.read().split())
        return total

    def in_sets(self):
        return sum(map(len, self.firewall.open_pinholes().values()))

    def assert_a_call_works(self, flood, outside, inside):
        """Set up and with audio both ways while the flood goes on. Returns what hangs it up."""
        caller, callee = self.caller, self.callee
        wait_until(lambda: self.arrived() > 500, "the flood")
        dialog = Dialog(caller, callee)
        began = time.monotonic()
        caller.pass_to(callee, dialog.invite(sdp(caller, self.OUTSIDE_PORT)))
        callee.pass_to(caller, dialog.response(180, "Ringing"))
        callee.pass_to(caller, dialog.response(200, "OK", sdp(callee, self.INSIDE_PORT)))
        caller.pass_to(callee, dialog.ack())
        taken = time.monotonic() - began
        self.assertTrue(flood.goes_on(), "this was not during the flood")
        self.assert_passes(outside, inside)
        self.assert_passes(inside, outside)
        print(f"  a call in {1000 * taken:.0f} ms, audio both ways")
        return lambda: (self.assert_passes(outside, inside), self.assert_passes(inside, outside),
                        self.hang_up(dialog, caller, callee))


class Invites(FloodTest):
    CALLS = 1000

    def test_A6_invites_of_one_source_and_of_many(self):
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, SETTINGS.format(calls=self.CALLS)) as daemon:
            levels = []
            for source, sources in ((IPV4.stranger, 1), (MANY, 30000), (MANY, 30000)):
                before, passed = self.memory(daemon), self.arrived()
                with Flood(self.network.outside, source, TARGET, invite(source), 15000, sources, rate=6000) as flood:
                    print(f"INVITEs from {sources} sources:")
                    end_call = self.assert_a_call_works(flood, outside, inside)
                    most = 0
                    while flood.goes_on():
                        most = max(most, self.in_sets())
                    sent = flood.wait()
                    wait_until(lambda: self.arrived() - passed == sent.count, "all of it to pass")
                end_call()
                wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close", 20)
                levels.append(self.memory(daemon))
                print(f"  sent {sent}; passed {self.arrived() - passed}; at most {most} pinholes open; memory {before} KiB"
                      f" before and {levels[-1]} after")
                self.assertLessEqual(most, PINHOLES * self.CALLS + 8)
            self.assertLess(levels[-1], 1.05 * levels[-2] + 512)
            self.assertLess(len(daemon.log().splitlines()), 4000, "of 45,000 calls that nobody answered")


class Scanners(FloodTest):
    ROOM = 16384  # of the set, and of the daemon's account (base/limits.h)
    BAN = 10  # seconds: longer than a flood

    # Each source is banned by its first message, until there is no room for more.
    def test_scanners_from_many_sources(self):
        outside, inside = self.media_ports()
        scan = invite(MANY).replace("CSeq: 1 INVITE", "CSeq: 1 INVITE\r\nUser-Agent: sipcli")
        scanners = f'[scanners]\nuser-agents = ["sipcli"]\nban = {self.BAN}\n'
        with Daemon(self.network.gateway, SETTINGS.format(calls=1000) + scanners) as daemon:
            levels = []
            for _ in range(2):
                wait_until(lambda: not self.firewall.elements("sip_banned4"), "the bans to end", self.BAN + 10)
                before, passed = self.memory(daemon), self.arrived()
                with Flood(self.network.outside, MANY, TARGET, scan, 30000, 20000, rate=6000) as flood:
                    print("INVITEs of 20000 scanners:")
                    end_call = self.assert_a_call_works(flood, outside, inside)
                    sent = flood.wait()
                end_call()
                banned = len(self.firewall.elements("sip_banned4"))
                levels.append(self.memory(daemon))
                print(f"  sent {sent}; passed {self.arrived() - passed}; {banned} banned;"
                      f" memory {before} KiB before and {levels[-1]} after")
                self.assertEqual(banned, self.ROOM)
                self.assertLess(self.arrived() - passed, sent.count - 5000)
                self.assertEqual(self.firewall.open_pinholes(), {})
            self.assertLess(levels[-1], 1.05 * levels[-2] + 512)
            self.assertLess(len(daemon.log().splitlines()), 1100)


class FullSet(FloodTest):
    SIZE = 64
    SENT = 900  # no more than the log tells one by one

    def test_A7_a_full_set(self):
        self.firewall.clear()
        self.firewall.load(size=self.SIZE)
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, SETTINGS.format(calls=1000)) as daemon:
            before = self.memory(daemon)
            with Flood(self.network.outside, MANY, TARGET, invite(MANY), self.SENT, self.SENT, rate=400) as flood:
                print(f"INVITEs while sets hold {self.SIZE} elements:")
                end_call = self.assert_a_call_works(flood, outside, inside)
                most = 0
                while flood.goes_on():
                    most = max(most, len(self.firewall.elements("sip_rtp4")))
                sent = flood.wait()
                wait_until(lambda: self.arrived() == sent.count, "all of it to pass")
            self.in_log(daemon, "the set is full")
            end_call()
            self.in_log(daemon, f"{self.SENT - 1:08}@flood closed")  # of those that still waited for room
            wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close", 20)
            print(f"  sent {sent}; passed {self.arrived()}; at most {most} elements; memory {before} KiB before and"
                  f" {self.memory(daemon)} after")
            self.assertLessEqual(most, 2 * self.SIZE)  # the kernel has room for what the same transaction removes
            # Table and kernel agree again: what is announced now is there when the message passes.
            offer = sdp(self.caller, self.OUTSIDE_PORT)
            self.caller.pass_to(self.callee, Dialog(self.caller, self.callee).invite(offer))
            self.assertEqual(self.destinations(), {(IPV4.outside, self.OUTSIDE_PORT + i) for i in (0, 1)})


class Media(FloodTest):
    def test_A14_injection_into_a_call(self):
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway):
            dialog = self.establish(self.caller, self.callee)
            outside.stream(IPV4.inside, self.INSIDE_PORT)
            inside.stream(IPV4.outside, self.OUTSIDE_PORT)
            with Flood(self.network.outside, IPV4.stranger, IPV4.inside, "\x80" + 171 * "\0", 100000,
                       port=self.INSIDE_PORT) as flood:
                sent = flood.wait()
            for end in (outside, inside):
                end.stop_streaming()
            for sender, receiver in ((outside, inside), (inside, outside)):
                wait_until(lambda: len(receiver.from_port(sender)) == sender.sent, "all media to arrive")
            self.assertEqual(self.arrived(), 0)
            print(f"RTP of a stranger:\n  sent {sent}; passed {self.arrived()};"
                  f" of the call {outside.sent} and {inside.sent} packets, none lost")
            counted = sum(e.packets for e in self.firewall.elements("sip_rtp4_from"))
            self.assertLess(counted, 1.1 * (outside.sent + inside.sent) + 10)
            self.hang_up(dialog, self.caller, self.callee)


class Garbage(FloodTest):
    KINDS = {
        "noise": "".join(chr(octet) for octet in random.Random(1).randbytes(200)),
        "SIP that breaks off": "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK########\r\nCall-ID: ####",
        "OPTIONS of a scanner": "OPTIONS sip:100@1.1.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK########\r\n"
                                "From: <sip:100@1.1.1.1>;tag=########\r\nTo: <sip:100@1.1.1.1>\r\n"
                                "Call-ID: ########\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    }

    def test_A21_garbage_on_the_sip_port(self):
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, SETTINGS.format(calls=1000)) as daemon:
            for rate in (10000, 0):
                for kind, payload in self.KINDS.items():
                    before, passed = self.memory(daemon), self.arrived()
                    with Flood(self.network.outside, MANY, TARGET, payload, 15000 if rate else 30000, 30000,
                               rate=rate) as flood:
                        print(f"{kind}, {f'{rate} a second' if rate else 'as fast as it goes'}:")
                        if rate:
                            end_call = self.assert_a_call_works(flood, outside, inside)
                        sent = flood.wait()
                    wait_until(lambda: self.arrived() - passed == sent.count, "all of it to pass", 20)
                    if rate:
                        end_call()
                    print(f"  sent {sent}; passed {self.arrived() - passed};"
                          f" memory {before} KiB before and {self.memory(daemon)} after")
                    self.assertEqual(self.firewall.open_pinholes(), {})
            self.assertEqual(daemon.stop(), 0)
            print("  " + re.search(r"stopped: .*", daemon.log())[0])

    def test_A21_what_finds_no_room_is_in_the_figures_of_the_kernel(self):
        length, count = 64, 2000
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, f"[kernel]\nqueue-length = {length}\nfail-open = false\n") as daemon:
            daemon.process.send_signal(signal.SIGSTOP)
            with Flood(self.network.outside, MANY, TARGET, self.KINDS["noise"], count) as flood:
                sent = flood.wait()
            daemon.process.send_signal(signal.SIGCONT)
            wait_until(lambda: self.arrived() == length, "what was in the queue")
            table = self.network.gateway.read("/proc/net/netfilter/nfnetlink_queue")
            dropped = sum(sum(map(int, line.split()[5:7])) for line in table.splitlines())
            print(f"a daemon that stands still:\n  sent {sent}; passed {self.arrived()}, dropped {dropped}")
            self.assertEqual(dropped, count - length)
            dialog = self.establish(self.caller, self.callee)
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.hang_up(dialog, self.caller, self.callee)

    def test_A21_what_passes_unread_is_told(self):
        length, count = 64, 2000
        settings = f"[kernel]\nqueue-length = {length}\n"
        with Daemon(self.network.gateway, settings) as daemon:
            unread = lambda: json.loads(self.network.gateway.run(binary(), "status", "--json").stdout)["packets"]["unread"]
            self.assertEqual(unread(), 0)
            daemon.process.send_signal(signal.SIGSTOP)
            with Flood(self.network.outside, MANY, TARGET, self.KINDS["noise"], count) as flood:
                sent = flood.wait()
            daemon.process.send_signal(signal.SIGCONT)
            wait_until(lambda: self.arrived() == count, "all of it to pass")
            wait_until(lambda: unread() == count - length, "what passed unread to be counted", 10)
            print(f"a daemon that stands still:\n  sent {sent}; passed {self.arrived()}, unread {unread()}")
            self.in_log(daemon, rf"warning {count - length} messages passed unread, for want of room in the queue")
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(settings)
                file.flush()
                found = self.network.gateway.run(binary(), "check", "--json", "--config", file.name, check=False).stdout
            self.assertIn("queue-too-short", found)
            self.assertIn(f"queue-length = {4 * length}", found)
            # A counter that begins anew, and a queue that is long enough for what comes, are no more of it.
            self.firewall.clear()
            self.firewall.load()
            for _ in range(3):
                with Flood(self.network.outside, MANY, TARGET, self.KINDS["noise"], 20, rate=100) as flood:
                    flood.wait()
                time.sleep(1.1)  # a look at the counter is no older than a second
                self.assertEqual(unread(), count - length)
            self.assertEqual(daemon.log().count("passed unread"), 1)
