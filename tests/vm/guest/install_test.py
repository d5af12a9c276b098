# SPDX-License-Identifier: GPL-2.0-or-later
"""From a plain Debian to a gateway with calls, the way docs/installation.md goes."""

import re
import unittest
from pathlib import Path

from gateway import CONFIGURATION, HOME, RULES, GatewayTest, install, log, metrics, package, service, shell
from lab import IPV4, wait_until
from purge_test import note_what_is_there

CAP_NET_ADMIN = 1 << 12


def status_of(process):
    """What the kernel says of its rights."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())


def children(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


class Step1Package(unittest.TestCase):
    def test_installs_and_starts_nothing(self):
        note_what_is_there()
        install(package("old"))
        self.assertIn("dpinholer", shell("getent passwd dpinholer"))
        for name in ("dpinholer.toml", "dpinholer.nft", "local.nft", "dnat.nft", "rate.nft", "standalone.nft"):
            self.assertTrue(Path("/etc/dpinholer", name).exists(), name)
        self.assertEqual(shell("dpkg-query --show --showformat='${Conffiles}' dpinholer"), "")
        for name in ("dpinholer", "dpinholer-standalone"):
            self.assertEqual((service(name)["UnitFileState"], service(name)["ActiveState"]), ("disabled", "inactive"))
        self.assertTrue(Path("/usr/share/man/man8/dpinholer.8.gz").exists())

    def test_is_there_without_the_exporter_and_its_library(self):
        self.assertEqual(shell("dpkg-query --show --showformat='${Package}\\n' | grep microhttpd", status=1), "")
        self.assertEqual(service("dpinholer-exporter")["LoadState"], "not-found")
        self.assertRegex(shell("dpinholer exporter", status=2),
                         "^dpinholer: /usr/bin/dpinholer-exporter: .*install the package dpinholer-exporter .*$")

    def test_without_the_sets_it_waits_and_says_what_is_missing(self):
        shell("nft flush ruleset")
        shell("systemctl start dpinholer")
        self.assertEqual(log().count("include dpinholer/dpinholer.nft"), 1, log())
        wait_until(lambda: "wait for the sets" in service().get("StatusText", ""), "the status to say it", 30)
        self.assertEqual(service()["NRestarts"], "0")
        shell("systemctl stop dpinholer")


class Step2Documentation(GatewayTest):
    """The nftables.conf of docs/installation.md, before and after."""

    def test_rules_before_and_after(self):
        before, after = re.findall(r"^```\n(#!/usr/sbin/nft.*?)^```$", (HOME / "docs/installation.md").read_text(),
                                   re.DOTALL | re.MULTILINE)
        outside = self.rtp_port(self.network.outside, IPV4, IPV4.stranger, 20000)
        inside = self.rtp_port(self.network.inside, IPV4, IPV4.inside, 10000)

        RULES.write_text(before)
        shell("systemctl enable --now nftables")
        self.assert_passes(outside, inside)

        RULES.write_text(after)
        shell("nft -c -f /etc/nftables.conf")
        shell("systemctl reload nftables")
        shell("conntrack -F")
        shell("systemctl enable --now nftables dpinholer")
        self.assert_dropped(outside, inside)
        self.assert_calls_pass(IPV4)
        self.assert_dropped(outside, inside)


class Step3Service(unittest.TestCase):
    """The service under the rules that come with the package, unchanged."""

    def test_1_runs(self):
        RULES.write_bytes(Path("/usr/share/doc/dpinholer/examples/gateway.nft").read_bytes())
        shell("systemctl stop dpinholer && systemctl restart nftables && systemctl start dpinholer")
        self.assertEqual(service()["ActiveState"], "active")
        self.assertIn("queue flags bypass to 0", shell("nft list chain inet filter sip_signalling"))
        self.assertIn("fine: ", shell("dpinholer check"))

    def test_1_tells_its_log_what_is_wrong_with_the_rules(self):
        shell("nft flush chain inet filter forward && systemctl restart dpinholer && systemctl reload nftables")
        self.assertRegex(log(), r"check: fault: no rule of chain forward .* -> nft insert rule inet filter forward")

    def test_2_has_one_capability_and_cannot_get_more(self):
        status = status_of(service()["MainPID"])
        for name, left in {"CapInh": 0, "CapPrm": CAP_NET_ADMIN, "CapEff": CAP_NET_ADMIN, "CapBnd": CAP_NET_ADMIN,
                           "CapAmb": 0}.items():
            self.assertEqual(int(status[name], 16), left, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["Uid"].split(), [shell("id -u dpinholer")] * 4)
        self.assertEqual(status["Groups"].split(), [shell("id -g dpinholer")])

    def test_2_reads_sip_without_any_capability(self):
        launcher, = children(service()["MainPID"])
        inspector, = children(launcher)
        for process in (launcher, inspector):
            status = status_of(process)
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(len(list(Path(f"/proc/{inspector}/fd").iterdir())), 2)
        shell(f"kill -SEGV {inspector}")
        wait_until(lambda: "the inspector failed" in log(), "the daemon to notice", 30)
        wait_until(lambda: children(launcher) not in ([], [inspector]), "another inspector", 30)

    def test_3_sandbox_is_tight(self):
        rated = shell("systemd-analyze security --no-pager dpinholer").splitlines()[-1]
        self.assertLessEqual(float(re.search(r"exposure level for dpinholer.service: ([\d.]+)", rated)[1]), 1.5)

    def test_4_reloads(self):
        before = service()["MainPID"]
        shell("systemctl reload dpinholer")
        wait_until(lambda: "the configuration has not changed" in log(), "the daemon to read its file again", 30)
        self.assertEqual(service()["MainPID"], before)

    def test_4_does_not_reload_a_wrong_file_and_says_why(self):
        right = CONFIGURATION.read_text()
        CONFIGURATION.write_text(right + "colour = 'red'\n")
        try:
            before = log()
            shell("systemctl reload dpinholer", status=1)
            self.assertIn("unknown", log()[len(before):])
            self.assertIn("colour", log()[len(before):])
            self.assertEqual(service()["ActiveState"], "active")
        finally:
            CONFIGURATION.write_text(right)
        shell("systemctl reload dpinholer")

    def test_5_comes_back_after_a_crash(self):
        self.assert_restarts("systemctl kill --signal=KILL dpinholer")

    def test_6_comes_back_when_it_hangs(self):
        override = Path("/run/systemd/system/dpinholer.service.d/watchdog.conf")
        override.parent.mkdir(parents=True)
        override.write_text("[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n")
        shell("systemctl daemon-reload && systemctl restart dpinholer")
        self.assert_restarts("systemctl kill --signal=STOP dpinholer")
        self.assertIn("watchdog", log().lower())
        shell(f"rm -r {override.parent} && systemctl daemon-reload && systemctl restart dpinholer")

    def test_7_does_not_try_again_with_a_wrong_configuration(self):
        right = CONFIGURATION.read_text()
        CONFIGURATION.write_text(right + "colour = 'red'\n")
        try:
            shell("systemctl restart dpinholer", status=1)
            self.assertEqual(service()["ActiveState"], "failed")
            self.assertIn("colour", log())
        finally:
            CONFIGURATION.write_text(right)
        shell("systemctl start dpinholer")

    def test_8_queue_statement_takes_several_queues(self):
        folder = Path("/tmp/four_queues")
        folder.mkdir()
        included = Path("/etc/dpinholer/dpinholer.nft").read_text()
        one, four = "#redefine sip_queues = 0-3\n", "redefine sip_queues = 0-3\n"
        self.assertIn(one, included)
        (folder / "dpinholer.nft").write_text(included.replace(one, four))
        (folder / "gateway.nft").write_text(RULES.read_text().replace("dpinholer/dpinholer.nft",
                                                                      f"{folder}/dpinholer.nft"))
        shell(f"nft --check --file {folder}/gateway.nft")

    def assert_restarts(self, blow):
        before = service()
        shell(blow)
        wait_until(lambda: service()["ActiveState"] == "active" and service()["MainPID"] != before["MainPID"],
                   "another process to serve", 30)


class Step4Exporter(unittest.TestCase):
    def test_1_is_a_package_that_starts_nothing(self):
        before = service()["MainPID"]
        install(package("old", "dpinholer-exporter"))
        self.assertTrue(Path("/usr/share/man/man8/dpinholer-exporter.8.gz").exists())
        for unit in ("dpinholer-exporter.socket", "dpinholer-exporter.service"):
            self.assertEqual(service(unit)["ActiveState"], "inactive")
        self.assertEqual(service("dpinholer-exporter.socket")["UnitFileState"], "disabled")
        self.assertEqual((service()["MainPID"], service()["ActiveState"]), (before, "active"))

    def test_2_tells_the_figures_without_any_capability(self):
        shell("systemctl enable --now dpinholer-exporter.socket")
        self.assertIn("\ndpinholer_up 1\n", metrics())
        status = status_of(service("dpinholer-exporter")["MainPID"])
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        user, = set(status["Uid"].split())
        self.assertIn(int(user), range(61184, 65520), "of those that systemd lends")
        self.assertIn(shell("id -g dpinholer"), status["Groups"].split())
        shell("systemctl stop dpinholer-exporter.service")  # which leaves its socket be
        self.assertIn("\ndpinholer_up 1\n", metrics())
