# SPDX-License-Identifier: GPL-2.0-or-later
"""What `cmake --install` puts where, and packages made of it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", SOURCE / "build/dev"))
OF_0_1 = SOURCE / "tests/data/0.1"
SETTINGS = Path("/etc/dpinholer")
CONTROL_OF_0_1 = """Package: dpinholer
Version: 0.1.0
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: the files of dpinholer
"""
UNITS_OF_THE_EXPORTER = ("dpinholer-exporter.service", "dpinholer-exporter.socket")


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
    _scripts(root, "dpinholer", ("postinst", "postrm"))
    return _built(root, version)


def exporter_package(folder, version):
    """The one of the exporter: a program, and its units."""
    root = Path(folder) / f"exporter-{version}"
    if root.exists():
        return root.with_suffix(root.suffix + ".deb")
    program = root / "usr/bin/dpinholer-exporter"
    program.parent.mkdir(parents=True)
    program.touch()
    _units(root)
    _scripts(root, "dpinholer-exporter", ("postinst", "prerm"))
    return _built(root, version, "dpinholer-exporter")


def package_0_1(folder):
    """The one of 0.1, with rules and settings in one file, which dpkg asks about, and with the exporter."""
    root = Path(folder) / "0.1.0"
    (root / "DEBIAN").mkdir(parents=True)
    shutil.copytree(OF_0_1, root / "etc/dpinholer", ignore=lambda *_: ["README.md"])
    names = sorted(file.name for file in (root / "etc/dpinholer").iterdir())
    (root / "DEBIAN/conffiles").write_text("".join(f"/etc/dpinholer/{name}\n" for name in names))
    _units(root)
    return _built(root, "0.1.0")


def _units(root):
    folder = root / "lib/systemd/system"
    folder.mkdir(parents=True)
    for name in UNITS_OF_THE_EXPORTER:
        shutil.copy(SOURCE / "systemd" / name, folder)


def _scripts(root, name, scripts):
    (root / "DEBIAN").mkdir(exist_ok=True)
    for script in scripts:
        made = root / "DEBIAN" / script
        made.write_text((SOURCE / f"debian/{name}.{script}").read_text())
        made.chmod(0o755)


def _control(name, version):
    """As debian/control has it, but for what is not of this project."""
    stanza, = [text for text in (SOURCE / "debian/control").read_text().split("\n\n")
               if text.startswith(f"Package: {name}\n")]
    fields = {}
    for key, value in re.findall(r"^(\w+):((?:.*\n?)(?: .*\n?)*)", stanza, re.MULTILINE):
        if key in ("Depends", "Breaks", "Replaces", "Suggests"):
            value = value.replace("${binary:Version}", version)
            value = ", ".join(one.strip() for one in value.split(",") if one.strip().startswith("dpinholer"))
        fields[key] = value.strip()
    fields |= {"Version": version, "Architecture": "all", "Maintainer": "nobody <nobody@example.com>",
               "Description": f"the files of {name}"}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)


def _built(root, version, name="dpinholer"):
    (root / "DEBIAN/control").write_text(_control(name, version) if version != "0.1.0" else CONTROL_OF_0_1)
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
