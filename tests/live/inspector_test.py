# SPDX-License-Identifier: GPL-2.0-or-later
"""Two processes: what the one that reads SIP may do, and what happens when it ends."""

import os
import re
import shutil
import signal
import struct
import tempfile
import time
from pathlib import Path
from unittest import mock

from lab import Capture, Daemon, sipp, wait_until
from lab.case import CallTest, LiveTest, each_family
from lab.daemon import binary
from lab.network import IPV4

CALLS = 200
PACKETS = 40  # RTP, in each direction of each call
INTERVAL = 0.1  # of them, in seconds


def children(process):
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def inspector_of(daemon):
    """The process that reads SIP: the child of the launcher, which is the daemon's."""
    return wait_until(lambda: [child for launcher in children(daemon.process.pid) for child in children(launcher)],
                      "an inspector")[0]


def confined(process):
    """Whether a new inspector has started and may do nothing else any more."""
    return "Seccomp:\t2" in Path(f"/proc/{process}/status").read_text()


def layout_of(process):
    """Where a process has its program, libc and stack, and the 16 octets of which its stack canary and the keys of
    its pointers are made."""
    maps = Path(f"/proc/{process}/maps").read_text()
    # From an empty root the files have no whole path any more.
    places = {"program": "dpinholer", "libc": r"libc\.so\.6", "stack": r"\[stack\]", "heap": r"\[heap\]"}
    bases = {name: re.search(rf"(?m)^([0-9a-f]+)-.*[ /]{place}$", maps)[1] for name, place in places.items()}
    auxiliary = Path(f"/proc/{process}/auxv").read_bytes()
    at_random = dict(struct.iter_unpack("=QQ", auxiliary))[25]
    with open(f"/proc/{process}/mem", "rb") as memory:
        memory.seek(at_random)
        return bases | {"canary": memory.read(16).hex()}


def ended(process):
    try:
        return "State:\tZ" in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True


class Failure(LiveTest):
    # Without the rule for established flows: media lives by the pinholes alone.
    @each_family
    def test_amid_200_calls_no_media_and_no_sip_is_lost_and_every_bye_closes(self, family):
        self.firewall.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        with Daemon(self.network.gateway) as daemon, Capture(self.network.outside, family) as at_outside, \
                Capture(self.network.inside, family) as at_inside:
            calls = self.enter(sipp.Calls(self.network, family, CALLS, rate=100, packets=PACKETS, interval=INTERVAL,
                                          talk=PACKETS * INTERVAL + 2))
            wait_until(lambda: self.bound(family) == 4 * CALLS, "all calls to be up", 30)
            for fatal in (signal.SIGSEGV, signal.SIGKILL):
                before = inspector_of(daemon)
                os.kill(before, fatal)
                wait_until(lambda: inspector_of(daemon) != before, "another inspector")
            calls.wait()
            wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(daemon.log().count("the inspector failed"), 2)
            self.assertIn("signal 11", daemon.log())
            outside, inside = at_outside.packets(), at_inside.packets()
        for source, sent, arrived in ((family.outside, outside, inside), (family.inside, inside, outside)):
            self.assert_no_media_lost(source, sent, arrived, CALLS * PACKETS)
            sent, arrived = (sorted(packet.payload for packet in side if packet.is_sip and packet.source[0] == source)
                             for side in (sent, arrived))
            self.assertEqual(sent, arrived)

    # All calls on one connection, which lasts: what is between two messages is read on.
    def test_a_tcp_trunk_is_read_on(self):
        self.firewall.load()
        calls = 20
        with Daemon(self.network.gateway) as daemon:
            trunk = self.enter(sipp.Calls(self.network, IPV4, calls, packets=10, talk=3, transport="TCP"))
            wait_until(lambda: self.bound(IPV4) == 4 * calls, "all calls to be up", 30)
            before = inspector_of(daemon)
            os.kill(before, signal.SIGSEGV)
            wait_until(lambda: inspector_of(daemon) != before, "another inspector")
            trunk.wait()
            wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close")
            self.assertEqual(daemon.log().count(" closed (bye) "), calls)

    def bound(self, family):
        return len(self.firewall.open_pinholes().get(f"sip_rtp{family.digit}_from", ()))


