# SPDX-License-Identifier: GPL-2.0-or-later
"""`dpinholer check` on rules that are as shipped, and on rules with one thing broken: exactly that is found, and the
line that it gives mends it."""

import json
import tempfile
import time
from pathlib import Path

from lab import Daemon
from lab.case import CallTest
from lab.daemon import binary
from lab.firewall import has_native_queue

FINE, FAULT, CONFIGURATION, UNREACHABLE = range(4)


class Check(CallTest):
    def check(self, *options, configuration="", wrapper=()):
        """What it printed and its exit status."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "dpinholer.toml"
            file.write_text(configuration)
            return self.network.gateway.run(*wrapper, binary(), "check", "--config", file, *options, check=False)

    def findings(self, **options):
        """By id, without the one that nobody reads the queue, which goes for all of these tests but one."""
        done = self.check("--json", **options)
        *found, summary = map(json.loads, done.stdout.splitlines())
        self.assertEqual(summary["finding"], "summary", done.stderr)
        self.assertEqual(summary["faults"], sum(one["severity"] == "fault" for one in found))
        self.assertEqual(done.returncode, FAULT if summary["faults"] else FINE)
        return [one for one in found if one["finding"] != "nobody-listening"]

    def assert_finds(self, *ids, **options):
        found = self.findings(**options)
        self.assertEqual([one["finding"] for one in found], list(ids), found)
        return found

    def mend(self, finding):
        """By the command that the finding gives."""
        self.network.gateway.run("sh", "-c", finding["mend"])

    def nft(self, *commands):
        for command in commands:
            self.firewall.nft(command)

    def assert_a_call_passes(self, configuration=""):
        """With audio both ways, which does not pass before it."""
        (caller, callee), (outside, inside) = self.phones(), self.media_ports()
        with Daemon(self.network.gateway, configuration):
            self.assert_dropped(outside, inside)
            dialog = self.establish(caller, callee)
            self.assert_passes(outside, inside)
            self.assert_passes(inside, outside)
            self.hang_up(dialog, caller, callee)


class Rules(Check):
    def test_the_shipped_gateway_with_a_daemon_is_fine(self):
        with Daemon(self.network.gateway):
            done = self.check()
            self.assertEqual((done.returncode, done.stderr), (FINE, ""), done.stdout)
            self.assertTrue(done.stdout.startswith("fine: table inet filter, queue 0"), done.stdout)

    def test_nobody_listening(self):
        done = self.check("--json")
        self.assertEqual(json.loads(done.stdout.splitlines()[0])["finding"], "nobody-listening")
        self.assertEqual(done.returncode, FAULT)
        self.assert_finds()

    def test_no_jump(self):
        self.firewall.delete_rule("forward", "jump sip_media")
        self.mend(*self.assert_finds("jump-missing"))
        self.assert_finds()

    def test_a_jump_behind_a_drop(self):
        self.firewall.nft("insert rule inet filter forward meta l4proto udp drop")
        self.mend(*self.assert_finds("jump-behind-drop"))
        self.assert_finds()

    def test_a_jump_behind_an_accept(self):
        self.firewall.nft("insert rule inet filter forward ct state established,related accept")
        found = self.assert_finds("jump-behind-accept")
        self.assertIn("ct state established,related accept", found[0]["what"])
        self.mend(*found)
        self.assert_finds()

    def test_a_jump_behind_an_accept_by_a_named_map(self):
        self.nft("add chain inet filter wan", "add map inet filter zones { type ifname : verdict; }",
                 "add rule inet filter wan ct state vmap { established : accept, invalid : drop }",
                 'add element inet filter zones { "eth0" : jump wan }',
                 "insert rule inet filter forward iifname vmap @zones")
        found, = self.assert_finds("jump-behind-accept")
        self.assertEqual(found["severity"], "warning")

    def test_what_is_not_media_may_stand_ahead(self):
        self.nft("add set inet filter blocked { type ipv4_addr; }",
                 *(f"insert rule inet filter forward {rule}" for rule in (
                     "ct state invalid drop", "ip saddr @blocked drop", "tcp dport 22 accept",
                     "udp dport { 53, 123 } accept", "icmp type echo-request limit rate 10/second accept",
                     "ct state vmap { invalid : drop, related : accept }", "counter")))
        self.assert_finds()

    def test_another_chain_of_the_table_that_drops(self):
        self.nft("add chain inet filter late { type filter hook forward priority 5; policy drop; }",
                 "add rule inet filter late udp dport 9 accept")
        for finding in self.assert_finds("other-chain-drops", "sip-not-accepted"):
            self.mend(finding)
        self.assert_finds()
        self.assert_a_call_passes()

    def test_an_emptied_media_chain(self):
        self.firewall.nft("flush chain inet filter sip_media")
        self.assert_finds("set-not-looked-up")

    def test_tcp_media_that_no_rule_looks_at(self):
        self.firewall.nft("flush chain inet filter sip_media_tcp")
        self.assert_finds()
        found, = self.assert_finds("set-not-looked-up", configuration="[media]\ntcp = true\n")
        self.assertIn("sip_tcp4_from", found["what"])

    def test_a_set_of_the_wrong_type(self):
        self.nft("flush table inet filter", "delete set inet filter sip_rtp4",
                 "add set inet filter sip_rtp4 { type ipv4_addr; flags dynamic,timeout; size 10; }")
        found, = (one for one in self.findings() if one["finding"] == "set-wrong")
        self.nft("add rule inet filter forward udp dport 53 accept")
        before = self.firewall.nft("list", "ruleset")
        # Without the rules in that file nothing is flushed.
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            for content in ("table inet other { }\n", "#include \"dpinholer/dpinholer.nft\"\n#jump sip_media\n"):
                file.write(content)
                file.flush()
                for name in (file.name, "/nowhere/nftables.conf"):
                    line = found["mend"].replace("/etc/nftables.conf", name)
                    self.network.gateway.run("sh", "-c", line, check=False)
                    self.assertEqual(self.firewall.nft("list", "ruleset"), before)

    def test_a_dormant_table(self):
        self.nft("add table inet filter { flags dormant; }")
        found, = self.assert_finds("table-dormant")
        self.assertEqual(found["severity"], "fault")
        self.mend(found)
        self.assert_finds()
        self.assert_a_call_passes()

    def test_a_dormant_table_of_others(self):
        self.nft("add table ip6 other { flags dormant; }",
                 "add chain ip6 other f { type filter hook forward priority 5; policy drop; }",
                 "add rule ip6 other f meta l4proto { tcp, udp } th dport 5060 accept")
        self.assert_finds()
        self.nft("add table ip6 other")
        self.assert_finds("other-chain-drops")

    def test_chains_that_many_others_jump_to(self):
        self.nft("\n".join([*(f"add chain inet filter c{n}" for n in range(15)),
                            *(f"add rule inet filter c{n} jump c{n + 1}" for n in range(14) for _ in "12"),
                            *("insert rule inet filter forward jump c0" for _ in range(8))]))
        before = time.monotonic()
        self.assert_finds("rules-not-followed")
        self.assertLess(time.monotonic() - before, 5)

    def test_sets_missing(self):
        self.nft("flush table inet filter", "delete set inet filter sip_rtp4", "delete set inet filter sip_tcp6_from")
        found = self.findings()
        self.assertEqual(found[0]["finding"], "sets-missing")
        self.assertIn("sip_rtp4, sip_tcp6_from", found[0]["what"])

    def test_another_table(self):
        found = self.assert_finds("table-missing", configuration='[kernel]\ntable = "inet firewall"\n')
        self.assertIn('table = "inet filter"', found[0]["mend"])

    def test_no_table(self):
        self.firewall.clear()
        ids = ["table-missing", "queue-missing"]
        self.assert_finds(*(ids if has_native_queue() else ["kernel-feature", *ids]))
        self.assertEqual(self.firewall.nft("list", "ruleset"), "", "left behind")

    def test_another_time(self):
        found, = self.assert_finds("timeouts-differ", configuration="[timeouts]\nmedia-idle = 600\n")
        self.assertEqual(found["severity"], "fault")

    def test_an_interface_that_is_not_there(self):
        found, = self.assert_finds("interface-missing", configuration='[sides]\ninside-interfaces = ["eth1", "eth9"]\n')
        self.assertIn("eth9", found["what"])
        found, = self.assert_finds("interface-missing", configuration='[sides]\ninside-networks = ["eth0", "ppp9"]\n')
        self.assertIn("ppp9", found["what"])
        self.assertEqual(found["severity"], "warning")

    def test_no_rule_accepts_sip(self):
        self.firewall.delete_rule("forward", "meta l4proto { tcp, udp } th dport 5060 accept")
        self.mend(*self.assert_finds("sip-not-accepted"))
        self.assert_finds()
        self.assert_a_call_passes()

    def test_an_old_range(self):
        self.firewall.nft("add rule inet filter forward udp dport 10000-20000 accept")
        found, = self.assert_finds("range-open")
        self.assertEqual(found["severity"], "warning")
        self.mend(found)
        self.assert_finds()
        self.assert_a_call_passes()

    def test_an_old_range_in_a_rule_for_more(self):
        self.firewall.nft("add rule inet filter forward udp dport { 5061, 10000-20000 } accept")
        self.mend(*self.assert_finds("range-open"))
        self.assert_finds()
        self.assertIn("udp dport 5061 accept", self.firewall.nft("list", "chain", "inet", "filter", "forward"))

    def test_an_old_range_with_sip(self):
        self.firewall.delete_rule("forward", "meta l4proto { tcp, udp } th dport 5060 accept")
        self.firewall.nft("add rule inet filter forward udp dport 5060-60000 counter accept")
        self.mend(*self.assert_finds("range-open"))
        self.assert_finds()
        self.assert_a_call_passes()

    def test_everything_is_open(self):
        self.nft("chain inet filter forward { policy accept; }")
        found, = self.assert_finds("range-open")
        self.assertIn("by its policy", found["what"])
        self.nft("chain inet filter forward { policy drop; }", "add rule inet filter forward meta l4proto udp accept")
        found, = self.assert_finds("range-open")
        self.assertIn("to any port", found["what"])

    def test_ranges_in_other_words(self):
        self.nft("add chain inet filter to_lan", "add rule inet filter to_lan oifname eth1 counter accept")
        for rule in ("udp dport >= 10000 accept", "udp dport vmap { 53 : drop, 10000-65535 : accept }",
                     'iifname "eth0" udp dport 10000-65535 jump to_lan'):
            self.nft(f"add rule inet filter forward {rule}")
            found, = self.assert_finds("range-open")
            self.assertIn("10000-65535", found["what"])
            self.firewall.delete_rule("forward", rule)

    def test_nothing_is_forwarded(self):
        files = "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"
        for file in files:
            self.network.gateway.run("sh", "-c", f"echo 0 >{file}")
            self.addCleanup(self.network.gateway.run, "sh", "-c", f"echo 1 >{file}")
        self.mend(*self.assert_finds("forwarding-off"))
        self.assert_finds()
        self.assert_a_call_passes()

    def test_nothing_is_written(self):
        found, = self.assert_finds("observing", configuration="[kernel]\nobserve = true\n")
        self.assertEqual(found["severity"], "warning")
        self.assertTrue(found["mend"].startswith("observe = false"), found["mend"])
        self.assert_finds(configuration="[kernel]\nobserve = false\n")

    def test_the_sip_helper(self):
        helper = 'add ct helper inet filter voip { type "sip" protocol udp; }'
        if self.network.gateway.run("nft", helper, check=False).returncode != 0:
            return self.assert_finds()  # a kernel without it has no such fault
        self.firewall.nft('add rule inet filter forward udp dport 5060 ct helper set "voip"')
        self.mend(*self.assert_finds("sip-helper"))
        self.assert_finds()


class Queueing(Check):
    def queue_by_iptables(self, table, *queue):
        for tool in ("iptables-nft", "ip6tables-nft"):
            self.network.gateway.run(tool, "-t", table, "-A", "FORWARD", "-p", "udp", "--dport", "5060", "-j", "NFQUEUE",
                                     *queue)

    def unqueue(self):
        if has_native_queue():
            self.firewall.delete_rule("sip_signalling", "queue flags bypass to 0")
        else:
            for tool in ("iptables-nft", "ip6tables-nft"):
                self.network.gateway.run(tool, "-t", "security", "-F")

    def test_no_queue(self):
        self.unqueue()
        ids = [one["finding"] for one in self.findings()]
        self.assertEqual(ids, ["queue-missing"] if has_native_queue() else ["kernel-feature", "queue-missing"])

    def test_rules_of_iptables_do_as_well(self):
        self.unqueue()
        self.queue_by_iptables("security", "--queue-num", "0", "--queue-bypass")
        self.assert_finds()

    def test_without_bypass(self):
        self.unqueue()
        self.queue_by_iptables("security", "--queue-num", "0")
        self.assert_finds("queue-without-bypass", "queue-without-bypass")

    def test_too_early(self):
        self.unqueue()
        self.queue_by_iptables("mangle", "--queue-num", "0", "--queue-bypass")
        self.assert_finds("queue-too-early", "queue-too-early")

    def test_other_numbers(self):
        self.unqueue()
        self.queue_by_iptables("security", "--queue-balance", "0:3", "--queue-bypass")
        self.assert_finds("queue-not-read", "queue-not-read")
        self.assert_finds(configuration='[kernel]\nqueues = "0-3"\n')
        found, = self.assert_finds("queue-not-fed", configuration='[kernel]\nqueues = "0-4"\n')
        self.assertEqual(found["severity"], "warning")

    def test_a_server_on_the_gateway(self):
        ids = [one["finding"] for one in self.findings(configuration="[media]\nlocal = true\n")]
        self.assertEqual(ids, ["jump-missing", "output-uncounted", "sip-not-accepted", "queue-missing",
                               "queue-missing"])

    def test_a_server_on_the_gateway_that_routes_too(self):
        self.firewall.load(hooks=("INPUT", "OUTPUT"))
        if has_native_queue():
            self.nft(*(f"add chain inet filter q{hook} {{ type filter hook {hook} priority 10; }};"
                       f"add rule inet filter q{hook} goto sip_signalling" for hook in ("input", "output")))
        self.nft("insert rule inet filter input jump sip_media",
                 "add rule inet filter input meta l4proto { tcp, udp } th dport 5060 accept")
        found, = self.assert_finds("output-uncounted", configuration="[media]\nlocal = true\n")
        self.assertEqual(found["severity"], "warning")
        self.mend(found)
        self.assert_finds(configuration="[media]\nlocal = true\n")
        # An output chain of one's own gets the jump.
        self.nft("flush chain inet filter output", "delete chain inet filter output",
                 "add chain inet filter out { type filter hook output priority 0; }")
        found, = self.assert_finds("output-uncounted", configuration="[media]\nlocal = true\n")
        self.assertEqual(found["mend"], "nft insert rule inet filter out jump sip_media")
        self.mend(found)
        self.assert_finds(configuration="[media]\nlocal = true\n")
        self.firewall.delete_rule("forward", "jump sip_media")
        found, = self.assert_finds("jump-missing", configuration="[media]\nlocal = true\n")
        self.assertEqual((found["severity"], found["mend"]),
                         ("warning", "nft insert rule inet filter forward jump sip_media"))


class Command(Check):
    def test_a_mistake_in_the_configuration(self):
        for option in ([], ["--preflight"]):
            done = self.check(*option, configuration='[kernel]\ncolour = "red"\n')
            self.assertEqual((done.returncode, done.stdout), (CONFIGURATION, ""))
            self.assertRegex(done.stderr, r"^dpinholer: .*dpinholer\.toml:2: .*colour.*\n$")

    def test_no_permission(self):
        done = self.check(wrapper=("setpriv", "--bounding-set=-net_admin"))
        self.assertEqual((done.returncode, done.stdout), (UNREACHABLE, ""))
        self.assertRegex(done.stderr, r"^dpinholer: .*CAP_NET_ADMIN\n$")

    def test_a_preflight_stops_nothing(self):
        self.assertEqual(self.check("--preflight").stderr, "")
        self.firewall.delete_rule("forward", "jump sip_media")
        done = self.check("--preflight")
        self.assertEqual((done.returncode, done.stdout), (FINE, ""))
        self.assertRegex(done.stderr, r"^dpinholer: check: fault: .*sip_media.* -> nft insert rule .*\n$")
        # What the daemon says by itself, when it fails, this does not say too.
        done = self.check("--preflight", wrapper=("setpriv", "--bounding-set=-net_admin"))
        self.assertEqual((done.returncode, done.stderr), (FINE, ""))
        done = self.check("--preflight", configuration='[kernel]\ntable = "inet firewall"\n')
        self.assertEqual((done.returncode, done.stderr), (FINE, ""))

    def test_needs_no_other_capability(self):
        least = ("setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin", "--no-new-privs")
        with Daemon(self.network.gateway):
            self.assertEqual(self.check(wrapper=least).returncode, FINE)

    def test_a_person_reads_80_columns_without_colours_in_a_pipe(self):
        self.firewall.delete_rule("forward", "jump sip_media")
        lines = self.check(configuration="[media]\nlocal = true\n[timeouts]\nmedia-idle = 600\n").stdout.splitlines()
        self.assertGreater(len(lines), 10)
        self.assertNotIn("\x1b", "".join(lines))
        self.assertEqual([line for line in lines if len(line) > 80 and "->" not in line], [])
