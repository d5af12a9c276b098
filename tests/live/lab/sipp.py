# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls between two sipp user agents that send RTP."""

import struct
import subprocess
import tempfile
from pathlib import Path

from . import rtp, sip
from .wait import wait_until

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
SSRC = 0  # of the media that sipp plays; RtpPort uses others


def write_media(path, packets, at_once=5, interval=0.02):
    """A pcap file for sipp to play: `at_once` RTP packets back to back, the others at `interval` seconds. sipp
    puts its own addresses and ports."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(packets):
            payload = rtp.packet(SSRC, number)
            udp = struct.pack("!HHHH", 6000, 6000, 8 + len(payload), 0) + payload
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0, bytes(4),
                             bytes(4))
            frame = bytes(12) + b"\x08\x00" + ip + udp
            time = max(0, number - at_once + 1) * interval
            file.write(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(frame), len(frame)) + frame)


class Calls:
    """Calls from the outside to the inside host, under way as long as this context manager is. Each rings for
    `ring` seconds, has `packets` RTP packets in both directions, the first five at once and then one in `interval`
    seconds, and ends `talk` seconds after the answer: long after its media, since sipp cuts off what it has not sent by
    then."""

    def __init__(self, network, family, calls=1, rate=50, packets=25, ring=0.05, talk=2.0, ports=None,
                 transport="UDP", invite_filler=0, interval=0.02):
        """`transport`: "UDP", or "TCP" with all calls on one connection. `invite_filler`: octets by which the SDP
        of the INVITE is longer than need be.

        `ports`: of the media of the outside and the inside host; without it every call has ports of its own,
        which sipp chooses. sipp sends from ports of its own choice in any case."""
        self._folder = tempfile.TemporaryDirectory()
        media = Path(self._folder.name) / "media.pcap"
        write_media(media, packets, interval=interval)
        outside_port, inside_port = ports or ("[auto_media_port]",) * 2
        self._transport = transport
        values = {"MEDIA_FILE": media, "TALK_MS": int(talk * 1000), "RING_MS": int(ring * 1000),
                  "INVITE_FILLER": "".join("\n" + line for line in sip.filler(invite_filler))}
        self._callee = self._start(network.inside, "callee", family.inside, {**values, "MEDIA_PORT": inside_port})
        # A connection that comes too early would be refused.
        table = f"/proc/net/{transport.lower()}{'6' if family.digit == '6' else ''}"
        wait_until(lambda: ":13C4 " in network.inside.read(table), "the callee to take port 5060", 10)
        self._caller = self._start(network.outside, "caller", family.outside, {**values, "MEDIA_PORT": outside_port},
                                   f"{family.uri(family.inside)}:5060", "-m", calls, "-r", rate, "-l", calls)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self._caller, self._callee):
            process.kill()
            process.wait()
        self._folder.cleanup()

    def wait(self, seconds=90):
        """Until all calls are over. Fails unless each came to its end as it should."""
        if (code := self._caller.wait(seconds)) != 0:
            logs = "".join(f"---- {name} ----\n{self._log(name)[-4000:]}" for name in ("caller", "callee"))
            raise AssertionError(f"sipp ended with {code}\n{logs}")

    def _log(self, name):
        return (Path(self._folder.name) / f"{name}.log").read_text(errors="replace")

    def _start(self, host, name, address, values, *words):
        text = (SCENARIOS / f"{name}.xml").read_text()
        for key, value in values.items():
            text = text.replace(key, str(value))
        scenario = Path(self._folder.name) / f"{name}.xml"
        scenario.write_text(text)
        with open(Path(self._folder.name) / f"{name}.log", "wb") as log:
            return host.popen("sipp", "-sf", scenario, "-i", address, "-p", 5060, "-mi", address, "-mp", 20000,
                              "-t", {"UDP": "u1", "TCP": "t1"}[self._transport], "-nostdin", *words,
                              cwd=self._folder.name, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
