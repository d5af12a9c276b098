#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds, and runs the tests: the lanes `core` (needs nothing) and `live` (needs root).
#
#   sudo scripts/test.sh
#
# A lane that can't run here says so; with CI=true in the environment that is a failure.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

install_packages
build

say "Testing"
obstacle=$("$source_folder/tests/live/run" --check) || true
summary=$(mktemp)
trap 'rm -f "$summary"; give_back' EXIT
status=0
ctest --test-dir "$build_folder" --output-on-failure --no-tests=error -j "$(nproc)" -L 'core|live' |
    tee "$summary" || status=$?

skipped=$(grep -c '(Skipped)$' "$summary" || true)
if [ -n "$obstacle" ]; then
    say "$obstacle"
elif [ "$skipped" -gt 0 ]; then
    say "$skipped tests skipped"
fi
if [ "$skipped" -gt 0 ] && [ "${CI:-}" = true ]; then
    fail "nothing may be skipped here"
fi
exit "$status"
