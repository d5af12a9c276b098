# SPDX-License-Identifier: GPL-2.0-or-later
"""What a virtual machine of a Debian release is made from, kept in build/vm/<release> between runs:

    base/     the release and nothing else
    build/    what dpkg-buildpackage needs: where the packages are built
    gateway/  what a gateway has, without the packages, but with what they depend on downloaded
    disk.img  the gateway's, as a disk for the virtual machine
    ccache/   what the compiler did before

A folder is made anew when it is not there or when its recipe below has changed."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from . import initramfs
from .root import Root, quietly, say

SOURCE = Path(__file__).resolve().parents[3]
ARCHITECTURE = "amd64"
PACKAGES = ("dpinholer", "dpinholer-exporter")

# Beside what Debian takes for essential. From sip-tester on: for the tests.
GATEWAY = ("systemd-sysv", "nftables", "iproute2", "kmod", "procps", "sip-tester", "tcpdump", "conntrack", "python3",
           # What libc6 and systemd recommend, so that every Debian has it, and apt keeps it whoever brought it.
           "libidn2-0", "libp11-kit0")
# A machine in a container: where firewalld and ufw run under systemd.
BESIDE_FIREWALLS = ("systemd-sysv", "dbus", "nftables", "iproute2", "procps", "firewalld", "ufw")
# The kernel: what the package linux-image-amd64 leads to, unpacked; it would bring tools to make an initramfs.
KERNEL = f"""cd /tmp
apt-get -qq download $(apt-cache depends linux-image-{ARCHITECTURE} | sed -n 's/.*Depends: //p')
dpkg-deb --extract linux-image-*.deb kernel
cp -a kernel/boot/* /boot
mv kernel/lib/modules /lib 2>/dev/null || mv kernel/usr/lib/modules /lib
rm -r linux-image-*.deb kernel
depmod $(ls /lib/modules)
"""
BUILD = ("build-essential", "ccache", "debhelper", "lintian")

# What the packages are built from: of the checkout, all but the tests and their captures.
BUILT_FROM = ("CMakeLists.txt", "LICENSE", "cmake", "completions", "debian", "docs", "etc", "man", "nft", "src",
              "systemd")
# As on a build machine of Debian, but for the tests and the debugging symbols, which are not looked at here, and the
# last degree of optimisation: it is a third of the time.
BUILD_ENVIRONMENT = {"DEB_BUILD_OPTIONS": f"nocheck noautodbgsym parallel={os.cpu_count()}",
                     "DEB_BUILD_PROFILES": "nocheck", "DEB_CXXFLAGS_APPEND": "-O1 -g0",
                     "CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_DIR": "/var/cache/ccache"}

AGENT = """[Unit]
Description=Commands of the tests
[Service]
ExecStart=/usr/local/sbin/agent
Environment=HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
WorkingDirectory=/root
[Install]
WantedBy=multi-user.target
"""
AGENT_PROGRAM = Path(__file__).with_name("agent.sh")


class Release:
    def __init__(self, name):
        self.name = name
        self.folder = SOURCE / "build/vm" / name
        self._base = Root(self.folder / "base")

    def fetch(self):
        """What the two roots below are copies of."""
        self._base.make()

    # ---- the packages

    def packages(self):
        """Builds them from this checkout, checked by lintian; their paths, in the order of PACKAGES."""
        root = Root(self.folder / "build").make(BUILD, base=self._base)
        home = root.folder / "source"
        known = root.folder / "source.digest"
        digest = self._digest()
        if not (known.exists() and known.read_text() == digest):
            known.unlink(missing_ok=True)
            shutil.rmtree(home, ignore_errors=True)
            (home / "dpinholer").mkdir(parents=True)
            for name in BUILT_FROM:
                copy = shutil.copytree if (SOURCE / name).is_dir() else shutil.copy
                copy(SOURCE / name, home / "dpinholer" / name)
            root.fetch("-P nocheck build-dep /source/dpinholer", BUILD_ENVIRONMENT)
            say(f"{self.name}: building the packages")
            root.shell("cd /source/dpinholer && dpkg-buildpackage -us -uc -b", BUILD_ENVIRONMENT | self._quicker(),
                       mounts=[(self.folder / "ccache", "/var/cache/ccache")])
            root.shell("cd /source && lintian --allow-root --fail-on error,warning *.changes")
            known.write_text(digest)
        return [package for name in PACKAGES for package in home.glob(f"{name}_*_{ARCHITECTURE}.deb")]

    def _quicker(self):
        """One of them is built as a user would, which shows an include that was forgotten."""
        return {"DPINHOLER_UNITE": "ON" if self.name == "bookworm" else "OFF"}

    @staticmethod
    def _digest():
        """Of all that the package is built from."""
        digest = hashlib.sha256()
        for name in BUILT_FROM:
            for file in sorted((SOURCE / name).rglob("*")) if (SOURCE / name).is_dir() else [SOURCE / name]:
                if file.is_file():
                    digest.update(f"{file.relative_to(SOURCE)} {file.stat().st_mode} {file.stat().st_size}\n".encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()

    # ---- the gateway

    def disk(self, packages):
        """The disk of a gateway that could install the packages without a network; never written to."""
        root = Root(self.folder / "gateway").make(GATEWAY, KERNEL, base=self._base)
        disk = self.folder / "disk.img"
        recipe = root.recipe() + "".join(field(package, "Depends") for package in packages) + AGENT + AGENT_PROGRAM.read_text()
        known = self.folder / "disk.recipe"
        if disk.exists() and known.exists() and known.read_text() == recipe:
            return disk
        say(f"{self.name}: writing the disk")
        known.unlink(missing_ok=True)
        disk.unlink(missing_ok=True)
        self._offer_dependencies(root, packages)
        shutil.copy(AGENT_PROGRAM, root.folder / "usr/local/sbin/agent")
        (root.folder / "etc/systemd/system/agent.service").write_text(AGENT)
        root.shell("systemctl enable agent.service")
        (root.folder / "etc/hostname").write_text("gateway\n")
        quietly(["mke2fs", "-q", "-t", "ext4", "-d", root.folder, disk, "3G"])
        known.write_text(recipe)
        return disk

    @staticmethod
    def _offer_dependencies(root, packages):
        """Leaves a Debian archive of nothing but the packages that are missing for these. The real one would do,
        but to read 60,000 entries takes apt minutes in an emulated machine."""
        lists, sources = root.folder / "etc/apt/sources.list", root.folder / "etc/apt/sources.list.all"
        if sources.exists():
            shutil.copy(sources, lists)
        shutil.copy(lists, sources)
        ours = root.folder / "ours"
        shutil.rmtree(ours, ignore_errors=True)
        ours.mkdir()
        for package in packages:
            shutil.copy(package, ours)
        root.shell("apt-get clean")
        root.fetch("--download-only install " + " ".join(f"/ours/{package.name}" for package in packages))
        shutil.rmtree(ours)
        archive = root.folder / "var/archive"
        shutil.rmtree(archive, ignore_errors=True)
        archive.mkdir()
        with open(archive / "Packages", "w") as index:
            for file in (root.folder / "var/cache/apt/archives").glob("*.deb"):
                moved = shutil.move(file, archive)
                index.write(f"{field(moved)}\nFilename: ./{file.name}\nSize: {os.path.getsize(moved)}\n"
                            f"SHA256: {hashlib.sha256(Path(moved).read_bytes()).hexdigest()}\n\n")
        lists.write_text("deb [trusted=yes] file:/var/archive ./\n")
        root.shell("rm -r /var/lib/apt/lists/* && apt-get -qq update")

    def kernel(self):
        """The stock kernel and an initramfs."""
        kernel, = (self.folder / "gateway/boot").glob("vmlinuz-*")
        made = self.folder / "initramfs"
        initramfs.write(made, self.folder / "gateway", kernel.name.removeprefix("vmlinuz-"))
        return kernel, made

    def beside_firewalls(self, packages):
        """A root with firewalls of others, and all that the packages depend on but not the packages themselves."""
        first = {alternatives.split()[0] for package in packages
                 for alternatives in field(package, "Depends").split(", ")}
        return Root(self.folder / "firewalls").make((*BESIDE_FIREWALLS, *sorted(first - {*PACKAGES})), base=self._base)

    @staticmethod
    def of_0_1(packages, folder):
        """A package as that of 0.1 was laid out, with rules and settings in one file, which dpkg asks about, and with the
        exporter; its path."""
        root = folder / "of_0_1"
        for package in packages:
            subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
        subprocess.run(["dpkg-deb", "--control", packages[0], root / "DEBIAN"], check=True)
        control = root / "DEBIAN/control"
        control.write_text(re.sub("^Version:.*", "Version: 0.1.0", control.read_text(), flags=re.MULTILINE))
        shutil.rmtree(root / "usr/share/dpinholer")
        shutil.rmtree(root / "usr/share/doc/dpinholer-exporter")
        shutil.copytree(SOURCE / "tests/data/0.1", root / "etc/dpinholer", ignore=lambda *_: ["README.md"])
        names = sorted(file.name for file in (root / "etc/dpinholer").iterdir())
        (root / "DEBIAN/conffiles").write_text("".join(f"/etc/dpinholer/{name}\n" for name in names))
        for script, ours in (("postinst", "root="), ("postrm", "# No other file")):
            file = root / "DEBIAN" / script
            begin, _, rest = file.read_text().partition(ours)
            file.write_text(begin + rest[rest.index("# Automatically added"):])
        return _built(root, "dpinholer", "0.1.0")

    @staticmethod
    def newer(packages, folder):
        """The next version of the packages, in which the shipped settings and rules have changed; their paths."""
        version = field(packages[0], "Version") + "+next"
        made = []
        for name, package in zip(PACKAGES, packages):
            root = folder / "newer"
            subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
            control = root / "DEBIAN/control"
            text = re.sub("^Version:.*", f"Version: {version}", control.read_text(), flags=re.MULTILINE)
            control.write_text(re.sub(r"dpinholer \(= .*?\)", f"dpinholer (= {version})", text))
            if name == "dpinholer":
                for changed in ("etc/dpinholer.toml", "etc/dpinholer.nft", "nft/dpinholer.nft"):
                    with open(root / "usr/share/dpinholer" / changed, "a") as file:
                        file.write("# of the next version\n")
            made.append(_built(root, name, version))
        return made


def _built(root, name, version):
    """A package of that folder, which goes; its path."""
    made = root.parent / f"{name}_{version}_{ARCHITECTURE}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, made], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return made


def field(package, *names):
    """Of a package's control file; without names all of it."""
    return subprocess.run(["dpkg-deb", "--field", package, *names], check=True, text=True,
                          capture_output=True).stdout.strip()
