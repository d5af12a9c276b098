# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the rest of this process where it can't disturb the machine and leaves nothing behind.

Everything happens in new mount, PID and network namespaces with a /run of their own. When the process ends, for
whatever reason, SIGKILL included, the kernel ends all its descendants and takes back the namespaces, interfaces,
rules and mounts that they made."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

# The Debian packages that hold these stand in scripts/lib.sh.
TOOLS = ("ip", "nft", "iptables-nft", "ip6tables-nft", "conntrack", "sysctl", "tcpdump", "sipp", "setpriv")


def setns(descriptor):
    """Puts the calling thread into a network namespace. Sockets remember where they were made."""
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def obstacle():
    """Why live tests can't run here, as a sentence; None if they can."""
    if os.geteuid() != 0:
        return "needs root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if missing:
        return "missing programs: " + ", ".join(missing)
    probe = subprocess.run(
        ["unshare", "--net", "nft", "add table inet t; add chain inet t c; add rule inet t c ct state new"],
        stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        return "no network namespaces or no nf_tables here: " + probe.stderr.strip().split("\n")[0]
    if not os.path.exists("/proc/net/netfilter/nfnetlink_queue"):
        subprocess.run(["modprobe", "nfnetlink_queue"], stderr=subprocess.DEVNULL)
        if not os.path.exists("/proc/net/netfilter/nfnetlink_queue"):
            return "the kernel has no nfnetlink_queue"
    return None


def isolate():
    """Returns in a child process within the new namespaces; the parent waits there and exits as the child does."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if _libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    child = os.fork()
    if child != 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child as well
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for mount in (["--make-rprivate", "/"], ["-t", "proc", "proc", "/proc"], ["-t", "tmpfs", "tmpfs", "/run"]):
        subprocess.run(["mount", *mount], check=True)
    os.environ["TMPDIR"] = "/run"  # so that temporary files go with the rest
