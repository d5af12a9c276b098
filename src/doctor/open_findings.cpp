// SPDX-License-Identifier: GPL-2.0-or-later
// Ports of media that are open without a call.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

#include "base/limits.h"
#include "doctor/finding.h"
#include "doctor/remedies.h"
#include "doctor/traffic.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using pinhole::PortRange;
using system::Chain;
using system::Rule;
using Kind = system::Outcome::Kind;

Packet stray_packet(const Facts& facts, const Way& way) {
  Packet packet = media_packet(facts, {way, false, true});
  packet.has_pinhole = false;
  packet.ports = facts.config.policy.ports;
  return packet;
}

// The ports of media that conditions leave to it; nothing where none is about ports.
std::optional<PortRange> range_of(const Ending& one) {
  if (!one.by_ports) return std::nullopt;
  for (const PortRange& range : one.ports) {
    if (size(range) >= base::limits::media_range_ports) return range;
  }
  return std::nullopt;
}

// A network inside may well send what it likes.
bool is_from_inside(const Facts& facts, const Way& way) {
  const auto& inside = facts.config.policy.inside_interfaces;
  return std::ranges::find(inside, way.in) != inside.end() ||
         (!facts.way_outside.empty() && way.in != facts.way_outside);
}

bool passes_everywhere(const Facts& facts, std::string_view hook, const Way& way, std::uint16_t port) {
  Packet packet = stray_packet(facts, way);
  packet.ports = {port, port};
  return std::ranges::none_of(base_chains(facts, hook), [&](const Chain* chain) {
    return sees(*chain, way) && is_dropped(path_through(facts, *chain, packet));
  });
}

// A part of it may be closed elsewhere.
bool is_open(const Facts& facts, std::string_view hook, const Way& way, const PortRange& range) {
  return passes_everywhere(facts, hook, way, range.first) || passes_everywhere(facts, hook, way, range.last);
}

Finding left_open(const Facts& facts, const Chain& base, const Ending& one, const PortRange& range) {
  return {"range-open", Severity::warning,
          "in " + describe(*one.chain) + ", rule " + describe(*one.rule) + " accepts UDP to " +
              to_string(range) + " without a call",
          "These ports are open to everybody, at any time: pinholes add nothing to that.",
          close_range_line(facts, base, one, range)};
}

// ---- All ports --------------------------------------------------------------------------------------------

// A rule that lets media of all ports pass a base chain, or its policy.
struct Opening {
  const Chain* base = nullptr;
  std::optional<Ending> rule;
};

// Nothing where all may be dropped, or where the rule is one about ports.
std::optional<Opening> opening(const Facts& facts, const Chain& base, const Way& way) {
  Packet packet = stray_packet(facts, way);
  packet.ports = media_ports(facts);
  const Path path = path_through(facts, base, packet);
  for (const Ending& one : path.endings) {
    if (one.kind == Kind::drop && one.reach >= Reach::unclear) return std::nullopt;
    if (one.kind != Kind::accept || one.reach != Reach::all) continue;
    return one.by_ports ? std::nullopt : std::optional(Opening{&base, one});
  }
  return path.dropped ? std::nullopt : std::optional(Opening{&base, std::nullopt});
}

// Of all base chains on this way: a rule rather than a policy, and that of the chain with the jump.
std::optional<Opening> opening(const Facts& facts, const Way& way) {
  const Chain* filter = filter_chain(facts, "forward");
  Opening found{filter, std::nullopt};
  for (const Chain* base : base_chains(facts, "forward")) {
    if (!sees(*base, way)) continue;
    auto here = opening(facts, *base, way);
    if (!here) return std::nullopt;
    if (here->rule && !found.rule) found = std::move(*here);
  }
  return found;
}

Finding all_open(const Facts& facts, const Opening& open, const Way& way) {
  const std::string words = describe(way);
  const std::string ports = "UDP" + (words.empty() ? "" : " " + words) + " to any port without a call";
  const std::string why = "Ports of media are open to everybody, at any time: pinholes add nothing to that.";
  if (open.rule) {
    return {
        "range-open", Severity::warning,
        "in " + describe(*open.rule->chain) + ", rule " + describe(*open.rule->rule) + " accepts " + ports,
        why, name_ports_line(*open.base, *open.rule)};
  }
  return {"range-open", Severity::warning,
          describe(*open.base) + " accepts " + ports + ": by its policy, and no rule drops it", why,
          "# let rules accept what has to pass, SIP to port " + to_set(sip_ports(facts)) +
              " and established flows among it, and let the last one drop the rest"};
}

// Where it is not known what is outside, a rule for one direction may be one for what comes from inside.
Findings all_ports_open(const Facts& facts) {
  if (facts.config.policy.local || filter_chain(facts, "forward") == nullptr) return {};
  const bool known = !facts.config.policy.inside_interfaces.empty() || !facts.way_outside.empty();
  Findings found;
  std::set<const Rule*> told;
  for (const Way& way : call_ways(facts, "forward")) {
    if (is_from_inside(facts, way)) continue;
    const auto open = opening(facts, way);
    if (!open || (!known && way.in != way.out && !opening(facts, reversed(way)))) continue;
    if (told.insert(open->rule ? open->rule->rule : nullptr).second)
      found.push_back(all_open(facts, *open, way));
  }
  return found;
}

}  // namespace

Findings range_open(const Facts& facts) {
  Findings found;
  std::set<const Rule*> told;
  auto look = [&](const std::string& hook, const Way& way, const Chain& base) {
    for (const Ending& one : path_through(facts, base, stray_packet(facts, way)).endings) {
      if (one.kind != Kind::accept || one.reach < Reach::part || told.contains(one.rule)) continue;
      const auto range = range_of(one);
      if (!range || !is_open(facts, hook, way, *range)) continue;
      told.insert(one.rule);
      found.push_back(left_open(facts, base, one, *range));
    }
  };
  for (const std::string& hook : media_hooks(facts.config)) {
    if (hook == "output") continue;
    for (const Way& way : all_ways(facts, hook)) {
      if (is_from_inside(facts, way)) continue;
      for (const Chain* base : base_chains(facts, hook)) {
        if (sees(*base, way)) look(hook, way, *base);
      }
    }
  }
  Findings all = all_ports_open(facts);
  found.insert(found.end(), std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
  return found;
}

}  // namespace dpinholer::doctor
