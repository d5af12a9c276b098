// SPDX-License-Identifier: GPL-2.0-or-later
// Other base chains on the hooks of media: an accept ends one base chain only.
#include <algorithm>
#include <optional>

#include "doctor/finding.h"
#include "doctor/remedies.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;

// The ways on which the chain drops the first packet to a pinhole.
std::vector<Way> ways_dropped(const Facts& facts, const Chain& chain, std::uint32_t mark) {
  std::vector<Way> dropped;
  for (const Lane& lane : call_lanes(facts, chain.hook)) {
    if (!lane.first || !sees(chain, lane.way)) continue;
    Packet packet = media_packet(facts, lane);
    packet.mark = mark;
    if (is_dropped(path_through(facts, chain, packet))) dropped.push_back(lane.way);
  }
  return dropped;
}

// Replies to media that passes the other way are established, and may pass.
bool both_directions(const std::vector<Way>& ways) {
  return std::ranges::any_of(
      ways, [&](const Way& way) { return std::ranges::find(ways, reversed(way)) != ways.end(); });
}

Finding drops(const Facts& facts, const Chain& chain, const Chain& ours, const std::vector<Way>& ways) {
  const std::string way = describe(ways.front());
  const std::string what =
      describe(chain) + " drops media that has a pinhole" + (way.empty() ? "" : ", as that " + way);
  if (is_ours(facts, chain)) {
    return {"other-chain-drops", Severity::fault, what,
            "A packet has to pass every chain on its hook, and this one never asks the pinholes.",
            "nft insert rule " + address_of(chain) + " jump sip_media"};
  }
  return {"other-chain-drops", both_directions(ways) ? Severity::fault : Severity::warning, what,
          "A packet has to pass every chain on its hook, and this one can't see the sets, which are in "
          "another table.",
          pass_media_line(facts, chain, ours)};
}

// How SIP fails on the first way; nothing where it passes. TCP that may only go out is not there for SIP. Of
// the families that this host forwards the first counts: where there is no SIP over IPv6, that may be meant
// so.
std::optional<Path> sip_fails(const Facts& facts, const std::string& hook) {
  std::optional<Path> refusal;
  const auto ways = all_ways(facts, hook);
  for (const Way& way : ways) {
    if (way.ipv6 != ways.front().ipv6) break;
    auto here = sip_refusal(facts, hook, way, false);
    const bool by_tcp = !sip_refusal(facts, hook, way, true) &&
                        (hook != "forward" || !sip_refusal(facts, hook, reversed(way), true));
    if (!here || by_tcp) return std::nullopt;
    if (!refusal) refusal = std::move(here);
  }
  return refusal;
}

}  // namespace

Findings other_chain_drops(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto chains = base_chains(facts, hook);
    const auto leading =
        std::ranges::find_if(chains, [&](const Chain* one) { return leads_to_media(facts, *one); });
    if (leading == chains.end()) continue;
    for (auto chain = chains.begin(); chain != chains.end(); ++chain) {
      if (leads_to_media(facts, **chain)) continue;
      const auto ways = ways_dropped(facts, **chain, chain > leading ? mark_of(facts) : 0);
      if (!ways.empty()) found.push_back(drops(facts, **chain, **leading, ways));
    }
  }
  return found;
}

Findings sip_not_accepted(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto refusal = sip_fails(facts, hook);
    if (!refusal) continue;
    found.push_back({"sip-not-accepted", Severity::fault,
                     describe(*refusal->base) + " drops SIP: " +
                         (refusal->last == nullptr
                              ? "no rule accepts port " + to_set(sip_ports(facts))
                              : "in chain " + refusal->where->name + ", rule " + describe(*refusal->last)),
                     "SIP that is dropped there never gets to the queue: no call is read, and none passes.",
                     accept_sip_line(facts, *refusal)});
  }
  return found;
}

}  // namespace dpinholer::doctor
