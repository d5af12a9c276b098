# SPDX-License-Identifier: GPL-2.0-or-later
"""[scanners]: whoever is banned, for what, until when; and who never is."""

import json
import signal
import subprocess
from pathlib import Path

from lab import Daemon, wait_until
from lab.case import CallTest, each_family
from lab.daemon import binary
from lab.network import IPV4, IPV6
from lab.sip import Dialog, sdp

BANNING = '[scanners]\nuser-agents = ["sipcli"]\n'


def scanning(message):
    """The message, as a scanner sends it."""
    return message.replace("Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nUser-Agent: sipcli/v1.8\r\n")


class ScannersTest(CallTest):
    def setUp(self):
        super().setUp()
        self.family = IPV4

    def people(self, family):
        """A stranger, a phone outside, a server inside."""
        self.family = family
        return (self.phone(self.network.outside, family, family.stranger), *self.phones(family))

    def banned(self):
        return {str(element) for element in self.firewall.elements(f"sip_banned{self.family.digit}")}

    def command(self, *words, status=0):
        done = subprocess.run([binary(), *words], text=True, capture_output=True, timeout=10)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def status(self):
        return json.loads(self.command("status", "--json"))

    def assert_no_sip(self, sender, receiver, message):
        """It does not come through; what the receiver gets next is something else."""
        sender.send(message, receiver)
        mark = Dialog(self.caller, receiver).request("OPTIONS")
        self.caller.pass_to(receiver, mark)

    def refuse(self, requester, server, status, times):
        """So many REGISTERs that the server refuses."""
        for _ in range(times):
            dialog = Dialog(requester, server)
            requester.pass_to(server, dialog.request("REGISTER"))
            server.pass_to(requester, dialog.response(status, "No"))


