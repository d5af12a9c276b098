# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon whose inspector is the attacker's (compromised.cpp): the gatekeeper lets nothing forbidden through."""

import re

from lab import Daemon, wait_until
from lab.case import CallTest
from lab.network import IPV4
from lab.tcp import Listener


class Compromised(CallTest):
    def setUp(self):
        super().setUp()
        self.firewall.nft("add table ip other { set kept { type ipv4_addr; elements = { 10.1.2.3 } }; chain c { "
                          "type filter hook input priority 5; policy accept; ip saddr @kept drop; }; }")
        self.firewall.nft("add element inet filter sip_rtp4 { 192.0.2.77 . 7777 timeout 1h comment \"foreign\" }")

    def ruleset(self):
        """Without what changes by itself, and without the elements of the pinhole sets."""
        text = re.sub(r"packets \d+ bytes \d+", "", self.firewall.nft("-s", "list", "ruleset"))
        return re.sub(r"elements = \{[^}]*\}", "", text), self.firewall.nft("list", "set", "ip", "other", "kept")

    @staticmethod
    def repeat(action, until):
        """After some failures in a row there is nobody to read SIP for a while."""
        def tried():
            action()
            return until()
        wait_until(tried, "a failure", 15)

    def test_nothing_forbidden_opens_and_nothing_of_others_changes(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, '[scanners]\nwell-known = true\nnever = ["192.0.2.0/24"]\n') as daemon:
            before = self.ruleset()
            for phone, other in ((callee, caller), (caller, callee)):
                phone.pass_to(other, b"hello")
            callee.pass_to(caller, b"P")
            wait_until(lambda: self.destinations() == {("192.0.2.77", 7777), ("192.0.2.2", 31000)},
                       "what may be asked for, and the element of others")
            callee.pass_to(caller, b"hello")
            self.assertEqual(self.destinations(), {("192.0.2.77", 7777), ("192.0.2.2", 31000)})
            listed = self.firewall.show("sip_rtp4")
            self.assertRegex(listed, r"192\.0\.2\.77 \. 7777 .*timeout 1h.* comment \"foreign\"")
            self.assertRegex(listed, r"192\.0\.2\.2 \. 31000 .*expires 4m.* comment \"other rtp call=[ -~]*\"")
            self.assertEqual(self.ruleset(), before)
            for cause in ("port-policy", "other-side", "address", "no-request"):
                self.assertIn(f"({cause})", daemon.log())

            callee.pass_to(caller, b"B")
            wait_until(lambda: self.firewall.elements("sip_banned4"), "who was heard, and may be banned")
            [ban] = self.firewall.elements("sip_banned4")
            self.assertEqual(ban.key, (caller.address,))
            self.assertRegex(ban.comment, r"^banned user-agent %1b\[31m%22%0a};%20flush[!-~]*$")
            self.firewall.nft("flush", "set", "inet", "filter", "sip_banned4")

            callee.pass_to(caller, b"F")
            callee.pass_to(caller, b"hello")
            opened = len(self.destinations())
            print(f"of 100000 pinholes asked for at once {opened} opened", end=" ... ")
            self.assertGreater(opened, 256)  # it has sent some messages
            self.assertLess(opened, 256 * 10)

            for failures, order in enumerate(b"0123456", 1):
                self.repeat(lambda: callee.pass_to(caller, bytes([order])),
                            lambda: daemon.log().count("the inspector failed") == failures)
            # A successor that claims nothing gets nothing; only the element of others is left.
            wait_until(lambda: self.destinations() == {("192.0.2.77", 7777)}, "what nobody claims to close")
            self.assertEqual(self.ruleset(), before)
            self.assertEqual(daemon.stop(), 0)

    # ---- Attacks, by the letter and number that docs/security.md has for them

    COMMENT = re.compile(r"[!-~]+ (rtp|rtcp|data) call=[!-~]* id=[0-9a-f]{16}")

    def begin(self, phone, other):
        """What the inspector may ask for is open, and both have been heard."""
        for one, another in ((phone, other), (other, phone)):
            one.pass_to(another, b"hello")
        phone.pass_to(other, b"P")
        wait_until(lambda: ("192.0.2.2", 31000) in self.destinations(), "what may be asked for")

    def assert_nothing_forbidden(self, destinations):
        """Only these, besides the element of others; all with a port that may open, and a comment of ours."""
        self.assertEqual(self.destinations(), {("192.0.2.77", 7777), *destinations})
        for elements in self.firewall.open_pinholes().values():
            for element in elements:
                self.assertTrue(element.comment == "foreign" or self.COMMENT.fullmatch(element.comment), element)
        self.assertNotIn("203.0.113.66", self.firewall.nft("list", "ruleset"))

    def failures(self, daemon, count):
        wait_until(lambda: daemon.log().count("the inspector failed") == count, f"{count} failures")

    def test_A23_a_source_of_another_family_is_no_key(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, wrapper=("env", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            for failures, order in enumerate((b"V", b"W"), 1):
                callee.pass_to(caller, order)
                self.failures(daemon, failures)
                callee.pass_to(caller, b"hello")
                self.assert_nothing_forbidden({("192.0.2.2", 31000)})
                self.assertEqual([e.key for e in self.firewall.elements("sip_rtp4_from")], [])
            self.assertEqual(daemon.stop(), 0)

    def test_A25_a_label_that_pretends_to_be_of_a_comment(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, wrapper=("env", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            callee.pass_to(caller, b"L")
            self.failures(daemon, 1)
            callee.pass_to(caller, b"hello")
            self.assert_nothing_forbidden({("192.0.2.2", 31000), ("192.0.2.2", 31003)})
            self.assertIn("call=%1b[2J%22%20id=%0a id=", self.firewall.show("sip_rtp4"))
            self.assertEqual(daemon.stop(), 0)

    def test_A25_a_party_behind_a_nat(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, wrapper=("env", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            callee.pass_to(caller, b"N")
            self.in_log(daemon, "call answered: 203.0.113.2 announces 10.0.0.0, behind a NAT of its own")
            self.assertEqual(daemon.log().count("behind a NAT"), 1)
            self.assertNotIn("198.51.100.1", daemon.log())
            self.assertEqual(daemon.stop(), 0)

    def test_A26_what_was_bound_is_what_the_gatekeeper_knows(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, wrapper=("env", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            callee.pass_to(caller, b"C")
            callee.pass_to(caller, b"hello")
            self.assert_nothing_forbidden({("192.0.2.2", 31000)})
            callee.pass_to(caller, b"S")
            callee.pass_to(caller, b"hello")
            self.assert_nothing_forbidden({("192.0.2.2", 31000), ("192.0.2.2", 31020)})
            self.assertEqual(self.firewall.elements("sip_rtp4_from"), [])
            self.assertNotIn("the inspector failed", daemon.log())
            self.assertEqual(daemon.stop(), 0)

    def test_A26_too_many_changes_are_no_answer(self):
        caller, callee = self.phones()
        with Daemon(self.network.gateway, wrapper=("env", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            before = self.memory(daemon)
            callee.pass_to(caller, b"R")
            self.failures(daemon, 1)
            callee.pass_to(caller, b"hello")
            grown = self.memory(daemon) - before
            print(f"for 400000 refreshes {grown >> 20} MiB", end=" ... ")
            self.assertLess(grown, 128 << 20)
            self.assert_nothing_forbidden({("192.0.2.2", 31000)})
            self.assertEqual(daemon.stop(), 0)

    def memory(self, daemon):
        """The most that the gatekeeper has had, in octets."""
        status = self.network.gateway.read(f"/proc/{daemon.process.pid}/status")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10

    # ---- What outlives inspectors that fail as soon as they are told what is open

    def test_what_was_open_before_the_daemon_outlives_its_first_inspectors(self):
        caller, callee = self.phones()
        self.firewall.nft("add element inet filter sip_rtp4 { 192.0.2.2 . 31000 timeout 5m comment "
                          "\"audio rtp call=kept id=0123456789abcdef\" }")
        with Daemon(self.network.gateway, wrapper=("env", "DEATHS=1 2 3 4 5 6 7", "CLAIM=1")) as daemon:
            self.in_log(daemon, "the inspector failed")
            wait_until(lambda: daemon.log().count("the inspector failed") == 7, "the last of them", 20)
            callee.pass_to(caller, b"hello")
            wait_until(lambda: callee.pass_to(caller, b"hello") or
                       "call=kept id=0123456789abcdef" in self.firewall.show("sip_rtp4"), "it to be known again")
            self.assert_nothing_forbidden({("192.0.2.2", 31000)})
            self.assertEqual(daemon.stop(), 0)

    def test_connections_outlive_inspectors_that_fail_when_they_hear_of_them(self):
        caller, callee = self.phones()
        listener = self.enter(Listener(self.network.inside, IPV4, IPV4.inside))
        with Daemon(self.network.gateway, wrapper=("env", "DEATHS=2 3", "CLAIM=1")) as daemon:
            self.begin(callee, caller)
            one, other = listener.connect(self.network.outside, IPV4.outside)
            self.addCleanup(one.__exit__)
            self.addCleanup(other.__exit__)
            one.pass_to(other, b"T")
            callee.pass_to(caller, b"0")
            self.failures(daemon, 3)
            wait_until(lambda: ("192.0.2.2", 32000) in self.destinations(), "the connection to be resumed")
            self.assertEqual(daemon.stop(), 0)