class Hanging(CallTest):
    # The message in hand waits until the inspector is given up, and passes; the next call works.
    def test_an_inspector_that_does_not_answer_is_replaced(self):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        with tempfile.TemporaryDirectory() as state, Daemon(
                self.network.gateway, wrapper=("env", f"STATE_DIRECTORY={state}")) as daemon:
            first = self.establish(caller, callee)
            os.kill(inspector_of(daemon), signal.SIGSTOP)
            caller.pass_to(callee, first.request("OPTIONS"))
            self.in_log(daemon, r"the inspector failed: no answer in time, signal 9 .*; 1 packet passed unread, saved")
            [saved] = (Path(state) / "crashes").iterdir()
            self.assertIn(b"OPTIONS sip:", saved.read_bytes())
            self.assert_passes(outside, inside)
            self.hang_up(first, caller, callee)
            wait_until(lambda: not self.firewall.open_pinholes(), "the pinholes to close")
            self.hang_up(self.establish(caller, callee), caller, callee)


class Launcher(CallTest):
    """One that is stopped or killed, with the inspector or without: SIP and media go on, and the daemon ends if it
    can't have another inspector, for systemd to start it again."""

    UNREACHABLE = 3

    def setUp(self):
        super().setUp()
        # Without the rule for established flows: media lives by the pinholes alone.
        self.firewall.delete_rule("forward", "ct state established,related accept")

    def play(self, told, to_launcher, to_inspector=None):
        caller, callee = self.phones()
        outside, inside = self.media_ports()
        daemon = Daemon(self.network.gateway)
        self.addCleanup(daemon.discard)
        daemon.__enter__()
        dialog = self.establish(caller, callee)
        outside.stream(IPV4.inside, self.INSIDE_PORT)
        inside.stream(IPV4.outside, self.OUTSIDE_PORT)
        [launcher], inspector = children(daemon.process.pid), inspector_of(daemon)
        os.kill(launcher, to_launcher)
        if to_inspector:
            os.kill(inspector, to_inspector)
        began = time.monotonic()
        messages = 0
        # The first one finds it out, and what comes meanwhile waits with it: a phone would send it again.
        while daemon.process.poll() is None or messages < 20:
            self.assertLess(time.monotonic() - began, 15, daemon.log())
            caller.pass_to(callee, dialog.request("OPTIONS"))
            callee.pass_to(caller, dialog.response(200, "OK"))
            messages += 1
        print(f"ended after {time.monotonic() - began:.1f} s, {messages} messages passed", end=" ... ")
        self.assertEqual(daemon.wait(), self.UNREACHABLE)
        last = daemon.log().splitlines()[-1]
        self.assertRegex(last, rf"^dpinholer: the process that starts those that read SIP .*{told}.*; start the daemon")
        for process in (launcher, inspector):
            wait_until(lambda: ended(process), f"process {process} to end")
        with Daemon(self.network.gateway) as second:
            self.in_log(second, "4 open pinholes taken over")
            for end in (outside, inside):
                end.stop_streaming()
            for sender, receiver in ((outside, inside), (inside, outside)):
                wait_until(lambda: len(receiver.from_port(sender)) == sender.sent, "all media to arrive")
            self.hang_up(dialog, caller, callee)
            wait_until(lambda: not self.destinations(), "the pinholes to close")
            self.hang_up(self.establish(caller, callee), caller, callee)

    def test_A32_launcher_killed(self):
        self.play(r"is gone, signal 9 \(Killed\)", signal.SIGKILL)

    def test_A32_launcher_and_inspector_killed(self):
        self.play(r"is gone, signal 9 \(Killed\)", signal.SIGKILL, signal.SIGKILL)

    def test_A32_launcher_stopped_and_inspector_killed(self):
        self.play("did not answer within 2000 ms", signal.SIGSTOP, signal.SIGKILL)

    def test_A32_launcher_and_inspector_stopped(self):
        self.play("did not answer within 2000 ms", signal.SIGSTOP, signal.SIGSTOP)

    def test_A32_a_stopped_launcher_alone_keeps_nothing_from_working(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway) as daemon:
            inspector_of(daemon)
            [launcher] = children(daemon.process.pid)
            os.kill(launcher, signal.SIGSTOP)
            self.hang_up(self.establish(caller, callee), caller, callee)
            began = time.monotonic()
            self.assertEqual(daemon.stop(), 0)
            self.assertLess(time.monotonic() - began, 4)


