# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine under qemu, and commands run in it over its second serial port."""

import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

PROCESSORS = "1"  # under emulation a second one makes the same work half as much again
MEMORY = "1536"  # MiB
# No timers: what apt and others do daily would be in the way.
COMMAND_LINE = ("console=ttyS0 quiet mitigations=off systemd.show_status=0 systemd.getty_auto=no "
                "systemd.mask=timers.target")


class Machine:
    """Runs from the start of the context manager to its end. What it writes to its disk, a copy of `disk`, is kept
    while it runs, reboots included, and then forgotten.

    A virtual disk is used instead of a shared folder because a reboot has to find what was installed before."""

    def __init__(self, kernel, initramfs, disk, payload, folder):
        """`payload`: a file that the machine sees as its second disk. `folder`: for the copy of the disk, the
        console's log and the socket."""
        self.console = Path(folder) / "console.log"
        self._socket = Path(folder) / "port"
        own_disk = Path(folder) / "disk.img"
        subprocess.run(["cp", "--reflink=auto", "--sparse=always", disk, own_disk], check=True)
        words = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *accelerators(), "-smp", PROCESSORS, "-m",
                 MEMORY, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none",
                 "-kernel", kernel, "-initrd", initramfs, "-append", COMMAND_LINE,
                 "-drive", f"file={own_disk},format=raw,if=virtio,cache=unsafe",
                 "-drive", f"file={payload},format=raw,if=virtio,readonly=on",
                 "-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console",
                 "-chardev", f"socket,id=port,path={self._socket},server=on,wait=off", "-serial", "chardev:port"]
        self._words = list(map(str, words))
        self._switch_on()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._port.close()
        self._process.kill()
        self._process.wait()

    def wait_up(self, seconds=600):
        """Until commands can be run and the machine has started what it starts by itself."""
        self._answer("ready", seconds)
        self.run("systemctl is-system-running --wait", seconds, check=False)

    def run(self, command, seconds=60, check=True):
        """Runs a shell command, one line, and shows what it says as it says it. Its exit status."""
        self._port.sendall(command.encode() + b"\n")
        status = int(self._answer(r"\d+", seconds))
        if check and status != 0:
            raise RuntimeError(f"{command}: ended with {status}")
        return status

    def reboot(self):
        """The emulator ends where the machine would begin again: on memory that held code before, it takes twice the
        time to start."""
        self._port.sendall(b"systemctl --no-block reboot\n")  # whether the agent lives to say how that ended is open
        self._process.wait(300)
        self._port.close()
        self._switch_on()
        self.wait_up()

    def _switch_on(self):
        self._process = subprocess.Popen(self._words, stdin=subprocess.DEVNULL)
        self._port = self._connected()
        self._unread = b""

    def _connected(self):
        made = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 10
        while True:
            try:
                made.connect(str(self._socket))
                return made
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._process.kill()
                    raise RuntimeError("qemu did not start") from None
                time.sleep(0.05)

    def _answer(self, pattern, seconds):
        """Shows what comes until the agent says what matches."""
        deadline = time.monotonic() + seconds
        end = re.compile(rb"\r?\n?agent: (" + pattern.encode() + rb")\r?\n")
        while True:
            if found := end.search(self._unread):
                self._show(self._unread[:found.start()])
                self._unread = self._unread[found.end():]
                return found.group(1).decode()
            # A line that is not complete yet may become the one waited for.
            complete = self._unread.rfind(b"\n", 0, max(0, len(self._unread) - 1)) + 1
            self._show(self._unread[:complete])
            self._unread = self._unread[complete:]
            self._read(deadline, seconds)

    def _read(self, deadline, seconds):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._port], [], [], left)[0]:
            raise TimeoutError(f"the machine did not answer within {seconds} s; its console: {self._tail()}")
        data = self._port.recv(65536)
        if not data:
            raise RuntimeError(f"the machine has ended; its console: {self._tail()}")
        self._unread += data

    def _tail(self):
        return self.console.read_text(errors="replace")[-3000:]

    @staticmethod
    def _show(data):
        if data.strip():
            sys.stdout.write(data.decode(errors="replace").replace("\r", ""))
            sys.stdout.flush()


def accelerators():
    """Emulation, which works everywhere. VM_ACCELERATOR=kvm asks for the processor's own virtualisation: a /dev/kvm that
    can be opened is no proof that a machine comes up with it."""
    asked = os.environ.get("VM_ACCELERATOR", "tcg")
    return ["-accel", "tcg,thread=multi" if asked == "tcg" else asked, "-cpu", "max"]
