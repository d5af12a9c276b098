# SPDX-License-Identifier: GPL-2.0-or-later
"""The package on a Debian with systemd where firewalld or ufw runs: from its installation to its end their rules stay as
they are, and they stay up."""

import contextlib
import os
import tempfile
from pathlib import Path

from beside import SOURCE, GatewayTest, blocks
from host.debian import Release
from lab import IPV4, Network, wait_until
from lab.firewall import QUEUE, has_native_queue
from machine import Machine

UNITS = ("dpinholer", "dpinholer-standalone")


def packages():
    """The files: dpinholer, and its exporter."""
    return os.environ["PACKAGES"].split()


class MachineTest(GatewayTest):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.machine.__enter__()
        cls.addClassCleanup(cls.machine.__exit__)
        cls.machine.shell("systemctl stop firewalld")  # it lets nothing pass that the network waits for
        super().setUpClass()
        cls.machine.shell("systemctl start firewalld")
        # Rules come later than it says that it runs.
        wait_until(lambda: cls.machine.shell("firewall-cmd --state", status=None) == "running", "firewalld", 30)

    @classmethod
    def make_network(cls):
        return Network(gateway_process=cls.machine.leader)

    def clear(self):
        """Nothing: the machine is as it booted."""

    def shell(self, command, status=0):
        return self.machine.shell(command, status)

    def follow(self, title):
        for language, text in blocks(title):
            head, _, rest = text.partition("\n")
            file = self.machine.root / head.removeprefix("# /")
            if language == "sh":
                self.shell(text)
            elif language == "toml":
                self.configure(file, rest)
            elif language == "nft":
                self.set(file, rest.splitlines())

    @contextlib.contextmanager
    def daemon(self):
        """The one that systemd has started."""
        yield self

    def check(self):
        return self.shell("dpinholer check --json", status=None)

    def log(self):
        return self.shell("journalctl --no-pager --unit dpinholer --output cat")

    def stop(self):
        self.shell("systemctl stop dpinholer")
        return 0

    def install(self):
        self.shell(f"dpkg --install {self.machine.put(packages()[0])}")
        if not has_native_queue():
            file = self.machine.root / "usr/share/dpinholer/nft/dpinholer.nft"
            file.write_text(QUEUE.sub("", file.read_text()))

    def states(self):
        return {name: self.shell(f"systemctl is-active {name}", status=None)
                for name in ("firewalld", "ufw", "nftables")}

    def assert_refuses_a_wrong_file(self):
        """At a reload, and says what is wrong with it; with the right one again it does not."""
        file = self.machine.root / "etc/dpinholer/dpinholer.toml"
        right, log = file.read_text(), self.log()
        file.write_text(right + "\n[colours]\n")
        self.shell("systemctl reload dpinholer", status=1)
        self.assertRegex(self.log().removeprefix(log), r"dpinholer.toml:\d+: .*colours")
        file.write_text(right)
        self.shell("systemctl reload dpinholer && systemctl is-active dpinholer")

    def assert_goes_on(self, before, states, after):
        self.assertEqual(self.states(), states, after)
        self.assertEqual(self.theirs(), before, after)

    def assert_nothing_of_theirs_changes(self, title):
        before, states = self.theirs(), self.states()
        self.install()
        self.assert_goes_on(before, states, "installing")
        for unit in UNITS:
            self.assertEqual(self.shell(f"systemctl is-enabled {unit}", status=None), "disabled")

        self.shell("systemctl start dpinholer || true; systemctl stop dpinholer")
        self.assert_goes_on(before, states, "starting without the sets")

        self.follow(title)
        before, states = self.theirs(), self.states()
        self.assert_calls_and_nothing_else(IPV4, range_open=True)
        self.assert_goes_on(before, states, "calls, and stopping")
        self.shell("systemctl start dpinholer && systemctl reload dpinholer && systemctl restart dpinholer")
        self.assert_goes_on(before, states, "a restart")
        self.assert_refuses_a_wrong_file()
        self.install()
        self.assert_goes_on(before, states, "an upgrade")
        self.shell("systemctl disable --now dpinholer dpinholer-standalone && dpkg --purge dpinholer")
        self.assert_goes_on(before, states, "purging")
        # Which would open the range to everybody.
        self.assertIn("table inet dpinholer", self.shell("nft list tables"))
        self.shell("nft delete table inet dpinholer")
        self.assert_goes_on(before, states, "the end")


class Firewalld(MachineTest):
    def test_nothing_of_it_changes(self):
        self.assertEqual(self.states(), {"firewalld": "active", "ufw": "active", "nftables": "inactive"})
        self.assert_nothing_of_theirs_changes("firewalld")


