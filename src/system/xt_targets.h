// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "system/ruleset.h"

namespace dpinholer::system {

/// The targets of iptables in the rules of this network namespace; as many as can be read.
std::vector<XtTarget> read_xt_targets();

/// And the matches, those of `mark`, `conntrack` (states only) and `multiport` with what they are about.
std::vector<XtMatches> read_xt_matches();

}  // namespace dpinholer::system
