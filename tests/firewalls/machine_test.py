# SPDX-License-Identifier: GPL-2.0-or-later
"""The package on a Debian with systemd where firewalld or ufw runs: from its installation to its end their rules stay as
they are, and they stay up."""

import contextlib
import os

from beside import GatewayTest, blocks
from lab import IPV4, Network, wait_until
from lab.firewall import QUEUE, has_native_queue
from machine import Machine

UNITS = ("dpinholer", "dpinholer-standalone")


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

    def log(self):
        return self.shell("journalctl --no-pager --unit dpinholer --output cat")

    def stop(self):
        self.shell("systemctl stop dpinholer")
        return 0

    def install(self):
        self.shell(f"dpkg --install {self.machine.put(os.environ['PACKAGE'])}")
        if not has_native_queue():
            file = self.machine.root / "usr/share/dpinholer/nft/dpinholer.nft"
            file.write_text(QUEUE.sub("", file.read_text()))

    def states(self):
        return {name: self.shell(f"systemctl is-active {name}", status=None) for name in ("firewalld", "ufw", "nftables")}

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
