# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon sees of systemd: sd_notify(3) with descriptors to keep, sd_listen_fds(3) to give them back."""

import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

from .daemon import Daemon

# Puts the descriptors in place, and says for whom they are.
_GIVE = """import os, sys
fds = [int(word) for word in sys.argv[1].split(",") if word]
for place, fd in enumerate(fds, 3):
    os.dup2(fd, place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])"""


class Manager:
    """A context manager. Starts daemons, and keeps what they leave for the next one."""

    def __init__(self, host):
        self._host = host
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._socket.settimeout(0.1)
        self._closing = False
        self.kept = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing = True
        self._reader.join()
        for fd in self.kept.values():
            os.close(fd)
        self._socket.close()
        self._folder.cleanup()

    def start(self, configuration=""):
        """A daemon, not yet entered."""
        # Above what the interpreter that puts them in place has open itself.
        fds = {name: os.dup(fd) for name, fd in self.kept.items()}
        runtime = Path(self._folder.name) / "runtime"
        runtime.mkdir(exist_ok=True)
        variables = [f"NOTIFY_SOCKET={self._path}", f"RUNTIME_DIRECTORY={runtime}", f"LISTEN_FDS={len(fds)}",
                     f"LISTEN_FDNAMES={':'.join(fds)}"]
        given = (sys.executable, "-c", _GIVE, ",".join(map(str, fds.values())))
        try:
            return Daemon(self._host, configuration, ("env", *variables, *given), tuple(fds.values()))
        finally:
            for fd in fds.values():
                os.close(fd)

    def _read(self):
        while not self._closing:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, 4096, 16)
            except socket.timeout:
                continue
            said = dict(line.split("=", 1) for line in data.decode().splitlines())
            if said.get("FDSTORE") == "1":
                self.kept[said["FDNAME"]] = fds.pop()
            if said.get("FDSTOREREMOVE") == "1":
                os.close(self.kept.pop(said["FDNAME"]))
            for fd in fds:  # of a barrier, which ends with that
                os.close(fd)
