# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test."""

import functools
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from .wait import wait_until

SOURCE = Path(__file__).resolve().parents[3]


def binary():
    """DPINHOLER names it (CTest does); by hand the dev build is the default."""
    return Path(os.environ.get("DPINHOLER", SOURCE / "build/dev/src/dpinholer"))


def exporter():
    """The program beside it, where it was built."""
    return binary().with_name("dpinholer-exporter")


@functools.cache
def _missing():
    said = subprocess.run([binary(), "--version"], text=True, capture_output=True, check=True).stdout
    missing = set(said.partition(" without ")[2].strip().split(", "))
    return missing if exporter().exists() else missing | {"exporter"}


def part(name):
    """Leaves out a test, or a class of tests, where it was built without that part. The outermost decorator."""
    return lambda test: None if name in _missing() else test


class Daemon:
    """`dpinholer run` on a host. A context manager that ends it; a daemon that ended by itself before that, or
    that does not end as it should, fails the test and shows its log."""

    def __init__(self, host, configuration="", wrapper=(), pass_fds=(), patience=10):
        """`configuration`: TOML. `wrapper`: words before the command, as of setpriv(1). `pass_fds`: descriptors
        that it inherits. `patience`: seconds that it may take to start, and to end."""
        self._host = host
        self._patience = patience
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "dpinholer.toml"
        self._file.write_text(configuration)
        self._log = open(Path(self._folder.name) / "log", "ab")
        self.process = host.popen(*wrapper, binary(), "run", "--config", self._file, stdin=subprocess.DEVNULL,
                                  pass_fds=pass_fds, stdout=self._log, stderr=self._log)

    def __enter__(self):
        try:
            wait_until(self._ready, "the daemon to take its queue", self._patience)
        except AssertionError as failure:
            log = self.log()
            self.discard()
            raise AssertionError(f"the daemon did not start: {failure}\n{log}") from None
        return self

    def __exit__(self, kind, *_):
        code = self.process.poll()
        if code is None:
            code = self.stop()
        log = self.log()
        self.discard()
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"the daemon ended with {code}:\n{log}")
        if kind:
            print("---- log of the daemon, its end ----", *log.splitlines()[-40:], "----", sep="\n")

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}")
        return self.queue_taken()

    def queue_taken(self, queue=0):
        """Whether somebody reads the queue."""
        table = self._host.read("/proc/net/netfilter/nfnetlink_queue")
        return any(int(line.split()[0]) == queue for line in table.splitlines())

    def stop(self):
        """As systemd does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(self._patience)

    def kill(self):
        """As kill -9 does."""
        self.process.kill()
        self.process.wait()

    def wait(self, seconds=10):
        """Exit status of a daemon that is to end by itself."""
        return self.process.wait(seconds)

    def discard(self):
        """Ends it in whatever state it is, and removes its files."""
        self.process.kill()
        self.process.wait()
        self._log.close()
        self._folder.cleanup()

    def log(self):
        return Path(self._log.name).read_text(errors="replace")
