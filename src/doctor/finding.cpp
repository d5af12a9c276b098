// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/finding.h"

#include <iterator>

namespace dpinholer::doctor {

namespace {

// In this order each finding is the cause of those that follow.
constexpr Findings (*examinations[])(const Facts&) = {
    features_missing,
    forwarding_off,
    bridge_unseen,
    table_missing,
    sets_missing,
    sets_wrong,
    chain_missing,
    jump_missing,
    jump_in_part,
    jump_too_late,
    output_uncounted,
    other_chain_drops,
    sip_not_accepted,
    flows_offloaded,
    media_uncounted,
    range_open,
    sets_not_looked_up,
    queue_missing,
    queue_too_early,
    queue_without_bypass,
    queue_numbers_differ,
    nobody_listening,
    observing,
    sip_helper,
    timeouts_differ,
    held_too_short,
    networks_refused,
    networks_without_inside,
    interfaces_missing,
    bans_not_looked_up,
    bans_by_another_prefix,
    queue_too_short,
};

}  // namespace

bool keeps_waiting(const Finding& finding) {
  return finding.id == "table-missing" || finding.id == "sets-missing" || finding.id == "set-wrong";
}

Findings examine(const Facts& facts) {
  Findings all;
  for (const auto examination : examinations) {
    Findings found = examination(facts);
    all.insert(all.end(), std::move_iterator(found.begin()), std::move_iterator(found.end()));
  }
  return all;
}

}  // namespace dpinholer::doctor
