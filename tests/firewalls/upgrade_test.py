# SPDX-License-Identifier: GPL-2.0-or-later
"""The files below /etc, by the real dpkg: from the first installation, from 0.1 with its rules and settings in one file,
to the end. dpkg has no terminal: a question would fail."""

import re
import subprocess
import tempfile
from pathlib import Path

import installation
from installation import SETTINGS, dpkg
from lab import Network
from lab.case import LiveTest
from lab.firewall import NFT, QUEUE, SHARE, has_native_queue

NEXT = "0.2.1"
GATEWAY = NFT / "gateway.nft"
OF_0_1 = installation.OF_0_1


class UpgradeTest(LiveTest):
    def setUp(self):
        super().setUp()
        self.folder = self.enter(tempfile.TemporaryDirectory())
        self.addCleanup(dpkg, "--purge", "dpinholer", "dpinholer-exporter")

    @staticmethod
    def make_network():
        return Network()

    def install(self, version="0.2.0"):
        of_0_1 = version == "0.1.0"
        return dpkg("--install", installation.package_0_1(self.folder) if of_0_1 else
                    installation.package(self.folder, version))

    def edit(self, name, *pairs):
        file = SETTINGS / name
        text = file.read_text()
        for before, after in pairs:
            self.assertIn(before, text)
            text = text.replace(before, after)
        file.write_text(text)

    def rules(self, more=()):
        """Of gateway.nft with what is installed, as the kernel has them; loaded twice, as a reload does."""
        if not has_native_queue():
            for file in (SHARE / "dpinholer.nft", SETTINGS / "dpinholer.nft"):
                file.write_text(QUEUE.sub("", file.read_text()))
        file = Path(self.folder) / "gateway.nft"
        include = 'include "dpinholer/dpinholer.nft"\n'
        text = GATEWAY.read_text()
        self.assertIn(include, text)
        file.write_text(text.replace(include, include + "".join(f'include "dpinholer/{name}"\n' for name in more)))
        self.firewall.nft("-f", file)
        self.firewall.nft("-f", file)
        return self.firewall.nft("list", "table", "inet", "filter")

    def upgrade_from_0_1(self, *pairs):
        """With these edits of dpinholer.nft; what dpkg said."""
        self.install("0.1.0")
        self.edit("dpinholer.nft", *pairs)
        return self.install()


class FirstInstallation(UpgradeTest):
    def test_settings_are_there_and_load(self):
        self.install()
        self.assertEqual({file.name for file in SETTINGS.iterdir()},
                         {file.name for file in (NFT / "etc").iterdir()} | {"dpinholer.toml"})
        self.assertIn("th dport 5060", self.rules(("local.nft", "dnat.nft")))

    def test_what_was_edited_or_deleted_stays_so(self):
        self.install()
        self.edit("dpinholer.nft", ("#redefine sip_ports = { 5060, 5080 }", "redefine sip_ports = { 5060, 5082 }"))
        (SETTINGS / "standalone.nft").unlink()
        before = {file.name: file.read_text() for file in SETTINGS.iterdir()}
        self.install(NEXT)
        self.assertEqual({file.name: file.read_text() for file in SETTINGS.iterdir()}, before)
        self.assertIn("5082", self.rules())

    def test_purging_leaves_nothing(self):
        self.install()
        dpkg("--remove", "dpinholer")
        self.assertTrue((SETTINGS / "dpinholer.nft").exists())
        self.install()
        dpkg("--purge", "dpinholer")
        self.assertFalse(SETTINGS.exists())


def owner(path):
    """The package that a file is of, as dpkg knows it."""
    return dpkg("--search", path).split(":")[0]


def packages_of(version):
    """Versions by name, of ours that are installed."""
    listed = subprocess.run(["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\n",
                             "dpinholer*"], text=True, capture_output=True).stdout
    return {name for name, has, status in map(str.split, listed.splitlines()) if (has, status) == (version, "installed")}


class OfTheExporter(UpgradeTest):
    UNIT = "/lib/systemd/system/dpinholer-exporter.socket"
    ENABLED = Path("/etc/systemd/system/sockets.target.wants/dpinholer-exporter.socket")

    def install_both(self, version="0.2.0"):
        return dpkg("--install", installation.package(self.folder, version),
                    installation.exporter_package(self.folder, version))

    def enable(self):
        """As systemctl does."""
        self.ENABLED.parent.mkdir(parents=True, exist_ok=True)
        self.ENABLED.symlink_to(self.UNIT)
        self.addCleanup(self.ENABLED.unlink, missing_ok=True)

    def test_dpinholer_is_there_without_it_and_says_nothing(self):
        self.assertNotIn("exporter", self.install())
        self.assertFalse(Path(self.UNIT).exists())
        self.assertNotIn("exporter", self.install(NEXT))

    def test_it_goes_with_the_version_of_dpinholer(self):
        self.install_both()
        self.assertEqual(owner(self.UNIT), "dpinholer-exporter")
        with self.assertRaisesRegex(AssertionError, r"dpinholer-exporter depends on dpinholer \(= 0.2.1\)"):
            dpkg("--install", installation.exporter_package(self.folder, NEXT))
        self.install_both(NEXT)
        self.assertEqual(packages_of(NEXT), {"dpinholer", "dpinholer-exporter"})

    def test_from_0_1_its_files_change_hands(self):
        self.install("0.1.0")
        self.enable()
        self.assertEqual(owner(self.UNIT), "dpinholer")
        self.assertNotIn("apt install", self.install_both())
        self.assertEqual({owner(f"/lib/systemd/system/{name}") for name in installation.UNITS_OF_THE_EXPORTER},
                         {"dpinholer-exporter"})
        self.assertTrue(self.ENABLED.exists())

    # As apt may order it.
    def test_from_0_1_its_package_may_come_first(self):
        self.install("0.1.0")
        dpkg("--auto-deconfigure", "--install", installation.exporter_package(self.folder, "0.2.0"),
             installation.package(self.folder, "0.2.0"))
        self.assertEqual(owner(self.UNIT), "dpinholer-exporter")
        self.assertEqual(packages_of("0.2.0"), {"dpinholer", "dpinholer-exporter"})

    def test_from_0_1_without_it_says_what_is_missing_once(self):
        self.install("0.1.0")
        self.enable()
        self.assertEqual(self.install().count("apt install ./dpinholer-exporter_*.deb"), 1)
        self.assertNotIn("apt install", self.install(NEXT))
        dpkg("--purge", "dpinholer")
        self.assertFalse(self.ENABLED.is_symlink())

    def test_purging_both_leaves_nothing(self):
        self.install_both()
        dpkg("--purge", "dpinholer", "dpinholer-exporter")
        self.assertEqual([found for found in ("/etc/dpinholer", "/usr/share/dpinholer", "/usr/bin/dpinholer-exporter",
                                              self.UNIT) if Path(found).exists()], [])


