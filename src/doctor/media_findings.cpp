// SPDX-License-Identifier: GPL-2.0-or-later
// The way of media: the chain sip_media, the jump to it, and what stands ahead of that.
#include <algorithm>
#include <optional>
#include <span>

#include "doctor/finding.h"
#include "doctor/traffic.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;
using Kind = system::Outcome::Kind;

bool has_media_chain(const Facts& facts) {
  return facts.ruleset.find(facts.config.kernel.table, media_chain) != nullptr;
}

// Whether the chain drops media that no pinhole is asked for.
bool drops_media(const Facts& facts, const Chain& chain) {
  const auto lanes = call_lanes(facts, chain.hook);
  return std::ranges::any_of(lanes, [&](const Lane& lane) {
    Packet packet = media_packet(facts, lane);
    packet.has_pinhole = false;
    return lane.first && sees(chain, lane.way) && is_dropped(path_through(facts, chain, packet));
  });
}

// Hosts seldom filter what they send themselves. Those that do have to lead media on that hook, too.
bool needs_jump(const Facts& facts, const std::string& hook) {
  return hook != "output" || std::ranges::any_of(base_chains(facts, hook), [&](const Chain* chain) {
           return is_ours(facts, *chain) && drops_media(facts, *chain);
         });
}

bool has_jump(const Facts& facts, const std::string& hook) {
  return std::ranges::any_of(base_chains(facts, hook),
                             [&](const Chain* chain) { return leads_to_media(facts, *chain); });
}

std::string jump_line(const Chain& chain) {
  return "nft insert rule " + address_of(chain) + " jump sip_media";
}

Finding no_jump(const Facts& facts, const std::string& hook) {
  const Chain* chain = filter_chain(facts, hook);
  const std::string table = system::to_string(facts.config.kernel.table);
  return {
      "jump-missing", Severity::fault,
      chain == nullptr ? "table " + table + " has no filter chain on the " + hook + " hook"
                       : "no rule of " + describe(*chain) + " leads media to sip_media",
      "The sets are asked by the chain sip_media only. Without a jump to it pinholes open nothing, and calls "
      "have no media.",
      chain == nullptr
          ? "chain " + hook + " { type filter hook " + hook + " priority filter; jump sip_media; }"
          : jump_line(*chain)};
}

// The way of media on one lane, in that base chain of our table which leads most of it to sip_media.
struct Led {
  Lane lane;
  const Chain* base = nullptr;
  Path path;
};

std::vector<Led> led(const Facts& facts, const std::string& hook) {
  std::vector<const Chain*> chains;
  for (const Chain* chain : base_chains(facts, hook)) {
    if (leads_to_media(facts, *chain)) chains.push_back(chain);
  }
  std::vector<Led> all;
  if (chains.empty()) return all;
  for (const Lane& lane : call_lanes(facts, hook)) {
    Led best{lane, nullptr, {}};
    for (const Chain* chain : chains) {
      Path path = path_through(facts, *chain, media_packet(facts, lane));
      if (best.base == nullptr || path.arrives > best.path.arrives) best = {lane, chain, std::move(path)};
    }
    all.push_back(std::move(best));
  }
  return all;
}

// Nothing leads it there, and rules for others drop it.
bool is_lost(const Led& one) {
  return one.path.arrives == Reach::none && is_dropped(one.path);
}

bool is_led(const Led& one) {
  return one.path.arrives != Reach::none;
}

// The first packet of each flow comes there, and those that would count do not.
bool is_starved(const Led& one, const std::vector<Led>& all) {
  return !one.lane.first && !is_led(one) && std::ranges::any_of(all, [&](const Led& other) {
    return other.lane.first && other.lane.way == one.lane.way && is_led(other);
  });
}

// Another rule lets it pass, and what comes back as well: calls there need no pinholes.
bool needs_none(const Led& one, const std::vector<Led>& all) {
  const Way back = reversed(one.lane.way);
  return std::ranges::none_of(all, [&](const Led& other) {
    return (other.lane.way == one.lane.way || other.lane.way == back) && (is_led(other) || is_lost(other));
  });
}

// A fault, or else a warning; null if there is neither.
const Led* worst_of(const std::vector<Led>& all) {
  const Led* worst = nullptr;
  for (const Led& one : all) {
    if (is_lost(one) || is_starved(one, all)) return &one;
    if (worst == nullptr && one.path.arrives != Reach::all && !needs_none(one, all)) worst = &one;
  }
  return worst;
}

