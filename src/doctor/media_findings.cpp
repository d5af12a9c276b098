// SPDX-License-Identifier: GPL-2.0-or-later
// The way of media: the chain sip_media, the jump to it, and what stands ahead of that.
#include <algorithm>

#include "doctor/finding.h"
#include "doctor/media_path.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;
using Kind = system::Outcome::Kind;

Media media_of(const Facts& facts, bool first_packet = false) {
  return {facts.config.policy.ports, facts.config.negotiation.tcp, first_packet};
}

bool is_routed(const Chain& chain) {
  return chain.table.family == "inet" || chain.table.family == "ip" || chain.table.family == "ip6";
}

std::vector<const Chain*> base_chains(const Facts& facts, std::string_view hook) {
  std::vector<const Chain*> found;
  for (const Chain& chain : facts.ruleset.chains) {
    if (chain.hook == hook && is_routed(chain)) found.push_back(&chain);
  }
  std::ranges::stable_sort(found, {}, &Chain::priority);
  return found;
}

bool is_ours(const Facts& facts, const Chain& chain) {
  return chain.table == facts.config.kernel.table;
}

bool has_media_chain(const Facts& facts) {
  return facts.ruleset.find(facts.config.kernel.table, media_chain) != nullptr;
}

bool arrives(const Facts& facts, const Chain& chain) {
  return is_ours(facts, chain) && path_to(media_chain, facts.ruleset, chain, media_of(facts)).arrives;
}

// Whether the chain drops the first packet of media for which no pinhole is asked.
bool drops_media(const Facts& facts, const Chain& chain) {
  for (const Ending& ending : path_to("", facts.ruleset, chain, media_of(facts, true)).endings) {
    if (ending.reach != Reach::all || ending.kind == Kind::offload) continue;
    return ending.kind == Kind::drop;
  }
  return chain.drops;
}

// The one that a jump belongs in: not one of the include.
const Chain* filter_chain(const Facts& facts, std::string_view hook) {
  for (const Chain* chain : base_chains(facts, hook)) {
    if (is_ours(facts, *chain) && !chain->name.starts_with("sip_")) return chain;
  }
  return nullptr;
}

Finding no_jump(const Facts& facts, const std::string& hook) {
  const Chain* chain = filter_chain(facts, hook);
  const std::string table = system::to_string(facts.config.kernel.table);
  std::string mend = "nft insert rule " + (chain == nullptr ? "" : address_of(*chain)) + " jump sip_media";
  if (chain == nullptr) {
    mend = "chain " + hook + " { type filter hook " + hook + " priority filter; jump sip_media; }";
  }
  return {
      "jump-missing", Severity::fault,
      chain == nullptr ? "table " + table + " has no filter chain on the " + hook + " hook"
                       : "no rule of " + describe(*chain) + " leads media to sip_media",
      "The sets are asked by the chain sip_media only. Without a jump to it pinholes open nothing, and calls "
      "have no media.",
      std::move(mend)};
}

Finding too_late(const Chain& base, const Ending& ending) {
  const bool all = ending.reach == Reach::all;
  const bool drop = ending.kind == Kind::drop;
  const std::string does = drop ? "drops" : ending.kind == Kind::accept ? "accepts" : "offloads";
  std::string what =
      "in chain " + ending.chain->name + ", rule " + describe(*ending.rule) + " " + does +
      (all ? " media ahead of the jump to sip_media" : " some media ahead of the jump to sip_media");
  std::string why =
      drop ? "What it drops never gets to the pinholes: calls have no media."
           : "What it takes is not counted, and does not keep its pinhole open: a call in good health "
             "looks idle, and is closed after media-idle.";
  return {drop ? "jump-behind-drop" : "jump-behind-accept", all ? Severity::fault : Severity::warning,
          std::move(what), std::move(why), "nft insert rule " + address_of(base) + " jump sip_media"};
}

}  // namespace

Findings chain_missing(const Facts& facts) {
  const system::TableName& table = facts.config.kernel.table;
  if (std::ranges::find(facts.ruleset.tables, table) == facts.ruleset.tables.end()) return {};
  if (has_media_chain(facts)) return {};
  return {{"chain-missing", Severity::fault,
           "table \"" + system::to_string(table) + "\" has no chain sip_media",
           "Its rules let media pass that goes to a pinhole. Without it pinholes open nothing.",
           "include \"dpinholer/dpinholer.nft\"   # in table " + system::to_string(table)}};
}

Findings jump_missing(const Facts& facts) {
  if (!has_media_chain(facts)) return {};
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto chains = base_chains(facts, hook);
    const bool any = std::ranges::any_of(chains, [&](const Chain* chain) { return arrives(facts, *chain); });
    // Hosts seldom filter what they send themselves.
    const bool needed = hook != "output" || std::ranges::any_of(chains, [&](const Chain* chain) {
                          return is_ours(facts, *chain) && drops_media(facts, *chain);
                        });
    if (needed && !any) found.push_back(no_jump(facts, hook));
  }
  // A host with a server of its own may have a forward chain for nothing but to drop.
  const Chain* forward = filter_chain(facts, "forward");
  if (facts.config.policy.local && facts.forwards && forward != nullptr && drops_media(facts, *forward) &&
      !arrives(facts, *forward)) {
    found.push_back(no_jump(facts, "forward"));
    found.back().severity = Severity::warning;
    found.back().why = "This host routes: media between others, of calls that it carries, does not pass.";
  }
  return found;
}

// Of each chain the first rule that drops and the first that accepts.
Findings jump_too_late(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    for (const Chain* base : base_chains(facts, hook)) {
      if (!is_ours(facts, *base)) continue;
      const Path path = path_to(media_chain, facts.ruleset, *base, media_of(facts));
      if (!path.arrives) continue;
      for (const bool drop : {true, false}) {
        auto fits = [&](const Ending& one) { return (one.kind == Kind::drop) == drop; };
        auto ending = std::ranges::find_if(
            path.endings, [&](const Ending& one) { return fits(one) && one.reach == Reach::all; });
        if (ending == path.endings.end()) ending = std::ranges::find_if(path.endings, fits);
        if (ending != path.endings.end()) found.push_back(too_late(*base, *ending));
      }
    }
  }
  return found;
}

// accept ends one base chain only: each that drops has to know the pinholes.
Findings other_chain_drops(const Facts& facts) {
  Findings found;
  if (!has_media_chain(facts)) return {};
  for (const std::string& hook : media_hooks(facts.config)) {
    const Chain* first = filter_chain(facts, hook);
    for (const Chain* chain : base_chains(facts, hook)) {
      if (chain == first || arrives(facts, *chain) || !drops_media(facts, *chain)) continue;
      const bool ours = is_ours(facts, *chain);
      found.push_back(
          {"other-chain-drops", ours ? Severity::fault : Severity::warning,
           describe(*chain) + " drops media that it has no rule for",
           ours ? "A packet has to pass every chain on its hook, and this one never asks the pinholes."
                : "A packet has to pass every chain on its hook, and this one can't see the sets, which are "
                  "in "
                  "another table.",
           ours ? "nft insert rule " + address_of(*chain) + " jump sip_media"
                : "nft 'chain " + address_of(*chain) + " { policy accept; }'   # if table " +
                      system::to_string(facts.config.kernel.table) + " is to decide"});
    }
  }
  return found;
}

}  // namespace dpinholer::doctor