class UserAgents(ScannersTest):
    @each_family
    def test_a_scanner_is_banned_and_lifted(self, family):
        scanner, self.caller, server = self.people(family)
        with Daemon(self.network.gateway, BANNING) as daemon:
            invite = scanning(Dialog(scanner, server).invite(sdp(scanner, 40000)))
            scanner.pass_to(server, invite)  # the first message passes: drop is off
            wait_until(lambda: family.stranger in str(self.firewall.elements(f"sip_banned{family.digit}")), "the ban")
            self.assertEqual(self.destinations(), set())  # and opened nothing
            self.assert_no_sip(scanner, server, Dialog(scanner, server).request("OPTIONS"))
            self.in_log(daemon, f"{family.stranger} banned for 3600 s: user-agent sipcli")

            status = self.status()
            self.assertEqual((status["scanners"]["messages"], status["scanners"]["banned"]), (1, 1))
            [ban] = status["banned"]
            self.assertEqual((ban["address"], ban["why"]), (family.stranger, "user-agent sipcli"))
            self.assertTrue(3500 < ban["seconds"] <= 3600)
            self.assertIn(f"banned      {family.stranger} for 59m", self.command("status"))
            self.assertIn('comment "banned user-agent sipcli"',
                          self.firewall.show(f"sip_banned{family.digit}"))
            event = json.loads(self.command("events", "--json").splitlines()[-1])
            self.assertEqual((event["event"], event["address"], event["cause"], event["sign"]),
                             ("ban", family.stranger, "user-agent", "sipcli"))
            self.assertIn(f"ban    {family.stranger}  user-agent sipcli\n", self.command("events"))

            self.assertEqual(self.command("unban", family.stranger), f"{family.stranger} is not banned any more\n")
            scanner.pass_to(server, Dialog(scanner, server).request("OPTIONS"))
            self.assertIn("is not banned", self.command("unban", family.stranger, status=1))
            self.assertEqual(self.status()["banned"], [])

    # Each message from another address of its network, on which the gateway has none.
    def test_an_ipv6_scanner_is_banned_with_its_network(self):
        _, self.caller, server = self.people(IPV6)
        network = "2001:db8:66::"
        for number in range(1, 4):
            self.network.outside.run("ip", "address", "add", f"{network}{number}/128", "dev", "lo", "nodad")
            self.addCleanup(self.network.outside.run, "ip", "address", "del", f"{network}{number}/128", "dev", "lo")
        self.network.gateway.run("ip", "route", "add", f"{network}/64", "via", IPV6.outside)
        self.addCleanup(self.network.gateway.run, "ip", "route", "del", f"{network}/64")
        first, second, third = (self.phone(self.network.outside, IPV6, f"{network}{n}") for n in range(1, 4))
        with Daemon(self.network.gateway, BANNING) as daemon:
            first.pass_to(server, scanning(Dialog(first, server).request("OPTIONS")))
            self.in_log(daemon, f"{network}/64 banned for 3600 s: user-agent sipcli")
            self.assertEqual([ban.key for ban in self.firewall.elements("sip_banned6")], [(network,)])
            for scanner in (first, second, third):
                self.assert_no_sip(scanner, server, Dialog(scanner, server).request("OPTIONS"))
            self.assertEqual([ban["address"] for ban in self.status()["banned"]], [f"{network}/64"])
            self.assertIn(f"ban    {network}/64  user-agent sipcli\n", self.command("events"))
            daemon.kill()
        with Daemon(self.network.gateway, BANNING):
            self.assertEqual([ban["address"] for ban in self.status()["banned"]], [f"{network}/64"])
            self.command("unban", f"{network}3")
            second.pass_to(server, scanning(Dialog(second, server).request("OPTIONS")))
            wait_until(lambda: self.firewall.elements("sip_banned6") != [], "the ban to be made again")
            self.command("unban", f"{network}/64")
            third.pass_to(server, Dialog(third, server).request("OPTIONS"))

    def test_a_message_is_dropped_if_so_configured(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, BANNING + "drop = true\n"):
            self.assert_no_sip(scanner, server, scanning(Dialog(scanner, server).request("OPTIONS")))
            wait_until(lambda: self.status()["packets"]["dropped"] == 1, "the drop to be counted")

    def test_a_ban_ends_by_itself(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, BANNING + "ban = 2\n"):
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            wait_until(lambda: self.status()["scanners"]["banned"] == 1, "the ban")
            wait_until(lambda: self.status()["scanners"]["banned"] == 0, "its end")
            wait_until(lambda: self.firewall.elements("sip_banned4") == [], "its element to go")
            scanner.pass_to(server, Dialog(scanner, server).request("OPTIONS"))

    def test_the_next_daemon_knows_it_and_a_flush_ends_it(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, BANNING) as daemon:
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            wait_until(lambda: self.status()["scanners"]["banned"] == 1, "the ban")
            daemon.kill()
        with Daemon(self.network.gateway, BANNING):
            [ban] = self.status()["banned"]
            self.assertEqual((ban["address"], ban["why"]), (IPV4.stranger, "user-agent sipcli"))
            self.firewall.nft("flush", "set", "inet", "filter", "sip_banned4")
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            wait_until(lambda: self.firewall.elements("sip_banned4") != [], "the ban to be made again")

    # The sets of an old include, or none.
    def test_without_the_sets_it_says_so_and_sip_goes_on(self):
        scanner, self.caller, server = self.people(IPV4)
        self.firewall.delete_rule("sip_signalling", "ip saddr @sip_banned4 drop")
        self.firewall.nft("delete", "set", "inet", "filter", "sip_banned4")
        with Daemon(self.network.gateway, BANNING) as daemon:
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            self.in_log(daemon, "not banned: .*sip_banned4.*include dpinholer/dpinholer.nft")
            self.assertEqual(self.status()["scanners"]["failed"], 1)
            self.hang_up(self.establish(self.caller, server), self.caller, server)
            found = self.network.gateway.run(binary(), "check", "--config", daemon.process.args[-1], check=False)
            self.assertIn('table "inet filter" has no sip_banned4', found.stdout)

    def test_a_full_set(self):
        self.firewall.clear()
        self.firewall.load(size=1)
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, BANNING) as daemon:
            for other in (scanner, self.caller):
                other.pass_to(server, scanning(Dialog(other, server).request("OPTIONS")))
            self.in_log(daemon, "not banned: .*sip_banned4.*the set is full: it needs a larger size")
            self.assertEqual([ban.key for ban in self.firewall.elements("sip_banned4")], [(IPV4.stranger,)])
            self.assertEqual(self.status()["scanners"], {"messages": 2, "banned": 1, "bans": 1, "failed": 1})
            self.command("unban", IPV4.stranger)
            self.caller.pass_to(server, scanning(Dialog(self.caller, server).request("OPTIONS")))
            wait_until(lambda: self.status()["scanners"]["banned"] == 1, "the ban for which there is room now")

    def test_a_reload_turns_it_on(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, "[timeouts]\nearly = 99\n") as daemon:
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            Path(daemon.process.args[-1]).write_text(BANNING)
            daemon.process.send_signal(signal.SIGHUP)
            self.in_log(daemon, "the configuration has been reloaded")
            self.assertEqual(self.firewall.elements("sip_banned4"), [])
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            wait_until(lambda: self.firewall.elements("sip_banned4") != [], "the ban")

    def test_who_observes_bans_nobody(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, "[kernel]\nobserve = true\n" + BANNING + "drop = true\n") as daemon:
            scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            self.in_log(daemon, f"{IPV4.stranger} would be banned for 3600 s")
            self.assertEqual(self.firewall.elements("sip_banned4"), [])