class Layout(CallTest):
    def test_A33_no_process_has_the_layout_or_the_canary_of_another(self):
        with Daemon(self.network.gateway) as daemon:
            [launcher] = children(daemon.process.pid)
            first = inspector_of(daemon)
            wait_until(lambda: confined(first), "the first inspector")
            layouts = [layout_of(process) for process in (daemon.process.pid, launcher, first)]
            os.kill(first, signal.SIGSEGV)
            wait_until(lambda: inspector_of(daemon) != first, "another inspector")
            second = inspector_of(daemon)
            wait_until(lambda: confined(second), "the second inspector")
            layouts.append(layout_of(second))
        for what in layouts[0]:
            of_each = [layout[what] for layout in layouts]
            self.assertEqual(len(set(of_each)), len(of_each), f"{what}: {of_each}")


    # As an upgrade of the package does: both ends of the channel stay of one version.
    def test_A33_a_program_that_was_replaced_is_executed_as_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "dpinholer"
            shutil.copy2(binary(), program)
            self.enter(mock.patch.dict(os.environ, DPINHOLER=str(program)))
            with Daemon(self.network.gateway) as daemon:
                first = inspector_of(daemon)
                program.unlink()
                program.write_text("something else")
                os.kill(first, signal.SIGSEGV)
                wait_until(lambda: inspector_of(daemon) != first, "another inspector")
                phones = self.phones()
                self.hang_up(self.establish(*phones), *phones)
                self.assertEqual(daemon.log().count("the inspector failed"), 1)


class Confinement(CallTest):
    def test_the_inspector_has_nothing(self):
        with Daemon(self.network.gateway) as daemon:
            self.establish(*self.phones())
            self.assert_confined(daemon)

    # As the unit starts it: no root, and one capability that programs pass on.
    def test_the_inspector_of_a_daemon_that_is_not_root_has_nothing(self):
        readable = ("sh", "-c", 'for file; do :; done; chmod -R a+rX "$(dirname "$file")" && exec "$@"', "sh")
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_admin",
                "--ambient-caps=+net_admin")
        with Daemon(self.network.gateway, wrapper=readable + user) as daemon:
            self.establish(*self.phones())
            self.assert_confined(daemon)

    def assert_confined(self, daemon):
        inspector = inspector_of(daemon)
        status = Path(f"/proc/{inspector}/status").read_text()
        for field, value in {"CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapAmb": "0" * 16,
                             "NoNewPrivs": "1", "Seccomp": "2"}.items():
            self.assertIn(f"{field}:\t{value}\n", status)
        descriptors = {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{inspector}/fd").iterdir()}
        self.assertEqual(sorted(target.split(":")[0] for target in descriptors.values()), ["pipe", "socket"])
        self.assertEqual(list(Path(f"/proc/{inspector}/root").iterdir()), [])
        for kind in ("net", "mnt", "ipc", "uts"):
            self.assertNotEqual(*(os.readlink(f"/proc/{process}/ns/{kind}")
                                  for process in (inspector, daemon.process.pid)))
        limits = Path(f"/proc/{inspector}/limits").read_text()
        self.assertRegex(limits, r"Max open files +0 +0 ")
        self.assertRegex(limits, r"Max processes +0 +0 ")
        self.assertNotRegex(limits, r"Max data size +unlimited")

    def test_the_gatekeeper_has_one_capability(self):
        with Daemon(self.network.gateway) as daemon:
            status = Path(f"/proc/{daemon.process.pid}/status").read_text()
            for field in ("CapPrm", "CapEff"):
                self.assertIn(f"{field}:\t{1 << 12:016x}\n", status)  # CAP_NET_ADMIN
            self.assertIn("Seccomp:\t2\n", status)
            self.assertIn("NoNewPrivs:\t1\n", status)

    def test_neither_is_left_when_the_daemon_is_killed(self):
        with Daemon(self.network.gateway) as daemon:
            inspector = inspector_of(daemon)
            [launcher] = children(daemon.process.pid)
            daemon.kill()
            for process in (launcher, inspector):
                wait_until(lambda: ended(process), f"process {process} to end")
