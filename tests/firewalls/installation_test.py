# SPDX-License-Identifier: GPL-2.0-or-later
"""What `cmake --install` puts where, and what the units do to a machine with a firewall of its own."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import installation
from lab.daemon import binary

UNITS = installation.SOURCE / "systemd"
# Which pull in, end, or are ended with another unit.
TIES = {"Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "PropagatesReloadTo", "OnFailure"}
FIREWALLS = {"nftables", "firewalld", "ufw", "netfilter-persistent", "iptables", "shorewall", "docker", "libvirtd"}


def settings(unit):
    """Of a unit's file, in its order: (key, value)."""
    lines = unit.read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if re.match(r"\w+=", line)]


class Units(unittest.TestCase):
    def test_none_touches_another_service(self):
        for unit in UNITS.glob("*.s*"):
            for key, value in settings(unit) if unit.suffix in (".service", ".socket") else ():
                if key in TIES:
                    foreign = [name for name in value.split() if not name.startswith("dpinholer")]
                    self.assertTrue(all(name.endswith(".target") for name in foreign), f"{unit.name}: {key}={value}")

    def test_the_daemon_starts_behind_whatever_loads_rules(self):
        after = {name for key, value in settings(UNITS / "dpinholer.service") if key == "After"
                 for name in value.split()}
        self.assertLessEqual({f"{name}.service" for name in FIREWALLS} | {"network-pre.target"}, after)

    def test_a_reload_reads_the_file_first_and_says_what_is_wrong(self):
        first, second = [value for key, value in settings(UNITS / "dpinholer.service") if key == "ExecReload"]
        self.assertIn("kill -HUP", second)
        with tempfile.NamedTemporaryFile("w") as file:
            for text, status in (("", 0), ("[media]\ntpc = true\n", 2)):
                file.write(text)
                file.flush()
                words = first.replace("/usr/bin/dpinholer", str(binary())).split()
                done = subprocess.run([*words, "--config", file.name], capture_output=True, text=True)
                self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr, r":2: unknown key tpc")


class Installed(unittest.TestCase):
    PREFIX = None  # that of the build

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        cls.options = ("--prefix", cls.PREFIX) if cls.PREFIX else ()
        installation.place(cls.root, *cls.options)
        cls.prefix = cls.PREFIX or installation.prefix()

    def at(self, path):
        return self.root / str(path).lstrip("/")

    def test_every_path_in_it_leads_to_something_in_it(self):
        files = [file for file in self.root.rglob("*") if file.suffix in (".nft", ".service")]
        self.assertGreater(len(files), 18)
        for file in files:
            text = "".join(line for line in file.read_text().splitlines(keepends=True)
                           if not re.match(r" *#(?!include)|Documentation", line))
            for path in re.findall(r"(?<!\w)/[\w./-]*dpinholer[\w./-]*", text):
                with self.subTest(f"{file.name}: {path}"):
                    self.assertTrue(self.at(path).exists() or path.startswith("/run/"))

    def test_units_program_user_and_rules_are_there(self):
        for path in ("bin/dpinholer", "bin/dpinholer-exporter", "lib/systemd/system/dpinholer.service",
                     "lib/systemd/system/dpinholer-standalone.service",
                     "lib/systemd/system/dpinholer-exporter.socket", "lib/sysusers.d/dpinholer.conf",
                     "share/dpinholer/nft/dpinholer.nft", "share/dpinholer/nft/openwrt/ruleset-post/dpinholer.nft",
                     "share/doc/dpinholer/examples/gateway.nft"):
            self.assertTrue(self.at(self.prefix + "/" + path).exists(), path)
        for name in ("dpinholer", "dpinholer-exporter"):
            for path in (f"man/man8/{name}.8", f"bash-completion/completions/{name}"):
                self.assertTrue(self.at(f"{self.prefix}/share/{path}").exists(), path)
        self.assertFalse(self.at(self.prefix + "/share/dpinholer/nft/gateway.nft").exists())

    def test_commands_find_their_programs(self):
        for option in ("--help", "--version"):
            done = subprocess.run([self.at(self.prefix + "/bin/dpinholer"), "exporter", option], text=True,
                                  capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("dpinholer-exporter", done.stdout)

    def test_settings_that_are_there_stay(self):
        file = self.at("/etc/dpinholer/dpinholer.nft")
        file.write_text(file.read_text() + "# mine\n")
        installation.place(self.root, *self.options)
        self.assertTrue(file.read_text().endswith("# mine\n"))

    # But for the queue, which not every kernel has.
    def test_its_rules_load(self):
        nft, = (found.parent for found in self.root.rglob("nft/dpinholer.nft"))
        etc, = (found.parent for found in self.root.rglob("dpinholer.toml"))
        for file in (*nft.glob("*.nft"), *etc.glob("*.nft")):
            text = re.sub(r"^ *queue flags.*$", "", file.read_text(), flags=re.MULTILINE)
            file.write_text(re.sub(r'include "/', f'include "{self.root}/', text))
        done = subprocess.run(["unshare", "--net", "nft", "-I", etc.parent, "-f", etc / "standalone.nft"], text=True,
                              capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Packages(unittest.TestCase):
    """What debian/*.install takes of all that is installed: each file is in one of them, as dh_missing(1) asks, too."""

    def test_each_file_is_in_one(self):
        with tempfile.TemporaryDirectory() as folder:
            installation.place(folder, "--prefix", "/usr")
            files = {str(file.relative_to(folder)) for file in Path(folder).rglob("*") if not file.is_dir()}
        # debhelper puts these where they belong.
        files = {file for file in files if not file.startswith(("etc/", "usr/lib/"))}
        files = {file.replace("/zsh/site-functions/", "/zsh/vendor-completions/") for file in files}
        taken = [line for lists in ("dpinholer", "dpinholer-exporter")
                 for line in (installation.SOURCE / f"debian/{lists}.install").read_text().split()]
        for file in files:
            self.assertEqual(len([line for line in taken if file == line or file.startswith(line + "/")]), 1, file)
        for line in taken:
            self.assertTrue(any(file == line or file.startswith(line + "/") for file in files), line)


class Documents(unittest.TestCase):
    """Those of the package, and what they link."""

    @staticmethod
    def headings(text):
        """As anchors of links."""
        text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}

    def test_each_link_leads_to_one_of_them(self):
        listed = (installation.SOURCE / "debian/dpinholer.docs").read_text().split()
        files = {file.name: file for file in (installation.SOURCE / line for line in listed)}
        texts = {name: file.read_text() for name, file in files.items() if file.suffix == ".md"}
        self.assertGreater(len(texts), 8)
        for name, text in texts.items():
            for link in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
                with self.subTest(f"{name}: {link}"):
                    target, _, anchor = link.partition("#")
                    self.assertIn(target or name, files)
                    if anchor:
                        self.assertIn(anchor, self.headings(texts[target or name]))


class InstalledElsewhere(Installed):
    """Below a prefix that the build did not know."""

    PREFIX = "/opt/calls"