class NeverBanned(ScannersTest):
    def test_who_talks(self):
        _, self.caller, server = self.people(IPV4)
        outside, inside = self.media_ports()
        with Daemon(self.network.gateway, BANNING):
            dialog = self.establish(self.caller, server)
            for sender, receiver in ((self.caller, server), (server, self.caller)):
                sender.pass_to(receiver, scanning(Dialog(sender, receiver).request("OPTIONS")))
            self.assert_passes(outside, inside)
            self.hang_up(dialog, self.caller, server)
            self.assertEqual(self.status()["scanners"]["bans"], 0)

    def test_who_is_named(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, BANNING + 'drop = true\nnever = ["203.0.113.64/26"]\n'):
            for _ in range(3):
                scanner.pass_to(server, scanning(Dialog(scanner, server).request("OPTIONS")))
            self.assertEqual(self.status()["scanners"]["bans"], 0)


class Failures(ScannersTest):
    LIMIT = "[scanners]\nfailures = 5\n"

    @each_family
    def test_refused_requests(self, family):
        scanner, self.caller, server = self.people(family)
        with Daemon(self.network.gateway, self.LIMIT) as daemon:
            self.refuse(scanner, server, 403, 5)
            self.assertEqual(self.firewall.elements(f"sip_banned{family.digit}"), [])
            self.refuse(scanner, server, 403, 1)
            self.in_log(daemon, f"{family.stranger} banned for 3600 s: failures 6/min")
            self.assert_no_sip(scanner, server, Dialog(scanner, server).request("REGISTER"))

    # RFC 3261 section 22: each challenge is met.
    def test_a_phone_that_knows_its_password(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, self.LIMIT):
            for _ in range(20):
                dialog = Dialog(scanner, server)
                for status in (401, 200):
                    scanner.pass_to(server, dialog.request("REGISTER"))
                    server.pass_to(scanner, dialog.response(status, "Reason"))
            self.assertEqual(self.status()["scanners"]["bans"], 0)

    def test_one_that_does_not(self):
        scanner, self.caller, server = self.people(IPV4)
        with Daemon(self.network.gateway, self.LIMIT):
            self.refuse(scanner, server, 401, 6)
            wait_until(lambda: self.status()["scanners"]["banned"] == 1, "the ban")
