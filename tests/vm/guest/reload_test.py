# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules and sets are changed while calls are up, and calls whose elements the daemon has to keep, on this kernel."""

import re
import time
from pathlib import Path

import refresh_test
from gateway import CONFIGURATION, RULES, GatewayTest, log, shell
from lab import IPV4, Network, sipp, wait_until
from lab.case import CallTest

MENDED = re.compile(r"^(?:sets were flushed|elements were removed by others): (\d+) pinholes? written again$",
                    re.MULTILINE)


class Reload(GatewayTest):
    CALLS = 20

    def test_calls_outlive_it(self):
        rules = RULES.read_text()
        self.addCleanup(lambda: (RULES.write_text(rules), shell("systemctl restart nftables")))
        calls = self.enter(sipp.Calls(self.network, IPV4, self.CALLS, rate=5, packets=30, interval=1.0, talk=60.0))
        self.bound = 4 * self.CALLS
        wait_until(lambda: self.size() == self.bound, "all calls to be up", 60)

        before = len(MENDED.findall(log()))
        shell("systemctl reload nftables")  # which keeps the sets, as gateway.nft is written
        self.assertEqual(self.size(), self.bound)
        self.assertEqual(len(MENDED.findall(log())), before)

        self.disturb("nft flush set inet filter sip_rtp4_from")
        key = self.firewall.elements("sip_rtp4_from")[0].key
        self.disturb(f"nft 'delete element inet filter sip_rtp4_from {{ {' . '.join(map(str, key))} }}'", 1)
        self.disturb("systemctl restart nftables")
        RULES.write_text(rules.replace("table inet filter\n", "flush ruleset\ntable inet filter\n", 1))
        self.disturb("systemctl reload nftables")

        # What was saved brings nothing back of calls that are over.
        # Without /etc/protocols nft 1.0.6 writes a number that it can't read.
        saved = self.firewall.nft("list table inet filter").replace("protocol 17", "protocol udp")
        Path("/root/saved.nft").write_text("delete table inet filter\n" + saved)
        calls.wait()
        wait_until(lambda: not self.firewall.open_pinholes(), "all pinholes to close", 30)
        shell("nft -f /root/saved.nft")
        wait_until(lambda: not self.firewall.open_pinholes(), "the dead elements to go", 30)

    def size(self):
        return shell("nft list set inet filter sip_rtp4_from").count("comment")

    def disturb(self, command, expected=None):
        before = len(MENDED.findall(log()))
        began = time.monotonic()
        shell(command)
        # In several lines where the daemon hears of it piece by piece.
        told = lambda: sum(map(int, MENDED.findall(log())[before:]))  # noqa: E731
        wait_until(lambda: told() >= (expected or self.bound), f"the log to tell that {command} was mended", 30)
        self.assertEqual(told(), expected or self.bound)
        self.assertEqual(self.size(), self.bound)
        print(f"mended, and the log read, {time.monotonic() - began:.1f} s after the beginning of {command}")


class Refresh(refresh_test.RefreshTest):
    def setUp(self):
        super(CallTest, self).setUp()  # the rules are there
        before = CONFIGURATION.read_text()
        CONFIGURATION.write_text(refresh_test.CONFIGURATION)
        self.addCleanup(lambda: (CONFIGURATION.write_text(before), shell("systemctl restart dpinholer")))
        shell("systemctl restart dpinholer")

    @staticmethod
    def make_network():
        return Network(gateway_here=True)

    def clear(self):
        """Rules and service stay as they are."""

    def test_a_silent_direction_stays_open_and_all_packets_are_counted(self):
        before = len(log())
        self.assert_kept_and_counted(IPV4, lambda: log()[before:])
