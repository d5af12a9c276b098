# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that these tests run on is the gateway; the two other hosts are network namespaces in it."""

import re
import subprocess
import urllib.request
from pathlib import Path

from lab import Capture, Firewall, Network, sipp, wait_until
from lab.case import LiveTest

HOME = Path(__file__).resolve().parents[3]  # what the machine was given
CONFIGURATION = Path("/etc/dpinholer/dpinholer.toml")
RULES = Path("/etc/nftables.conf")
CALLS, PACKETS = 6, 25  # of each call in each direction
# What the log says of a call that is over, and of its media in both directions.
CLOSED = re.compile(r"^call \S+ closed \(bye\) .*: (\d+) packets to \S+, (\d+) to [^\s;]+(?:; .*)?$", re.MULTILINE)


def shell(command, status=0):
    """What it says. Fails if it ends with another status; None: any."""
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{command}: ended with {done.returncode}\n{done.stdout}")
    return done.stdout.strip()


def install(*packages):
    """As a person does; what they depend on has been downloaded before."""
    names = " ".join(map(str, packages))
    return shell(f"DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install {names} </dev/null")


def log():
    """Of the service, since the machine started."""
    return shell("journalctl --boot --unit dpinholer --output cat")


def metrics():
    """From the exporter, where its socket as it is shipped listens."""
    with urllib.request.urlopen("http://127.0.0.1:9260/metrics", timeout=60) as answer:
        return answer.read().decode()


def package(which, name="dpinholer"):
    """The file: "old" or "new"."""
    found, = (HOME / "packages" / which).glob(f"{name}_*.deb")
    return found


def service(name="dpinholer"):
    """What systemd knows about it."""
    return dict(line.split("=", 1) for line in shell(f"systemctl show {name}").splitlines() if "=" in line)


class GatewayTest(LiveTest):
    """With the rules and the service as the chapters before left them."""

    @staticmethod
    def make_network():
        return Network(gateway_here=True)

    def clear(self):
        """Nothing: rules and service stay as they are."""

    def assert_calls_pass(self, family, transport="UDP"):
        """Calls with all their media, for which the daemon opens pinholes, and closes them afterwards."""
        before = len(log())
        with Capture(self.network.outside, family) as at_outside, Capture(self.network.inside, family) as at_inside:
            self.enter(sipp.Calls(self.network, family, CALLS, rate=6, packets=PACKETS, ring=0.3, talk=4.0,
                                  transport=transport)).wait()
            wait_until(lambda: len(CLOSED.findall(log()[before:])) == CALLS, "the end of all calls in the log", 30)
            outside, inside = at_outside.packets(), at_inside.packets()
        self.assertEqual(self.firewall.open_pinholes(), {})
        for source, sent, arrived in ((family.outside, outside, inside), (family.inside, inside, outside)):
            self.assert_no_media_lost(source, sent, arrived, CALLS * PACKETS)
        # Not all: a packet between the reading of a counter and the end of its pinhole is in no account.
        for counted in CLOSED.findall(log()[before:]):
            self.assertGreater(min(map(int, counted)), PACKETS // 2, "counted by the pinholes of a call")
