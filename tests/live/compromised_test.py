# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon whose inspector is the attacker's (compromised.cpp): the gatekeeper lets nothing forbidden through."""

import re

from lab import Daemon, wait_until
from lab.case import CallTest


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
        with Daemon(self.network.gateway, '[scanners]\nnever = ["192.0.2.0/24"]\n') as daemon:
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
