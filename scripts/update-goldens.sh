#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the golden output of every capture in pcaps/ anew. Read `git diff pcaps` before you commit it.
#   scripts/update-goldens.sh [PROGRAM]    PROGRAM: build/dev/src/dpinholer, unless another is named
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/build/dev/src/dpinholer}
if [ ! -x "$program" ]; then
  echo "$program is not there; build it: cmake --preset dev && cmake --build build/dev --target dpinholer" >&2
  exit 2
fi
for capture in "$root"/pcaps/*.pcap; do
  golden=${capture%.pcap}.jsonl
  set -- "$capture"
  [ ! -e "${capture%.pcap}.toml" ] || set -- --config "${capture%.pcap}.toml" "$capture"
  "$program" replay --format json "$@" 2>/dev/null >"$golden.new" || {
    rm -f "$golden.new"
    "$program" replay --format json "$@" >/dev/null
    exit 1
  }
  mv "$golden.new" "$golden"
done
