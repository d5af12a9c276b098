# SPDX-License-Identifier: GPL-2.0-or-later
# For the scripts beside this file: what has to be installed, and how to build. Source it.

source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_folder=$source_folder/build/dev
export PATH=$PATH:/usr/sbin:/sbin

# Everything the project needs from Debian 12, and why.
packages=(
    g++ cmake ninja-build pkg-config
    libgtest-dev                # tests
    libexpected-dev             # tl::expected: results of what may fail
    libosip2-dev                # SIP
    libsodium-dev               # a keyed hash for tables that strangers fill
    libmnl-dev libnftnl-dev     # set elements over netlink
    libnftables-dev             # the ruleset as nft shows it
    libnetfilter-queue-dev      # packets from the queue, verdicts back
    libspdlog-dev               # log: terminal
    libsystemd-dev              # log: journal; readiness and watchdog
    libseccomp-dev libcap-dev   # the sandbox
    libpcap-dev                 # captures
    libtomlplusplus-dev         # configuration
    libcli11-dev                # command line
    nlohmann-json3-dev          # output for machines
    libncurses-dev              # dpinholer top
    libmicrohttpd-dev           # metrics over HTTP
    # The live tests and the demo:
    nftables iptables conntrack iproute2 util-linux kmod procps  # the gateway
    tcpdump sip-tester                                    # captures, calls
    valgrind                                              # a call through the daemon under it
    python3                                               # the tests themselves
    clang libclang-rt-dev llvm  # fuzzing and sanitizers, and where in the source they found something
    # The firewalls that the daemon is tested beside. They run in namespaces of the tests, and never on this machine:
    firewalld ufw dbus-daemon dpkg systemd-container
    # The tests of the package on stock Debian:
    debootstrap qemu-system-x86 busybox-static e2fsprogs
)

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The services among these that apt would start, and the machine from then on.
services=(firewalld ufw)

# Installs what is missing; needs root only then.
install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || fail "not installed: ${missing[*]} -- run this as root, or: apt install ${missing[*]}"
    say "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update
    # apt starts nothing meanwhile, and the machine none of the new services later.
    local policy=/usr/sbin/policy-rc.d ours= service
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        ours=1
    fi
    local status=0
    apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null || status=$?
    [ -z "$ours" ] || rm $policy
    for service in "${services[@]}"; do
        [[ " ${missing[*]} " != *" $service "* ]] || systemctl --quiet disable "$service" || status=$?
    done
    return "$status"
}

# build [TARGET [PRESET [OPTION...]]]: builds `target`, or everything.
build() {
    local target=${1:-} preset=${2:-dev}
    say "Building ($preset)"
    # A build folder that another checkout left behind is of no use.
    if [ -f "$build_folder/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$source_folder" "$build_folder/CMakeCache.txt"; then
        rm -r "$build_folder"
    fi
    (cd "$source_folder" && cmake --preset "$preset" "${@:3}" >/dev/null &&
        cmake --build "$build_folder" ${target:+--target "$target"})
}

# Under sudo, what was built belongs to whoever called it.
give_back() {
    if [ -n "${SUDO_UID:-}" ] && [ -d "$source_folder/build" ]; then
        chown -R "$SUDO_UID:$SUDO_GID" "$source_folder/build"
    fi
}
trap give_back EXIT
