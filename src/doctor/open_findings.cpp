// SPDX-License-Identifier: GPL-2.0-or-later
// Ports of media that are open without a call.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "base/limits.h"
#include "doctor/finding.h"
#include "doctor/traffic.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using pinhole::PortRange;
using system::Chain;
using system::Condition;
using system::Rule;
using About = Condition::About;
using Kind = system::Outcome::Kind;

Packet stray_packet(const Facts& facts, const Way& way) {
  Packet packet = media_packet(facts, {way, false, true});
  packet.has_pinhole = false;
  packet.ports = facts.config.policy.ports;
  return packet;
}

// The range of ports that the rule is about, as far as they are ports of media.
std::optional<PortRange> range_of(const Facts& facts, const Rule& rule) {
  const PortRange& media = facts.config.policy.ports;
  for (const Condition& one : rule.conditions) {
    if (one.about != About::destination_port || one.negated) continue;
    for (const PortRange& range : one.ports) {
      const auto both = common_ports(range, media);
      if (both && size(*both) >= base::limits::media_range_ports) return both;
    }
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

// Without the range: the whole rule, or the rule with what else it accepts. Where a table of its own closes
// what another firewall opens, it has to close all of that.
std::string closing_line(const Facts& facts, const Chain& chain, const Rule& rule, const PortRange& range) {
  if (const auto closed = closed_ports(facts); closed && !is_ours(facts, chain)) {
    const PortRange both{std::min(closed->first, range.first), std::max(closed->last, range.last)};
    return "define media_ports = " + to_string(both) +
           "   # in /etc/dpinholer/standalone.nft; then: systemctl reload dpinholer-standalone";
  }
  const std::string place = address_of(chain) + " handle " + std::to_string(rule.handle);
  const auto begin = rule.text.find("dport {");
  const auto end = begin == std::string::npos ? begin : rule.text.find('}', begin);
  if (end == std::string::npos) return "nft delete rule " + place;
  std::string rest;
  for (const Condition& one : rule.conditions) {
    if (one.about != About::destination_port) continue;
    for (const PortRange& other : one.ports) {
      if (other.first <= range.first && other.last >= range.last) continue;
      rest += (rest.empty() ? "" : ", ") +
              (other.first == other.last ? std::to_string(other.first) : to_string(other));
    }
  }
  if (rest.empty()) return "nft delete rule " + place;
  return "nft " + shell_word("replace rule " + place + " " + rule.text.substr(0, begin) + "dport { " + rest +
                             " }" + rule.text.substr(end + 1));
}

Finding left_open(const Facts& facts, const Ending& one, const PortRange& range) {
  return {"range-open", Severity::warning,
          "in " + describe(*one.chain) + ", rule " + describe(*one.rule) + " accepts UDP to " +
              to_string(range) + " without a call",
          "These ports are open to everybody, at any time: pinholes add nothing to that.",
          closing_line(facts, *one.chain, *one.rule, range)};
}

}  // namespace

Findings range_open(const Facts& facts) {
  Findings found;
  std::set<const Rule*> told;
  auto look = [&](const std::string& hook, const Way& way, const Chain& base) {
    for (const Ending& one : path_through(facts, base, stray_packet(facts, way)).endings) {
      if (one.kind != Kind::accept || one.reach < Reach::part || told.contains(one.rule)) continue;
      const auto range = range_of(facts, *one.rule);
      if (!range || !is_open(facts, hook, way, *range)) continue;
      told.insert(one.rule);
      found.push_back(left_open(facts, one, *range));
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
  return found;
}

}  // namespace dpinholer::doctor
