# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian in a container, with systemd and the services that it starts. Nothing of it is kept."""

import os
import subprocess
from pathlib import Path

from lab import wait_until

UP = {"running", "degraded"}


class Machine:
    """A context manager."""

    def __init__(self):
        self.root = Path("/run/machine/root")
        upper, work = (self.root.with_name(name) for name in ("upper", "work"))
        for folder in (self.root, upper, work):
            subprocess.run(["rm", "-rf", folder], check=True)
            folder.mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={os.environ['MACHINE']},upperdir={upper},workdir={work}", self.root], check=True)

    def __enter__(self):
        legacy = {} if Path("/sys/fs/cgroup/cgroup.controllers").exists() else {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"}
        self._process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", "--private-network", "--register=no",
             "--keep-unit", "--link-journal=no", "--setenv=LC_ALL=C.UTF-8"], env=os.environ | legacy,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._up, "the machine to be up", 120)
        return self

    def __exit__(self, *_):
        self.shell("systemctl --no-block poweroff", status=None)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        subprocess.run(["umount", self.root], check=True)

    def shell(self, command, status=0):
        """What it says there. Fails if it ends with another status; None: any."""
        done = subprocess.run(["nsenter", "--target", self.leader, "--all", "sh", "-ec", command], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
        if status is not None and done.returncode != status:
            raise AssertionError(f"{command}: ended with {done.returncode}\n{done.stdout}\n"
                                 f"{self.shell('journalctl --no-pager | tail -40', status=None)}")
        return done.stdout.strip()

    def put(self, file):
        """A file of ours in its /root; its name there."""
        subprocess.run(["cp", file, self.root / "root"], check=True)
        return f"/root/{Path(file).name}"

    def _up(self):
        if self._process.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self._process.returncode}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = children[0]
        return self.shell("systemctl is-system-running", status=None) in UP
