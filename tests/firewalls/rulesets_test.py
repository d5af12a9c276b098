# SPDX-License-Identifier: GPL-2.0-or-later
"""Rulesets of nftables: OpenWrt's, chains of zones, a bridge."""

import re
import shutil
import tempfile
from pathlib import Path

from beside import SOURCE, GatewayTest, blocks
from lab import IPV4, Bridged
from lab.case import each_family

FOLDER = Path(__file__).resolve().parent


def chains_of(test, table):
    """Those of a table that are not ours, without the jump to us."""
    listed = test.firewall.nft("-s", "list", "table", "inet", table)
    chains = re.findall(r"^\tchain (\S+) \{\n(.*?)^\t\}", listed.replace("\t\tjump sip_media\n", ""),
                        re.DOTALL | re.MULTILINE)
    return {name: rules for name, rules in chains if not name.startswith("sip_")}


class Plain(GatewayTest):
    """The nftables.conf of docs/installation.md, before and after."""

    def test_include_and_jump(self):
        self.firewall.table = "filter"
        before, after = re.findall(r"^```\n(#!/usr/sbin/nft.*?)^```$", (SOURCE / "docs/installation.md").read_text(),
                                   re.DOTALL | re.MULTILINE)
        self.load(before)

        def load_ours():
            self.load(after)
            self.network.gateway.run("conntrack", "-F")  # what passed before is established
            self.firewall.queue_as_shipped()

        self.theirs = dict  # it is all ours
        self.assert_calls_and_nothing_else(IPV4, range_open=True, load_ours=load_ours)

    def load(self, content):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(content)
            file.flush()
            self.firewall.nft("-f", file.name)


class OpenWrt(GatewayTest):
    def setUp(self):
        super().setUp()
        self.firewall.table = "fw4"
        shutil.rmtree("/usr/share/nftables.d", ignore_errors=True)
        self.addCleanup(shutil.rmtree, "/usr/share/nftables.d", ignore_errors=True)

    def load(self):
        self.firewall.nft("-f", FOLDER / "fw4.nft")
        self.firewall.queue_as_shipped()

    def theirs(self):
        return chains_of(self, "fw4")

    def load_ours(self):
        self.follow("OpenWrt")
        self.load()

    @each_family
    def test_its_own_table(self, family):
        self.load()
        self.assert_calls_and_nothing_else(family, range_open=False)

    # The rules of the document are UCI's; fw4.nft has the rules that fw4 makes of them.
    def test_the_rules_of_the_document_are_in_its_ruleset(self):
        text, = [text for _, text in blocks("OpenWrt") if text.startswith("# /etc/config/firewall")]
        rendered = (FOLDER / "fw4.nft").read_text()
        for name, port in (("SIP", "5060"), ("Media without a call", "16384-32767")):
            self.assertIn(f"option name '{name}'", text)
            self.assertIn(f"option dest_port '{port}'", text)
            self.assertRegex(rendered, f"udp dport {port} counter jump .*!fw4: {name}")

    @each_family
    def test_a_reload_keeps_pinholes_and_doubles_nothing(self, family):
        self.load_ours()
        rules = self.firewall.nft("-s", "list", "table", "inet", "fw4")
        (caller, callee), (outside, inside) = self.phones(family), self.media_ports(family)
        with self.daemon() as daemon:
            dialog = self.establish(caller, callee)
            self.load()
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.hang_up(dialog, caller, callee)
            self.assertEqual(self.destinations(), set())
            self.assertNotIn("written again", daemon.log().split("stopped:")[0])
        self.assertEqual(self.firewall.nft("-s", "list", "table", "inet", "fw4"), rules)


class Zones(GatewayTest):
    """The jump where the document puts it, in a table of zones that has nothing else for media."""

    RULES = """
        chain wan-lan {
            ct state established,related accept
            meta l4proto { tcp, udp } th dport $sip_ports accept
        }
        chain lan-wan {
            ct state established,related accept
            meta l4proto { tcp, udp } th dport $sip_ports accept
            meta l4proto tcp accept
        }
    """

    @each_family
    def test_the_jump_ahead_of_the_zones(self, family):
        self.firewall.table = "filter"
        section = "VyOS, Shorewall, and other zones"
        (_, text), = blocks(section)
        with_us = f'include "dpinholer/dpinholer.nft"\n{self.RULES}\n{text}'
        without = with_us.replace('include "dpinholer/dpinholer.nft"', "define sip_ports = { 5060 }").replace(
            "    jump sip_media\n", "")
        self.load(without)
        before = self.theirs()

        def load_ours():
            self.load(with_us)
            self.firewall.queue_as_shipped()

        self.assert_calls_and_nothing_else(family, range_open=False, load_ours=load_ours)
        self.assertEqual(self.theirs(), before)

    def load(self, content):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(f"table inet filter\nflush table inet filter\ntable inet filter {{\n{content}\n}}\n")
            file.flush()
            self.firewall.nft("-f", file.name)

    def theirs(self):
        return chains_of(self, "filter")


# The rules that VyOS 1.4 makes of `firewall zone`: a chain for the base, one for each zone, one for each pair.
VYOS = """
table ip vyos_filter {
    chain VYOS_FORWARD_filter {
        type filter hook forward priority filter; policy accept;
    }
    chain VYOS_ZONE_FORWARD {
        type filter hook forward priority filter + 1; policy accept;
        oifname { "eth1" } counter jump VZONE_LAN
        oifname { "eth0" } counter jump VZONE_WAN
    }
    chain VZONE_LAN {
        iifname { "eth1" } counter return
        iifname { "eth0" } counter jump NAME_WAN-LAN
        iifname { "eth0" } counter return
        counter drop
    }
    chain VZONE_WAN {
        iifname { "eth0" } counter return
        iifname { "eth1" } counter jump NAME_LAN-WAN
        iifname { "eth1" } counter return
        counter drop
    }
    chain NAME_WAN-LAN {
        ct state { established, related } counter accept
        meta l4proto { tcp, udp } th dport 5060 counter accept
        udp dport 16384-32767 counter accept
        counter drop
    }
    chain NAME_LAN-WAN {
        counter accept
    }
}
"""


class VyOS(GatewayTest):
    def test_its_range_is_closed_without_a_call(self):
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write(VYOS)
            file.flush()
            self.firewall.nft("-f", file.name)
        self.assert_calls_and_nothing_else(IPV4, range_open=True)


class Bridge(GatewayTest):
    @staticmethod
    def make_network():
        return Bridged()

    def setUp(self):
        super().setUp()
        self.follow("A transparent bridge")

    @each_family
    def test_without_an_address(self, family):
        self.assert_calls_and_nothing_else(family, range_open=True)

    @each_family
    def test_with_an_address(self, family):
        self.network.gateway.run("ip", "address", "add", f"{family.gateway_outside}/{family.prefix}", "dev", "br0",
                                 *["nodad"] * (family is not IPV4))
        self.addCleanup(self.network.gateway.run, "ip", "address", "flush", "dev", "br0")
        self.assert_calls_and_nothing_else(family, range_open=True)