class Ufw(MachineTest):
    def test_nothing_of_it_changes(self):
        self.shell("systemctl disable --now firewalld")
        self.assertEqual(self.shell("nft list tables"), "")
        self.shell("ufw --force enable")
        self.assert_nothing_of_theirs_changes("ufw")


class From01(MachineTest):
    """An upgrade from 0.1, where rules and settings were one file, while a call is up. apt has no terminal."""

    PACE = 0.02  # seconds between two RTP packets, as phones have it

    def setUp(self):
        super().setUp()
        self.firewall.table = "filter"
        self.shell("systemctl disable --now firewalld")
        folder = Path(self.enter(tempfile.TemporaryDirectory()))
        self.install_by_apt(Release.of_0_1(packages(), folder))
        self.settings = self.machine.root / "etc/dpinholer/dpinholer.nft"

    def install_by_apt(self, *files):
        names = " ".join(self.machine.put(file) for file in files)
        self.shell(f"apt-get -y --no-install-recommends install {names}")

    def exporter(self):
        """What it serves, and the package of the program that does."""
        script = "import urllib.request as it; print(it.urlopen('http://127.0.0.1:9260/metrics').read().decode())"
        served = self.shell(f'python3 -c "{script}"')
        process = self.shell("systemctl show --property MainPID --value dpinholer-exporter.service")
        program = self.shell(f"readlink /proc/{process}/exe")
        return served, self.shell(f"dpkg --search '{program}'").split(":")[0]

    def load(self):
        """gateway.nft with the rules that are there, but for the queue where the kernel has none."""
        rules = {name: self.machine.root / name for name in ("etc/dpinholer/dpinholer.nft",
                                                              "usr/share/dpinholer/nft/dpinholer.nft")}
        text = (SOURCE / "nft/gateway.nft").read_text()
        for name, file in rules.items():
            if file.exists() and not has_native_queue():
                changed = QUEUE.sub("", file.read_text())
                changed = changed.replace("/usr/share/dpinholer/nft/dpinholer.nft", "/root/usr.nft")
                (self.machine.root / "root" / f"{name.split('/')[0]}.nft").write_text(changed)
                text = text.replace('"dpinholer/dpinholer.nft"', '"/root/etc.nft"')
        (self.machine.root / "root/gateway.nft").write_text(text)
        self.shell("nft -f /root/gateway.nft")
        self.firewall.queue_as_shipped()

    def test_settings_and_calls_are_kept_and_nothing_is_asked(self):
        self.set(self.settings, ["define sip_ports = { 5060, 5066 }"])
        self.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        self.shell("systemctl enable --now dpinholer dpinholer-exporter.socket")
        self.assertEqual(self.exporter()[1], "dpinholer")
        (caller, callee), media = self.phones(), self.media_ports()
        dialog = self.establish(caller, callee)
        outside, inside = media
        outside.stream(inside.address, inside.port, self.PACE)
        inside.stream(outside.address, outside.port, self.PACE)
        before = self.shell("systemctl show --property MainPID dpinholer")
        self.install_by_apt(*packages())
        self.load()
        self.firewall.delete_rule("forward", "ct state established,related accept")
        self.assertNotEqual(self.shell("systemctl is-active dpinholer; systemctl show --property MainPID dpinholer"),
                            "active\n" + before)
        for sender, receiver in ((outside, inside), (inside, outside)):
            sender.stop_streaming()
            self.assert_passes(sender, receiver)
            self.assertEqual(receiver.from_port(sender), list(range(sender.sent)))
        self.assertIn("\nredefine sip_ports = { 5060, 5066 }\n", self.settings.read_text())
        self.assertIn("5060, 5066", self.shell("nft list chain inet filter sip_inspect"))
        self.assertIn("jump sip_media_options", self.shell("nft list chain inet filter sip_accept"))
        served, owner = self.exporter()
        self.assertIn("\ndpinholer_up 1\n", served)
        self.assertEqual(owner, "dpinholer-exporter")
        self.assertEqual(self.shell("systemctl is-enabled dpinholer-exporter.socket"), "enabled")
        self.hang_up(dialog, caller, callee)
        self.assertEqual(self.destinations(), set())
        self.shell("apt-get -y purge dpinholer dpinholer-exporter")
        self.assertEqual(self.shell("find /etc /usr/bin /usr/lib/systemd -name 'dpinholer*'"), "")
        self.assertFalse(self.settings.parent.exists())
