# SPDX-License-Identifier: GPL-2.0-or-later
"""Floods of datagrams over IPv4."""

import subprocess
from dataclasses import dataclass

from .daemon import binary


@dataclass(frozen=True)
class Sent:
    count: int
    seconds: float

    def __str__(self):
        return f"{self.count} in {self.seconds:.1f} s, {self.count / max(self.seconds, 0.001):.0f} a second"


class Flood:
    """`count` datagrams from `sources` addresses beginning with `source`, and from port `port` to port `port`; in
    `payload` "########" becomes their number, and "$$$$$" one of 20000 even ports. `rate` a second, 0 for as fast as it goes. A context manager."""

    def __init__(self, host, source, destination, payload, count, sources=1, port=5060, rate=0):
        program = binary().parents[1] / "tests/live/flood"
        self._process = host.popen(program, source, sources, destination, port, count, rate, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, encoding="latin-1")
        self._process.stdin.write(payload)
        self._process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def goes_on(self):
        return self._process.poll() is None

    def wait(self, seconds=60):
        """Until all is sent."""
        if self._process.wait(seconds) != 0:
            raise AssertionError("the flood failed")
        count, taken = self._process.stdout.read().split()
        return Sent(int(count), float(taken))
