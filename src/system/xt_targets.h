// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "system/ruleset.h"

namespace dpinholer::system {

/// The targets of iptables in the rules of this network namespace; as many as can be read.
std::vector<XtTarget> read_xt_targets();

}  // namespace dpinholer::system
