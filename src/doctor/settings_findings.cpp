// SPDX-License-Identifier: GPL-2.0-or-later
// Settings that are right by themselves, and contradict each other.
#include <algorithm>
#include <string>
#include <vector>

#include "doctor/finding.h"

namespace dpinholer::doctor {

namespace {

using base::Network;

// Of two networks with the same first address the larger one comes first in their order.
bool is_within(const Network& network, const Network& other) {
  return other.contains(network.first()) && network >= other;
}

// ["192.0.2.0/24", "203.0.113.1"]
std::string as_list(const std::vector<Network>& networks) {
  std::string text;
  for (const Network& network : networks) text += (text.empty() ? "\"" : ", \"") + network.text() + "\"";
  return "[" + text + "]";
}

}  // namespace

Findings held_too_short(const Facts& facts) {
  const auto& timeouts = facts.config.negotiation;
  if (timeouts.held >= timeouts.media_idle) return {};
  return {{"held-too-short", Severity::warning,
           "held is " + std::to_string(timeouts.held.count()) + " s, and media-idle " +
               std::to_string(timeouts.media_idle.count()) + " s",
           "A call on hold closes sooner than one in which a party just says nothing.",
           "held = 3600   # [timeouts] in " + facts.config_file}};
}

Findings networks_refused(const Facts& facts) {
  const pinhole::PolicySettings& policy = facts.config.policy;
  std::vector<Network> left;
  std::string taken;
  for (const Network& network : policy.networks) {
    const bool is_refused = std::ranges::any_of(
        policy.refuse_networks, [&](const Network& refused) { return is_within(network, refused); });
    if (!is_refused) left.push_back(network);
    if (is_refused) taken += (taken.empty() ? "" : ", ") + network.text();
  }
  if (taken.empty()) return {};
  if (left.empty()) {
    return {{"networks-refused", Severity::fault, "refuse-networks refuses all that networks lists",
             "Media goes to the addresses only that its SIP comes from.",
             "networks = [...]   # [media] in " + facts.config_file + ", or refuse-networks"}};
  }
  return {{"networks-refused", Severity::warning,
           "refuse-networks refuses " + taken + ", which networks lists",
           "refuse-networks comes first: media never goes there.",
           "networks = " + as_list(left) + "   # [media] in " + facts.config_file}};
}

Findings networks_without_inside(const Facts& facts) {
  const pinhole::PolicySettings& policy = facts.config.policy;
  if (policy.networks.empty() || policy.inside_networks.empty()) return {};
  for (const Network& network : policy.networks) {
    if (std::ranges::any_of(policy.inside_networks,
                            [&](const Network& inside) { return inside.overlaps(network); }))
      return {};
  }
  std::vector<Network> both = policy.networks;
  both.insert(both.end(), policy.inside_networks.begin(), policy.inside_networks.end());
  return {
      {"networks-without-inside", Severity::warning, "networks lists nothing of inside-networks",
       "Inside, media goes only to the address that its SIP comes from: not to a media server, or a phone "
       "behind a proxy.",
       "networks = " + as_list(both) + "   # [media] in " + facts.config_file}};
}

}  // namespace dpinholer::doctor
