#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the page of a capture and pictures of it as headless Chromium shows it, to be looked at by eye: on a desktop,
# in the dark, on a phone, and printed. Fails if a picture is blank, or if the page asks for anything beside itself or
# says anything on the browser's console. Not part of the tests: Chromium is 300 MB to install.
#
#   scripts/look-at-replay.sh [CAPTURE [FOLDER]]
#
# needs chromium (Debian's package) and dpinholer built in build/dev, or its place in DPINHOLER.
set -euo pipefail
cd "$(dirname "$0")/.."

capture=${1:-pcaps/michalcab-isa__audio-video.pcap}
folder=${2:-build/looks}
program=${DPINHOLER:-build/dev/src/dpinholer}
mkdir -p "$folder"
folder=$(realpath "$folder")
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

[ -x "$program" ] || fail "$program is not there; build it, or say where it is in DPINHOLER"
command -v chromium >/dev/null || fail "chromium is not there; apt install chromium"
"$program" replay --format html "$capture" >"$folder/page.html" 2>"$folder/errors" ||
    fail "$(tail -1 "$folder/errors")"

# Chromium won't make a window of 390 pixels: the phone is a frame of that width.
echo '<body style="margin:0"><iframe src="page.html" style="width:390px;height:2400px;border:0">' >"$folder/phone.html"

# What Chromium asks for by itself, and gets no answer.
own='//(clients2\.google\.com|accounts\.google\.com|update\.googleapis\.com|redirector\.gvt1\.com)/'

# show PICTURE PAGE OPTION...: its console is left in PICTURE.console.
show() {
    local picture=$folder/$1 page=$folder/$2
    rm -f "$picture"
    timeout 60 chromium --headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --host-resolver-rules="MAP * ~NOTFOUND" --hide-scrollbars --user-data-dir="$profile" \
        --log-net-log="$folder/net.json" --enable-logging=stderr "${@:3}" "file://$page" \
        >"$picture.console" 2>&1 || fail "chromium ended with $? (see $picture.console)"
    [ "$(stat -c %s "$picture" 2>/dev/null || echo 0)" -gt 20000 ] || fail "$picture is blank or not there"
    ! grep ':CONSOLE' "$picture.console" || fail "the page says something on the console"
    ! grep -oE '"url":"(https?|wss?|ftp)://[^"]*"' "$folder/net.json" | grep -vE "$own" ||
        fail "the page asks for something beside itself"
    echo "$picture"
}

show desktop.png page.html --window-size=1000,2400 --screenshot="$folder/desktop.png"
show dark.png page.html --window-size=1000,2400 --force-dark-mode --blink-settings=preferredColorScheme=0 \
    --screenshot="$folder/dark.png"
show phone.png phone.html --window-size=500,2400 --screenshot="$folder/phone.png"
show print.pdf page.html --no-pdf-header-footer --print-to-pdf="$folder/print.pdf"
