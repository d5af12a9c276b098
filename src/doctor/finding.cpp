// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/finding.h"

#include <iterator>

#include "base/limits.h"

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

Finding not_followed() {
  return {
      "rules-not-followed", Severity::warning,
      "the rules are too many to follow every packet to its end: more than " +
          std::to_string(base::limits::followed_rules) + " for one, or " +
          std::to_string(base::limits::followed_rules_in_all) + " in all",
      "A chain counts each time that a rule leads to it. What is wrong on the way of media and SIP may be "
      "missing here.",
      "# fewer jumps to the same chains; sets and maps instead of a rule for each address"};
}

}  // namespace

bool keeps_waiting(const Finding& finding) {
  return finding.id == "table-missing" || finding.id == "sets-missing" || finding.id == "set-wrong";
}

Findings examine(const Facts& facts) {
  // Nothing of it is on the way of packets: what else could be found is none.
  if (Findings dormant = table_dormant(facts); !dormant.empty()) return dormant;
  *facts.followed = {};
  Findings all;
  bool cut = false;
  for (const auto examination : examinations) {
    const std::size_t before = facts.followed->cut;
    Findings found = examination(facts);
    // Half a way tells nothing: what a rule further on accepts would be missing.
    if (facts.followed->cut != before) {
      cut = true;
      continue;
    }
    all.insert(all.end(), std::move_iterator(found.begin()), std::move_iterator(found.end()));
  }
  if (cut) all.push_back(not_followed());
  return all;
}

}  // namespace dpinholer::doctor
