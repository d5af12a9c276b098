# SPDX-License-Identifier: GPL-2.0-or-later
"""`dpinholer check` on gateways of others: jumps under conditions, tables that decide as well, a bridge. The line that it
gives lets calls pass, and nothing else."""

from pathlib import Path

from check_test import Check
from lab import Bridged


class Conditions(Check):
    """Jumps that not all media takes."""

    def jump(self, *rules):
        self.firewall.delete_rule("forward", "jump sip_media")
        self.nft(*(f"insert rule inet filter forward {rule}" for rule in rules))

    def zones(self, *interfaces):
        for name in interfaces:
            self.nft(f"add chain inet filter zone-{name}", f"add rule inet filter zone-{name} jump sip_media")
        self.jump("iifname vmap { " + ", ".join(f"{name} : jump zone-{name}" for name in interfaces) + " }")

    def assert_mended(self, severity):
        found, = self.assert_finds("jump-in-part")
        self.assertEqual(found["severity"], severity, found)
        self.mend(found)
        self.assert_finds()
        self.assert_a_call_passes()

    def test_a_zone_for_one_direction(self):
        self.zones("eth0")
        self.assert_mended("fault")

    def test_zones_for_both_directions(self):
        self.zones("eth0", "eth1")
        self.assert_finds()
        self.assert_a_call_passes()

    def test_new_flows_only(self):
        self.jump("ct state new jump sip_media")
        self.assert_mended("fault")

    def test_established_flows_only(self):
        self.jump("ct state established jump sip_media")
        self.assert_mended("fault")

    def test_marked_packets_only(self):
        self.jump("meta mark 0x1 jump sip_media")
        self.assert_mended("warning")

    def test_one_family(self):
        self.jump("meta nfproto ipv6 jump sip_media")
        self.assert_mended("fault")


