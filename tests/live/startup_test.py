# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that can't do its work does not start: one line that names what is wrong and what would be right, and
the exit status of the manual. Without its sets it waits."""

import re

from lab import Daemon, wait_until
from lab.case import CallTest, LiveTest

USAGE_OR_CONFIGURATION, KERNEL = 2, 3


class Startup(LiveTest):
    def assert_refuses(self, status, *words, configuration="", wrapper=()):
        ended, said = self.refusal(configuration, wrapper)
        self.assertEqual(ended, status, said)
        self.assertEqual(len(said), 1, said)
        for word in words:
            self.assertIn(word, said[0])

    def test_the_queue_is_taken(self):
        self.firewall.load()
        with Daemon(self.network.gateway):
            self.assert_refuses(KERNEL, "queue 0", configuration="[kernel]\nobserve = true\n")

    def test_no_permission(self):
        self.firewall.load()
        self.assert_refuses(KERNEL, "CAP_NET_ADMIN", wrapper=("setpriv", "--bounding-set=-net_admin"))

    def test_no_descriptors(self):
        """How many it needs is its own affair: with fewer it says what it lacks, and never crashes."""
        self.firewall.load()
        for most in (5, 8, 12):
            with self.subTest(most):
                self.assert_refuses(KERNEL, "Too many open files", "systemctl show",
                                    wrapper=("prlimit", f"--nofile={most}"))

    def test_an_unknown_key(self):
        self.firewall.load()
        self.assert_refuses(USAGE_OR_CONFIGURATION, "dpinholer.toml", "colour",
                            configuration='[kernel]\ncolour = "red"\n')


class WithoutSets(CallTest):
    """It waits for them, and says once what is missing. SIP passes."""

    def setUp(self):
        super().setUp()
        self.caller, self.callee = self.phones()
        self.outside, self.inside = self.media_ports()

    def assert_waits(self, *words, configuration=""):
        """The first call of all begins without pinholes, and gets them when the rules are there."""
        with Daemon(self.network.gateway, configuration) as daemon:
            self.firewall.queue_sip()
            dialog = self.establish(self.caller, self.callee)
            self.firewall.clear()
            self.firewall.load()
            wait_until(lambda: "the sets are there" in daemon.log(), "it to find them")
            wait_until(lambda: len(self.firewall.elements("sip_rtp4_from")) == 4, "the pinholes of the call")
            self.assert_passes(self.outside, self.inside)
            self.assert_passes(self.inside, self.outside)
            self.hang_up(dialog, self.caller, self.callee)
            wait_until(lambda: not self.destinations(), "the pinholes to close")
            said = [line for line in daemon.log().splitlines() if "until then" in line]
            self.assertEqual(len(said), 1, daemon.log())
            for word in (*words, "no pinhole opens until then"):
                self.assertIn(word, said[0])

    def test_no_table(self):
        self.firewall.clear()
        self.assert_waits('no table "inet filter"', "dpinholer.nft")

    def test_a_set_is_missing(self):
        for name in ("sip_rtp4", "sip_rtp6_from"):
            with self.subTest(name):
                self.remove_set(name)
                self.assert_waits(name, "dpinholer.nft")

    def test_a_set_of_the_wrong_type(self):
        for name, wrong in (("sip_rtp4", "type ipv4_addr; flags timeout"),
                            ("sip_rtp6_from", "type ipv6_addr . inet_service; flags timeout")):
            with self.subTest(name):
                self.remove_set(name)
                self.firewall.nft(f"add set inet filter {name} {{ {wrong}; size 100; }}")
                self.assert_waits(name, "type")

    def test_a_set_without_timeouts(self):
        self.remove_set("sip_rtp4")
        self.firewall.nft("add set inet filter sip_rtp4 { type ipv4_addr . inet_service; size 100; }")
        self.assert_waits("sip_rtp4", "timeout")

    def test_another_table(self):
        with Daemon(self.network.gateway, '[kernel]\ntable = "inet other"\n') as daemon:
            self.hang_up(self.establish(self.caller, self.callee), self.caller, self.callee)
            self.assertEqual(daemon.log().count('no table "inet other"'), 1, daemon.log())

    def test_who_only_looks_on_needs_none(self):
        self.firewall.clear()
        with Daemon(self.network.gateway, "[kernel]\nobserve = true\n") as daemon:
            self.firewall.queue_sip()
            self.hang_up(self.establish(self.caller, self.callee), self.caller, self.callee)
            self.assertNotIn("error", daemon.log())

    def remove_set(self, name):
        """And the rules that use it."""
        self.firewall.nft("flush chain inet filter sip_media")
        self.firewall.nft(f"flush chain inet filter {name}_match")
        self.firewall.nft(f"delete set inet filter {name}")


class SecondDaemon(LiveTest):
    """Of one table: two would write each other's elements again and again."""

    OTHER_QUEUE = '[kernel]\nqueues = "4-5"\n'

    def setUp(self):
        super().setUp()
        self.firewall.load()

    def assert_refused(self, first, queues="0", wrapper=()):
        ended, said = self.refusal(self.OTHER_QUEUE, wrapper)
        self.assertEqual(ended, KERNEL, said)
        self.assertEqual(said, [f"dpinholer: another daemon looks after table inet filter already: process "
                                f"{first.process.pid}, which reads queue {queues}; stop that one, or give this one "
                                "another table or kernel.observe"])

    def test_A32_it_refuses_whatever_queue_mounts_and_user_it_has(self):
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_admin",
                "--ambient-caps=+net_admin")
        readable = ("sh", "-c", 'for file; do :; done; chmod -R a+rX "$(dirname "$file")" && exec "$@"', "sh")
        with Daemon(self.network.gateway, '[kernel]\nqueues = "0-1"\n') as first:
            for wrapper in ((), ("unshare", "--mount"), ("unshare", "--ipc", "--uts", "--cgroup"), readable + user):
                with self.subTest(wrapper[:1]):
                    self.assert_refused(first, "0-1", wrapper)

    def test_A32_what_ended_holds_nothing_however_it_ended(self):
        for end in (Daemon.kill, Daemon.stop):
            with Daemon(self.network.gateway) as first:
                self.assert_refused(first)
                end(first)
                with Daemon(self.network.gateway):
                    pass

    def test_A32_who_only_looks_on_runs_beside_it(self):
        with Daemon(self.network.gateway):
            looking = Daemon(self.network.gateway, self.OTHER_QUEUE + "observe = true\n")
            self.addCleanup(looking.discard)
            wait_until(lambda: looking.queue_taken(4), "it to take its queue")
            self.assertEqual(looking.stop(), 0)

    def test_A32_another_table_has_a_daemon_of_its_own(self):
        sets = self.firewall.nft("list", "table", "inet", "filter")
        sets = re.sub(r"(?ms)^\tchain .*?^\t}\n", "", sets).replace("table inet filter", "table inet other")
        self.network.gateway.run("nft", "-f", "-", input=sets)
        self.addCleanup(self.firewall.nft, "delete", "table", "inet", "other")
        with Daemon(self.network.gateway):
            other = Daemon(self.network.gateway, self.OTHER_QUEUE + 'table = "inet other"\n')
            self.addCleanup(other.discard)
            wait_until(lambda: other.queue_taken(4), "the other to take its queue")
            self.assertEqual(other.stop(), 0)


class Stop(LiveTest):
    def test_stops_with_status_0(self):
        self.firewall.load()
        with Daemon(self.network.gateway) as daemon:
            self.assertEqual(daemon.stop(), 0)
