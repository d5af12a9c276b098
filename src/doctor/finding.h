// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/facts.h"

namespace dpinholer::doctor {

enum class Severity : std::uint8_t {
  warning,  ///< may be meant so
  fault,    ///< calls fail, or more is open than should be
};

/// One thing that is wrong. The texts hold names from the ruleset: escape them (system/escape.h).
struct Finding {
  std::string_view id;  ///< for machines, and for docs/check.md: "jump-missing"
  Severity severity = Severity::fault;
  std::string what;
  std::string why;   ///< it matters
  std::string mend;  ///< a command, a line of the ruleset or a key of the configuration
};

using Findings = std::vector<Finding>;

/// Whether a daemon waits until it is mended, and says so by itself.
bool keeps_waiting(const Finding& finding);

/// All findings, what comes first being the cause of what follows.
Findings examine(const Facts& facts);

// The table that `examine` goes through; each looks for one kind of fault.

Findings table_missing(const Facts& facts);
Findings table_dormant(const Facts& facts);
Findings sets_missing(const Facts& facts);
Findings sets_wrong(const Facts& facts);
Findings chain_missing(const Facts& facts);
Findings jump_missing(const Facts& facts);
Findings jump_in_part(const Facts& facts);
Findings jump_too_late(const Facts& facts);
Findings output_uncounted(const Facts& facts);
Findings flows_offloaded(const Facts& facts);
Findings media_uncounted(const Facts& facts);
Findings other_chain_drops(const Facts& facts);
Findings sip_not_accepted(const Facts& facts);
Findings range_open(const Facts& facts);
Findings sets_not_looked_up(const Facts& facts);
Findings timeouts_differ(const Facts& facts);

Findings queue_missing(const Facts& facts);
Findings queue_too_early(const Facts& facts);
Findings queue_without_bypass(const Facts& facts);
Findings queue_numbers_differ(const Facts& facts);
Findings nobody_listening(const Facts& facts);
Findings queue_too_short(const Facts& facts);

Findings features_missing(const Facts& facts);
Findings forwarding_off(const Facts& facts);
Findings bridge_unseen(const Facts& facts);
Findings observing(const Facts& facts);
Findings sip_helper(const Facts& facts);
Findings interfaces_missing(const Facts& facts);
Findings bans_not_looked_up(const Facts& facts);
Findings bans_by_another_prefix(const Facts& facts);

Findings held_too_short(const Facts& facts);
Findings networks_refused(const Facts& facts);
Findings networks_without_inside(const Facts& facts);

}  // namespace dpinholer::doctor
