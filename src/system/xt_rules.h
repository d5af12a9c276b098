// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "system/ruleset.h"

namespace dpinholer::system {

/// What nft does not show of the rules that iptables-nft made.
struct XtRules {
  std::vector<XtTarget> targets;
  std::vector<XtMatches>
      matches;  ///< of `mark`, `conntrack` (states only) and `multiport`: what they are about
};

/// Those of this network namespace; as many as can be read.
XtRules read_xt_rules();

}  // namespace dpinholer::system
