# SPDX-License-Identifier: GPL-2.0-or-later
"""What `cmake --install` puts where, and packages made of it."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", SOURCE / "build/dev"))
OF_0_1 = SOURCE / "tests/data/0.1"
SETTINGS = Path("/etc/dpinholer")
CONTROL = """Package: dpinholer
Version: {version}
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: the files of dpinholer
"""


def place(folder, *options):
    """All that is installed, below `folder`."""
    subprocess.run(["cmake", "--install", BUILD, *options], env=os.environ | {"DESTDIR": str(folder)}, check=True,
                   stdout=subprocess.DEVNULL)


def prefix():
    """Where programs and rules go: /usr in a package, /usr/local otherwise."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    return cache.split("CMAKE_INSTALL_PREFIX:PATH=")[1].split("\n")[0]


def package(folder, version):
    """A package with the files that concern rules and settings, laid out as debian/rules does it."""
    root = Path(folder) / version
    if root.exists():
        return root.with_suffix(root.suffix + ".deb")
    (root / "DEBIAN").mkdir(parents=True)
    templates = root / "usr/share/dpinholer/etc"
    shutil.copytree(SOURCE / "nft/etc", templates)
    shutil.copy(SOURCE / "etc/dpinholer.toml", templates)
    shutil.copytree(SOURCE / "nft", root / "usr/share/dpinholer/nft",
                    ignore=lambda *_: ["etc", "gateway.nft", "CMakeLists.txt", "settle.cmake"])
    for script in ("postinst", "postrm"):
        made = root / "DEBIAN" / script
        made.write_text((SOURCE / f"debian/dpinholer.{script}").read_text())
        made.chmod(0o755)
    return _built(root, version)


def package_0_1(folder):
    """The one of 0.1, with rules and settings in one file, which dpkg asks about."""
    root = Path(folder) / "0.1.0"
    (root / "DEBIAN").mkdir(parents=True)
    shutil.copytree(OF_0_1, root / "etc/dpinholer", ignore=lambda *_: ["README.md"])
    names = sorted(file.name for file in (root / "etc/dpinholer").iterdir())
    (root / "DEBIAN/conffiles").write_text("".join(f"/etc/dpinholer/{name}\n" for name in names))
    return _built(root, "0.1.0")


def _built(root, version):
    (root / "DEBIAN/control").write_text(CONTROL.format(version=version))
    made = root.with_suffix(root.suffix + ".deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, made], check=True, stdout=subprocess.DEVNULL)
    return made


def dpkg(*words):
    """As without a terminal: a question would be an error. What it says."""
    done = subprocess.run(["dpkg", "--force-unsafe-io", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"dpkg {' '.join(map(str, words))}: {done.stdout}")
    return done.stdout