Finding in_part(const Led& worst, bool fault) {
  const Chain& base = *worst.base;
  const Path& path = worst.path;
  std::string what = "in " + describe(base) + ", rule ";
  std::string why = "Media that its conditions don't match never gets to the pinholes.";
  if (path.jump != nullptr) {
    what += describe(*path.jump) + " leads only some media to sip_media";
  } else {
    const std::string way = describe(worst.lane.way);
    what = "no rule of " + describe(base) + " leads media " + way + (way.empty() ? "" : " ") +
           "to sip_media" + (worst.lane.first ? "" : " when its flow is established");
    why = path.dropped ? "It is dropped there, pinhole or not: calls have no audio in this direction."
                       : "Another rule lets it pass: it is not counted, and does not keep its pinhole open.";
  }
  return {"jump-in-part", fault ? Severity::fault : Severity::warning, std::move(what), std::move(why),
          jump_line(base)};
}

Finding too_late(const Chain& base, const Ending& ending, bool all) {
  const bool drop = ending.kind == Kind::drop;
  return {drop ? "jump-behind-drop" : "jump-behind-accept", all ? Severity::fault : Severity::warning,
          "in chain " + ending.chain->name + ", rule " + describe(*ending.rule) +
              (drop ? " drops " : " accepts ") + (all ? "media" : "some media") +
              " ahead of the jump to sip_media",
          drop ? "What it drops never gets to the pinholes: calls have no media."
               : "What it takes is not counted, and does not keep its pinhole open: a call in good health "
                 "looks idle, and is closed after media-idle.",
          jump_line(base)};
}

std::span<const Ending> ahead(const Led& one) {
  return std::span(one.path.endings).first(one.path.ahead);
}

bool takes_all(const Led& one, const system::Rule* rule) {
  return std::ranges::any_of(
      ahead(one), [&](const Ending& ending) { return ending.rule == rule && ending.reach == Reach::all; });
}

// The first rule of this kind ahead of the jump, or better one that takes the media of all ways.
std::optional<Finding> ahead_of_jump(const std::vector<Led>& all, Kind kind) {
  std::optional<Finding> found;
  for (const Led& one : all) {
    const Ending* ending = first_ending(ahead(one), kind);
    if (ending == nullptr) continue;
    const bool takes = std::ranges::all_of(all, [&](const Led& other) {
      const bool alike = other.lane.first == one.lane.first && other.lane.tcp == one.lane.tcp;
      return !alike || takes_all(other, ending->rule);
    });
    if (takes) return too_late(*one.base, *ending, true);
    if (!found) found = too_late(*one.base, *ending, false);
  }
  return found;
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
    if (needs_jump(facts, hook) && !has_jump(facts, hook)) found.push_back(no_jump(facts, hook));
  }
  // A host with a server of its own may have a forward chain for nothing but to drop.
  const Chain* forward = filter_chain(facts, "forward");
  if (facts.config.policy.local && forwards(facts) && forward != nullptr && drops_media(facts, *forward) &&
      !leads_to_media(facts, *forward)) {
    found.push_back(no_jump(facts, "forward"));
    found.back().severity = Severity::warning;
    found.back().why = "This host routes: media between others, of calls that it carries, does not pass.";
  }
  return found;
}

Findings output_uncounted(const Facts& facts) {
  const std::string hook = "output";
  if (!facts.config.policy.local || !has_media_chain(facts)) return {};
  if (needs_jump(facts, hook) || has_jump(facts, hook)) return {};
  const Chain* chain = filter_chain(facts, hook);
  const system::TableName& table = facts.config.kernel.table;
  const bool taken = facts.ruleset.find(table, hook) != nullptr;
  const std::string made = system::to_string(table) + (taken ? " media_output" : " output");
  return {{"output-uncounted", Severity::warning,
           chain == nullptr ? "table " + system::to_string(table) +
                                  " leads nothing that this host sends itself to sip_media"
                            : "no rule of " + describe(*chain) + " leads media to sip_media",
           "Media of the SIP server on this host gets no mark and no DSCP there, and is not counted: nobody "
           "sees that it is missing, and a call in which only the server sends looks idle, and is closed "
           "after media-idle.",
           chain == nullptr
               ? "nft 'add chain " + made + " { type filter hook output priority filter; }; add rule " +
                     made + " jump sip_media'"
               : jump_line(*chain)}};
}

// One for each hook: the mending line is the same for all ways.
Findings jump_in_part(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto all = led(facts, hook);
    const Led* worst = worst_of(all);
    if (worst != nullptr) found.push_back(in_part(*worst, is_lost(*worst) || is_starved(*worst, all)));
  }
  return found;
}

Findings jump_too_late(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto all = led(facts, hook);
    for (const Kind kind : {Kind::drop, Kind::accept}) {
      if (auto one = ahead_of_jump(all, kind)) found.push_back(std::move(*one));
    }
  }
  return found;
}

}  // namespace dpinholer::doctor