class From01(UpgradeTest):
    def test_unchanged_files_become_the_new_ones(self):
        self.upgrade_from_0_1()
        for name in ("dpinholer.nft", "local.nft", "dnat.nft"):
            self.assertEqual((SETTINGS / name).read_text(), (NFT / "etc" / name).read_text())
        self.assertIn("hook forward priority 20;", self.rules(("local.nft", "dnat.nft")))
        dpkg("--purge", "dpinholer")
        self.assertFalse(SETTINGS.exists())

    def test_ports_and_queues_are_kept(self):
        self.upgrade_from_0_1(("define sip_ports = { 5060 }", "define sip_ports = {\n    5060,\n    5066 # the PBX\n}"),
                              ("define sip_queues = 0", "define sip_queues = 0-3"))
        self.assertIn("\nredefine sip_queues = 0-3\n", (SETTINGS / "dpinholer.nft").read_text())
        self.assertIn("5060, 5066", self.rules())
        self.assertIn("5066", (SETTINGS / "dpinholer.nft.dpkg-old").read_text())

    def test_the_configuration_is_kept(self):
        self.install("0.1.0")
        for text in ("[media]\ntcp = true\n", (OF_0_1 / "dpinholer.toml").read_text()):
            (SETTINGS / "dpinholer.toml").write_text(text)
            self.install()
            self.assertEqual((SETTINGS / "dpinholer.toml").read_text(), text)

    def test_options_are_kept(self):
        text = (OF_0_1 / "dpinholer.nft").read_text()
        rate = re.search(r"^#set sip_rate4.*?^#chain .*?^#}", text, re.DOTALL | re.MULTILINE).group()
        notrack = re.search(r"^#chain sip_notrack.*?^#}", text, re.DOTALL | re.MULTILINE).group()
        said = self.upgrade_from_0_1(
            (rate, re.sub("^#", "", rate, flags=re.MULTILINE).replace("20/second", "33/second").replace(
                "192.0.2.0/24, ", "")),
            (notrack, re.sub("^#", "", notrack, flags=re.MULTILINE)), ("#jump sip_rate", "jump sip_rate"),
            ("    #meta l4proto udp @th", "    meta l4proto udp @th"), ("#ip dscp set", "ip dscp set"),
            ("#ip6 dscp set", "ip6 dscp set"), ("#ct status", "ct status"))
        rules = self.rules(("dnat.nft",))
        for rule in ("limit rate over 33/second burst 100", "ip saddr 198.51.100.7 return", "dscp set ef",
                     "dscp set cs3", "@th,64,8 != { 0x0-0x3", "ct status dnat goto sip_media_dnat"):
            self.assertIn(rule, rules)
        self.assertEqual(rules.count("ct status dnat"), 1)
        self.assertNotIn("notrack", rules)
        self.assertIn("sip_notrack is gone", said)

    def test_sets_of_another_size_are_kept(self):
        self.upgrade_from_0_1(("size 131072", "size 500000"), ("timeout 300s", "timeout 600s"))
        rules = self.rules()
        self.assertEqual((rules.count("size 500000"), rules.count("size 131072")), (4, 0))
        self.assertEqual(rules.count("timeout 10m"), 8)

    def test_rules_of_their_own_stay_as_they_are(self):
        added = "    ip daddr 192.0.2.99 accept\n"
        said = self.upgrade_from_0_1(("chain sip_media {\n", "chain sip_media {\n" + added))
        self.assertIn("have changes that are no settings, and stay as they are", said)
        document = installation.SOURCE / "docs" / re.search(r"/usr/share/doc/dpinholer/(\S+\.md),", said)[1]
        self.assertIn("\n## Upgrade, removal\n", document.read_text())
        self.assertEqual((SETTINGS / "local.nft").read_text(), (OF_0_1 / "local.nft").read_text())
        self.assertIn(added.strip(), self.rules(("local.nft", "dnat.nft")))
        self.assertNotIn("dpinholer.nft.dpkg-old", [file.name for file in SETTINGS.iterdir()])
