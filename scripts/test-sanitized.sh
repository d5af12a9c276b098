#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds with clang's sanitizers (address, undefined behaviour, leaks), and runs what was built: the lane `core`, and
# each fuzz target on its corpus and for some seconds beyond it. Part of scripts/test.sh.
#
#   scripts/test-sanitized.sh [SECONDS]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
build_folder=$source_folder/build/fuzz

build "" fuzz -DDPINHOLER_FUZZ_SECONDS="${1:-5}"
say "Testing with sanitizers"
ctest --test-dir "$build_folder" --output-on-failure --no-tests=error -j "$(nproc)"

# What libFuzzer calls cov are edges of the control flow that it reached; a counter stands for each that there is.
awk '/ Testing: fuzz_/ { name = $3 }
     /INFO: Loaded .* counters/ { edges = $5; sub(/\(/, "", edges) }
     $2 == "DONE" { printf "%-26s %8d inputs, %5d of %5d edges\n", name, substr($1, 2), $4, edges }' \
    "$build_folder/Testing/Temporary/LastTest.log"
