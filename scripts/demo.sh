#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows the program at work: builds it, makes an outside host, a gateway and an inside host out of network
# namespaces, loads nft/gateway.nft, places a call, and shows what passes and what does not.
#
#   sudo scripts/demo.sh
#
# Exit status 0 only if all was as it should be. Nothing stays behind but build/ and the installed packages.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || fail "needs root, for network namespaces: sudo $0"
install_packages
build dpinholer
"$source_folder/scripts/demo.py"
