# SPDX-License-Identifier: GPL-2.0-or-later
"""An initramfs that mounts the first virtual disk and starts the system on it. Debian's own does the same, and much
else that takes an emulated machine long."""

import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path

MODULES = ("virtio_pci", "virtio_blk", "ext4")
INIT = """#!/bin/busybox sh
busybox mount -t devtmpfs none /dev
for module in /modules/*; do busybox insmod $module; done
until busybox mount -t ext4 /dev/vda /disk; do busybox sleep 0.1; done
busybox mount --move /dev /disk/dev
exec busybox switch_root /disk /sbin/init
"""


def write(file, root, version):
    """Into `file`, for the kernel of that version in a root folder."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for folder in ("bin", "dev", "disk", "modules"):
            (tree / folder).mkdir()
        shutil.copy("/bin/busybox", tree / "bin/busybox")
        (tree / "init").write_text(INIT)
        (tree / "init").chmod(0o755)
        for number, module in enumerate(_modules(root, version)):
            data = module.read_bytes()
            if module.suffix == ".xz":
                data = lzma.decompress(data)
            (tree / "modules" / f"{number:02}.ko").write_bytes(data)
        subprocess.run(["sh", "-c", 'find . | busybox cpio -H newc -o >"$0"', file], check=True, cwd=tree,
                       stderr=subprocess.DEVNULL)


def _modules(root, version):
    """With what each needs before it."""
    found = []
    for name in MODULES:
        said = subprocess.run(["modprobe", "--dirname", root, "--set-version", version, "--show-depends", name],
                              check=True, text=True, capture_output=True).stdout
        for line in said.splitlines():
            word, _, path = line.strip().partition(" ")
            if word == "insmod" and (module := Path(path.strip())) not in found:
                found.append(module)
    return found
