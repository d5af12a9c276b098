# SPDX-License-Identifier: GPL-2.0-or-later
"""On systems that lack something (lacking.cpp takes it from them), the program says in one line what that is and what
would be right."""

import os
from pathlib import Path

from inspector_test import children, inspector_of
from lab import Daemon
from lab.case import CallTest
from lab.daemon import SOURCE, binary

UNREACHABLE = 3
EAGAIN = "Resource temporarily unavailable"
LIMIT = "is there a limit on its memory, processes or descriptors? systemctl show dpinholer tells"


def without(what):
    """Words before a command."""
    library = Path(os.environ.get("LACKING", SOURCE / "build/dev/tests/live/liblacking.so"))
    assert library.exists(), library
    return "env", f"LD_PRELOAD={library}", f"LACKS={what}"


class Lacking(CallTest):
    def run_without(self, what):
        """What a daemon says in the end that does not start."""
        ended, said = self.refusal(wrapper=without(what))
        self.assertEqual(ended, UNREACHABLE, said)
        return said[-1]

    def check_without(self, what):
        done = self.network.gateway.run(*without(what), binary(), "check", check=False)
        self.assertEqual((done.returncode, done.stdout), (UNREACHABLE, ""), done.stderr)
        return done.stderr

    def test_what_a_daemon_can_not_start_without(self):
        for what, said in (
                ("nfnetlink", "socket NETLINK_NETFILTER: Protocol not supported; load the module nfnetlink"),
                ("nfnetlink_queue", "queue 0: this kernel has no NFQUEUE: load the module nfnetlink_queue"),
                ("processes", f"the system refused: fork: {EAGAIN}; {LIMIT}"),
                ("a second process", f"fork of an inspector: {EAGAIN}; {LIMIT}"),
                ("a library", "the process that starts those that read SIP does not start: is gone, exit status 127, "
                 "saying: no such library; if its program or a library is not there, install it again"),
                ("random numbers", "libsodium finds no random numbers; is there a /dev/urandom?"),
                ("seccomp", "seccomp_load: Invalid argument; the kernel must have CONFIG_SECCOMP_FILTER")):
            with self.subTest(what):
                self.assertEqual(self.run_without(what), f"dpinholer: {said}")

    def test_what_a_check_can_not_do_without(self):
        for what, said in (
                ("nfnetlink", "socket NETLINK_NETFILTER: Protocol not supported; load the module nfnetlink"),
                ("nf_tables", "the kernel has no nftables: Invalid argument; load the module nf_tables"),
                ("memory", "libnftables finds no memory; let it have more"),
                ("memory for output", "libnftables finds no memory; let it have more"),
                ("JSON", "libnftables lists no JSON; take one that was built with it, as Debian's is")):
            with self.subTest(what):
                self.assertEqual(self.check_without(what), f"dpinholer: {said}\n")

    def test_a_daemon_without_a_root_to_leave_works(self):
        with Daemon(self.network.gateway, wrapper=without("mounts")) as daemon:
            self.in_log(daemon, r"lets the process that reads SIP have no root of its own \(Operation not permitted\); "
                                "its system call filter confines it all the same$")
            self.establish(*self.phones())
            self.assertEqual(len(self.destinations()), 4)

    # CAP_SYS_ADMIN over the host, with which the root could be left, stays with nobody.
    def test_a_daemon_without_user_namespaces_works_and_keeps_no_capability(self):
        with Daemon(self.network.gateway, wrapper=without("user namespaces")) as daemon:
            self.in_log(daemon, r"no root of its own \(there are no user namespaces\)")
            self.establish(*self.phones())
            self.assertEqual(len(self.destinations()), 4)
            [launcher] = children(daemon.process.pid)
            for process in (launcher, inspector_of(daemon)):
                status = Path(f"/proc/{process}/status").read_text()
                for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    self.assertIn(f"{field}:\t{0:016x}\n", status)

    def test_a_daemon_whose_transactions_get_lost_lets_sip_pass(self):
        with Daemon(self.network.gateway, wrapper=without("transactions")) as daemon:
            self.establish(*self.phones())
            self.in_log(daemon, r"nft transaction acknowledgement: Connection timed out, not added: its media stays "
                                "closed until it is")

    def test_a_daemon_without_nftables_lets_sip_pass(self):
        with Daemon(self.network.gateway, wrapper=without("nf_tables")) as daemon:
            self.in_log(daemon, "the kernel has no nftables: Invalid argument; load the module nf_tables; no pinhole "
                                "opens until then$")
            self.establish(*self.phones())
            self.assertEqual(self.destinations(), set())

    def test_a_daemon_without_routes_says_so_once(self):
        with Daemon(self.network.gateway, wrapper=without("routes")) as daemon:
            self.establish(*self.phones())
            self.in_log(daemon, "no route can be looked up: sendto netlink: No buffer space available; until then "
                                "nothing opens$")
            self.assertEqual(daemon.log().count("no route can be looked up"), 1)
            self.assertEqual(self.destinations(), set())
