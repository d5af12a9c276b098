# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian in a folder, and commands run in it."""

import os
import shutil
import subprocess
import time

BEGIN = time.monotonic()
ATTEMPTS = 4
PAUSE = 10  # seconds, before the second attempt; each pause is as much longer
# For the programs of Debian that fetch: a mirror that does not answer is asked again, and not waited for long.
FETCH = ("apt-get -qq -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "
         "-o APT::Update::Error-Mode=any")
# A program after these words has mount and process namespaces of its own: whatever happens, to this process too, no
# mount and no process stays behind.
ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")


def say(text):
    """What is done now, and when."""
    print(f"== {time.monotonic() - BEGIN:3.0f} s: {text}", flush=True)


class Failure(Exception):
    """What went wrong and what helps, in one line."""


class Root:
    """`folder`, where a Debian stands as soon as `make` has come to its end."""

    def __init__(self, folder):
        self.folder = folder
        self.release, self.name = folder.parts[-2:]
        self._recipe = folder.with_name(f"{folder.name}.recipe")

    def make(self, packages=(), then="true", base=None):
        """A copy of `base`, or else a new Debian, with these packages and after a shell has run `then`; unless that
        is there already. Returns self."""
        recipe = repr((packages, then))
        if self.folder.is_dir() and self.recipe() == recipe:
            return self
        say(f"{self.release}: making {self.name}/")
        self._recipe.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if base:
            quietly(["cp", "--archive", base.folder, self.folder])
            self.fetch(f"install {' '.join(packages)}")
            self.shell("apt-get clean")
            self.shell(then)
        else:
            self._debootstrap()
        self._recipe.write_text(recipe)
        return self

    def recipe(self):
        """What it was made by; "" if it is not there."""
        return self._recipe.read_text() if self._recipe.exists() else ""

    def _debootstrap(self):
        self.folder.mkdir(parents=True)
        address = mirror()

        def bootstrap():
            shutil.rmtree(self.folder)
            # A folder that can be made again need not reach the disk before the next step.
            settings = self.folder / "etc/dpkg/dpkg.cfg.d"
            settings.mkdir(parents=True)
            (settings / "fast").write_text("force-unsafe-io\n")
            quietly([*ALONE, "debootstrap", "--variant=minbase", self.release, self.folder, address], show=False)

        again_and_again(bootstrap, f"{self.release} from {address}")

    def fetch(self, words, environment=None):
        """apt-get with these words, over the network."""
        command = f"{FETCH} update && {FETCH} -y --no-install-recommends {words}"
        again_and_again(lambda: self.shell(command, environment, show=False), f"packages of {self.release}")

    def shell(self, command, environment=None, show=True, mounts=()):
        """A shell command there. `show`: what it says if it fails. `mounts`: folders of this machine, and where."""
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        script = 'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev";'
        for source, target in mounts:
            for folder in (source, self.folder / target.lstrip("/")):
                folder.mkdir(exist_ok=True)
            script += f'mount --bind "{source}" "$0{target}";'
        script += 'exec chroot "$0" sh -ec "$1"'
        words = [*ALONE, "sh", "-ec", script, self.folder, command]
        variables = {"HOME": "/root", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
                     "DEBIAN_FRONTEND": "noninteractive"}
        variables |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        quietly(words, show, env=variables | (environment or {}))


def again_and_again(fetch, what):
    """Calls `fetch` until it succeeds, at most ATTEMPTS times."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return fetch()
        except subprocess.CalledProcessError as error:
            reason = next((line for line in reversed(error.output.splitlines()) if line.startswith("E:")), str(error))
            if attempt == ATTEMPTS:
                raise Failure(f"could not fetch {what}: {reason} -- see that this machine's apt reaches Debian, then "
                              f"run it again; what is complete is kept") from None
            say(f"could not fetch {what}, trying again: {reason}")
            time.sleep(PAUSE * attempt)


def quietly(words, show=True, **options):
    """Runs a program. What it says is shown only if it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          **options)
    if done.returncode != 0:
        if show:
            print(done.stdout[-10000:], flush=True)
        raise subprocess.CalledProcessError(done.returncode, " ".join(map(str, words)), done.stdout)


def mirror():
    """Where this machine's apt fetches Debian from."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                              "Origin: Debian", "Label: Debian", "Component: main"],
                             check=True, text=True, capture_output=True).stdout.split()
    if not targets:
        raise Failure("apt knows no Debian archive -- add one to /etc/apt/sources.list, then: apt update")
    return targets[0]
