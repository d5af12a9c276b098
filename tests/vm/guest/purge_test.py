# SPDX-License-Identifier: GPL-2.0-or-later
"""After apt purge the machine is as it was."""

import unittest
from pathlib import Path

from gateway import RULES, metrics, shell

BEFORE = Path("/root/before")
# Written by others, whatever is installed: logs, caches, dpkg's and apt's own books, copies of passwd, coredumps.
OTHERS = ("/var/log/", "/var/cache/", "/var/lib/dpkg/", "/var/lib/apt/", "/var/lib/systemd/", "/var/tmp/",
          "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock")


def there():
    files = shell("find /etc /usr /var /srv /opt /home -xdev").splitlines()
    accounts = shell("cut -d: -f1 /etc/passwd /etc/group /etc/shadow /etc/gshadow").splitlines()
    return {file for file in files if not file.startswith(OTHERS)} | {f"account {name}" for name in accounts}


def note_what_is_there():
    BEFORE.write_text("\n".join(sorted(there())))


class Purge(unittest.TestCase):
    def test_leaves_nothing_behind(self):
        self.assertIn("\ndpinholer_up 1\n", metrics())  # it is there, after the upgrade and the reboot too
        RULES.write_text("flush ruleset\n")
        shell("systemctl disable nftables && systemctl restart nftables")
        shell("apt-get -y purge dpinholer dpinholer-exporter && apt-get -y autoremove --purge")
        self.assertEqual(there() ^ set(BEFORE.read_text().splitlines()), set())
        self.assertEqual(shell("grep -rl --exclude='*-' dpinholer /etc", status=1), "")
        with self.assertRaises(OSError):
            metrics()
        self.assertFalse(Path("/run/dpinholer").exists())
        self.assertEqual(shell("systemctl list-units --all --plain --no-legend 'dpinholer*'"), "")
        self.assertEqual(shell("cat /proc/[0-9]*/comm 2>/dev/null | grep dpinholer", status=1), "")
