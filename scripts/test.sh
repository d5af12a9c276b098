#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds, and runs the tests: the lanes `core` (needs nothing), `live` and `firewalls` (need
# root) and `vm` (needs root and qemu; the first time it fetches Debian 12 and 13 into build/vm); and beside them
# test-sanitized.sh.
#
#   sudo scripts/test.sh
#
# A lane that can't run here says so; with CI=true in the environment that is a failure.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

install_packages
obstacles=$(for lane in live firewalls vm; do "$source_folder/tests/$lane/run" --check; done) || true

# All of this together needs more of the processors than of the time. The tests of the package wait for it to be built;
# so that begins at once, and gets what the build and the live tests, which mostly wait, leave. The sanitizers get what
# is left by all others.
mkdir -p "$source_folder/build"
aside() { exec nice -n 19 timeout 3600 "$@" >"$log" 2>&1; }
background=() packaging=()
trap 'kill "${background[@]}" 2>/dev/null || true; give_back' EXIT
for release in bookworm trixie; do
    log=$source_folder/build/package-$release.log
    aside "$source_folder/tests/vm/run" --prepare "$release" &
    packaging+=($!)
    background+=($!)
done

build

say "Testing"
sanitized=$source_folder/build/sanitized.log
log=$sanitized
aside chrt --idle 0 "$source_folder/scripts/test-sanitized.sh" &
sanitizing=$!
background+=($!)

summary=$build_folder/Testing/summary
mkdir -p "$build_folder/Testing"
: >"$summary"
status=0
ctest --test-dir "$build_folder" --output-on-failure --no-tests=error -j "$(nproc)" -L 'core|live|firewalls' |
    tee -a "$summary" || status=$?
say "Testing the package"
# What went wrong there goes wrong again below, and is shown there.
wait "${packaging[@]}" || true
ctest --test-dir "$build_folder" --verbose --no-tests=error -j 2 -L vm | tee -a "$summary" || status=$?
wait "$sanitizing" || status=$?
cat "$sanitized"

[ "$(grep -c '% tests passed' "$summary")" = 2 ] || fail "the tests left no summary in $summary"
skipped=$(grep -c '(Skipped)$' "$summary" || true)
if [ -n "$obstacles" ]; then
    say "$obstacles"
elif [ "$skipped" -gt 0 ]; then
    say "$skipped tests skipped"
fi
if [ "$skipped" -gt 0 ] && [ "${CI:-}" = true ]; then
    fail "nothing may be skipped here"
fi
exit "$status"