class OtherTables(Check):
    """That drop what ours accepts: the mark passes, and nothing but that."""

    def assert_mended(self, severity="fault"):
        found, = self.assert_finds("other-chain-drops")
        self.assertEqual(found["severity"], severity)
        self.assertNotIn("policy", found["mend"])
        self.mend(found)
        self.assert_finds()
        self.assert_a_call_passes()

    def iptables(self, *rules, options=()):
        """Of the same priority the chain that was loaded last comes first: ours."""
        self.firewall.clear()
        for rule in rules:
            self.network.gateway.run("iptables-nft", *rule.split())
        self.firewall.load(options=options)

    def test_iptables(self):
        self.iptables("-P FORWARD DROP", "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                      "-A FORWARD -p udp -m multiport --dports 9,5060 -j ACCEPT")
        self.assert_mended()

    def test_iptables_that_rejects(self):
        self.iptables("-A FORWARD -i eth1 -j ACCEPT", "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                      "-A FORWARD -p udp -m multiport --dports 9,5060 -j ACCEPT", "-A FORWARD -j REJECT")
        self.assert_mended("warning")

    def test_iptables_with_the_mark_set(self):
        self.iptables("-P FORWARD DROP", "-A FORWARD -p udp -m multiport --dports 9,5060 -j ACCEPT", options=["mark"])
        self.assert_mended()

    def test_docker(self):
        self.iptables("-N DOCKER-USER", "-A DOCKER-USER -j RETURN", "-P FORWARD DROP", "-A FORWARD -j DOCKER-USER",
                      "-A FORWARD -p udp -m multiport --dports 9,5060 -j ACCEPT")
        self.assert_mended()
        self.assertIn("DOCKER-USER -m mark", self.network.gateway.run("iptables-nft", "-S").stdout)

    def test_iptables_without_sip(self):
        self.iptables("-P FORWARD DROP", "-A FORWARD -m mark --mark 0x01000000/0x01000000 -j ACCEPT",
                      "-A FORWARD -p udp --dport 9 -j ACCEPT", options=["mark"])
        self.mend(*self.assert_finds("sip-not-accepted"))
        self.assert_finds()
        self.assert_a_call_passes()

    def assert_sip_behind_a_blocklist(self, last):
        self.iptables("-A FORWARD -s 203.0.113.66 -j DROP", "-A FORWARD -m mark --mark 0x01000000/0x01000000 -j ACCEPT",
                      "-A FORWARD -p udp --dport 9 -j ACCEPT", last, options=["mark"])
        self.mend(*self.assert_finds("sip-not-accepted"))
        self.assert_finds()
        rules = [line for line in self.network.gateway.run("iptables-nft", "-S", "FORWARD").stdout.splitlines()
                 if line.startswith("-A")]
        self.assertIn("203.0.113.66", rules[0])
        self.assertIn("5060", rules[3])
        self.assert_a_call_passes()

    def test_sip_behind_a_blocklist_of_iptables_with_a_policy(self):
        self.assert_sip_behind_a_blocklist("-P FORWARD DROP")

    def test_sip_behind_a_blocklist_of_iptables_with_a_last_rule(self):
        self.assert_sip_behind_a_blocklist("-A FORWARD -j DROP")

    def assert_closed(self, ports, kept):
        self.iptables("-P FORWARD DROP", "-A FORWARD -m mark --mark 0x01000000/0x01000000 -j ACCEPT",
                      "-A FORWARD -p udp --dport 9 -j ACCEPT", "-A FORWARD -p tcp --dport 5060 -j ACCEPT",
                      "-A FORWARD -p udp --dport 5060 -j ACCEPT", f"-A FORWARD -p udp {ports} -j ACCEPT",
                      options=["mark"])
        self.nft("chain inet filter forward { policy accept; }", "add rule inet filter forward meta nfproto ipv6 drop")
        self.mend(*self.assert_finds("range-open"))
        self.assert_finds()
        saved = self.network.gateway.run("iptables-nft-save", "-t", "filter").stdout
        *_, last = (line for line in saved.splitlines() if line.startswith("-A"))
        self.assertEqual(last, f"-A FORWARD -p udp {kept} -j ACCEPT")
        self.assert_a_call_passes()

    def test_an_old_range_of_iptables(self):
        self.assert_closed("--dport 20000:60000", "-m udp --dport 5060")

    def test_an_old_range_of_iptables_in_a_rule_for_more(self):
        self.assert_closed("-m multiport --dports 5070,5071,10000:60000", "-m multiport --dports 5070,5071")

    def test_an_old_range_of_iptables_with_sip(self):
        self.assert_closed("--dport 5060:60000", "-m udp --dport 5060")

    def test_nftables(self):
        self.nft("add table ip other", "add chain ip other f { type filter hook forward priority 5; policy drop; }",
                 "add rule ip other f ct state established accept",
                 "add rule ip other f meta l4proto { tcp, udp } th dport { 9, 5060 } accept")
        self.assert_mended()

    def test_a_table_that_decides_before_the_mark(self):
        self.assert_ahead_of("filter - 5", "filter - 15")

    def test_a_table_of_the_same_priority_that_was_loaded_later(self):
        self.assert_ahead_of("filter", "filter - 10")

    def assert_ahead_of(self, priority, right):
        self.nft("add table ip other",
                 f"add chain ip other f {{ type filter hook forward priority {priority}; policy drop; }}",
                 "add rule ip other f meta l4proto { tcp, udp } th dport { 9, 5060 } accept")
        found, = self.assert_finds("other-chain-drops")
        line = found["mend"].split("#")[0].strip()
        self.assertEqual(line, f"type filter hook forward priority {right}; policy drop;")
        self.nft("flush chain inet filter forward", "delete chain inet filter forward",
                 "add chain inet filter forward { " + line + " }",
                 *(f"add rule inet filter forward {rule}" for rule in (
                     "jump sip_media", "ct state established accept",
                     "meta l4proto { tcp, udp } th dport { 9, 5060 } accept")))
        self.assert_mended()


class Bridge(Check):
    CONFIGURATION = '[media]\nsame-side = "configured"\n\n[sides]\ninside-networks = ["192.0.2.0/24"]\n'

    @staticmethod
    def make_network():
        return Bridged()

    def test_a_bridge_that_the_rules_dont_see(self):
        if not Path("/proc/sys/net/bridge").exists():
            self.network.gateway.run("modprobe", "br_netfilter")
        for name in ("iptables", "ip6tables"):
            self.network.gateway.run("sh", "-c", f"echo 0 >/proc/sys/net/bridge/bridge-nf-call-{name}")
        for configuration in ("", self.CONFIGURATION):
            found, = self.assert_finds("bridge-unseen", configuration=configuration)
            self.assertEqual(found["severity"], "warning")
        self.mend(found)
        self.assert_finds(configuration=self.CONFIGURATION)
        self.assert_a_call_passes(self.CONFIGURATION)
