// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/traffic.h"

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using pinhole::PortRange;
using system::Chain;
using system::Condition;
using system::Outcome;
using system::Rule;
using About = Condition::About;
using Kind = Outcome::Kind;

bool mentions(const std::vector<Condition>& conditions, const std::string& interface) {
  return std::ranges::any_of(conditions, [&](const Condition& one) {
    return (one.about == About::in_interface || one.about == About::out_interface) &&
           std::ranges::any_of(one.words, [&](const auto& word) { return matches(word, interface); });
  });
}

bool is_mentioned(const Facts& facts, const std::string& interface) {
  return std::ranges::any_of(facts.ruleset.chains, [&](const Chain& chain) {
    return std::ranges::any_of(chain.rules, [&](const Rule& rule) {
      return mentions(rule.conditions, interface) ||
             std::ranges::any_of(rule.outcomes,
                                 [&](const Outcome& one) { return mentions(one.conditions, interface); });
    });
  });
}

std::vector<std::string> interfaces(const Facts& facts) {
  std::vector<std::string> named;
  std::vector<std::string> others;
  for (const std::string& one : facts.interfaces) {
    if (is_mentioned(facts, one)) {
      if (named.size() < base::limits::checked_interfaces) named.push_back(one);
    } else if (others.size() < 2) {
      others.push_back(one);
    }
  }
  named.insert(named.end(), others.begin(), others.end());
  if (named.empty()) named.emplace_back();
  return named;
}

// Those that the hook sees; false is IPv4.
std::vector<bool> families(const Facts& facts, std::string_view hook) {
  const std::string& ours = facts.config.kernel.table.family;
  const bool local = hook != "forward";
  const bool bridge = !facts.bridges.empty();
  std::vector<bool> found;
  if (ours != "ip6" && (local || facts.forwards_ipv4 || (bridge && facts.bridged_ipv4)))
    found.push_back(false);
  if (ours != "ip" && (local || facts.forwards_ipv6 || (bridge && facts.bridged_ipv6))) found.push_back(true);
  if (found.empty()) found.push_back(ours == "ip6");
  return found;
}

std::string_view opposite(std::string_view hook) {
  if (hook == "input") return "output";
  return hook == "output" ? "input" : hook;
}

bool queues_sip(const Facts& facts, const Chain& chain, const Rule& rule) {
  return std::ranges::any_of(rule.outcomes, [&](const Outcome& one) {
    return one.kind == Kind::queue && is_our_queue(facts, chain, one.queues);
  });
}

// The rule queues SIP, or leads to a chain that does.
bool leads_to_queue(const Facts& facts, const Chain& chain, const Rule& rule) {
  if (queues_sip(facts, chain, rule)) return true;
  return std::ranges::any_of(rule.outcomes, [&](const Outcome& one) {
    const bool leads = one.kind == Kind::jump || one.kind == Kind::go_to;
    const Chain* next = leads ? facts.ruleset.find(chain.table, one.target) : nullptr;
    return next != nullptr && std::ranges::any_of(next->rules, [&](const Rule& inner) {
             return queues_sip(facts, *next, inner);
           });
  });
}

// The port of SIP from few addresses: a peer that a rule names is one from whom SIP comes.
bool accepts_from_peer(const Ending& one) {
  return one.kind == Kind::accept &&
         std::ranges::any_of(one.rule->conditions, [](const Condition& condition) {
           return condition.about == About::destination_port;
         });
}

bool drops_in_the_end(const Facts& facts, const Chain& chain, const Rule& rule) {
  if (rule.outcomes.empty()) return false;
  const Outcome& last = rule.outcomes.back();
  if (last.kind == Kind::drop) return true;
  const Chain* next = facts.ruleset.find(chain.table, last.target);
  if (next == nullptr || next->rules.empty()) return false;
  const Rule& end = next->rules.back();
  return end.conditions.empty() && !end.outcomes.empty() && end.outcomes.back().kind == Kind::drop;
}

}  // namespace

std::string describe(const Way& way) {
  std::string text;
  auto add = [&](const std::string& words) { text += (text.empty() ? "" : " ") + words; };
  if (!way.in.empty()) add("from " + way.in);
  if (!way.out.empty()) add("to " + way.out);
  if (way.ipv6) add("over IPv6");
  return text;
}

Way reversed(const Way& way) {
  return {way.out, way.in, way.ipv6};
}

std::vector<std::string> media_hooks(const system::Config& config) {
  if (config.policy.local) return {"input", "output"};
  return {"forward"};
}

std::vector<const Chain*> base_chains(const Facts& facts, std::string_view hook) {
  std::vector<const Chain*> found;
  for (const Chain& chain : facts.ruleset.chains) {
    const std::string& family = chain.table.family;
    if (chain.hook == hook && (family == "inet" || family == "ip" || family == "ip6"))
      found.push_back(&chain);
  }
  std::ranges::reverse(found);
  std::ranges::stable_sort(found, {}, &Chain::priority);
  return found;
}

bool is_ours(const Facts& facts, const Chain& chain) {
  return chain.table == facts.config.kernel.table;
}

bool sees(const Chain& chain, const Way& way) {
  return chain.table.family == "inet" || (chain.table.family == "ip6") == way.ipv6;
}

bool is_our_queue(const Facts& facts, const Chain& chain, const system::QueueRange& queues) {
  const system::QueueRange& ours = facts.config.kernel.queues;
  return is_ours(facts, chain) || (queues.first <= ours.last && ours.first <= queues.last);
}

std::vector<std::uint16_t> sip_ports(const Facts& facts) {
  std::vector<std::uint16_t> ports;
  for (const Chain& chain : facts.ruleset.chains) {
    for (const Rule& rule : chain.rules) {
      if (!leads_to_queue(facts, chain, rule)) continue;
      for (const Condition& one : rule.conditions) {
        if (one.about != About::destination_port || one.negated) continue;
        for (const PortRange& range : one.ports) {
          const bool known = std::ranges::find(ports, range.first) != ports.end();
          if (!known && ports.size() < base::limits::checked_sip_ports) ports.push_back(range.first);
        }
      }
    }
  }
  if (ports.empty()) ports.push_back(5060);
  return ports;
}

std::optional<PortRange> closed_ports(const Facts& facts) {
  for (const Chain& chain : facts.ruleset.chains) {
    if (!is_ours(facts, chain) || chain.hook.empty()) continue;
    for (const Rule& rule : chain.rules) {
      for (const Condition& one : rule.conditions) {
        if (one.about != About::destination_port || one.negated || !drops_in_the_end(facts, chain, rule))
          continue;
        for (const PortRange& range : one.ports) {
          if (size(range) >= base::limits::media_range_ports) return range;
        }
      }
    }
  }
  return std::nullopt;
}

PortRange media_ports(const Facts& facts) {
  const PortRange& all = facts.config.policy.ports;
  const auto closed = closed_ports(facts);
  return closed ? common_ports(all, *closed).value_or(all) : all;
}

std::uint32_t mark_of(const Facts& facts) {
  std::uint32_t mark = 0;
  for (const Chain& chain : facts.ruleset.chains) {
    if (!is_ours(facts, chain) || !chain.name.starts_with("sip_")) continue;
    for (const Rule& rule : chain.rules) mark |= rule.marks;
  }
  return mark;
}

std::vector<Way> all_ways(const Facts& facts, std::string_view hook) {
  const auto known = interfaces(facts);
  std::vector<Way> ways;
  for (const bool ipv6 : families(facts, hook)) {
    for (const std::string& one : known) {
      if (hook == "input") ways.push_back({one, "", ipv6});
      if (hook == "output") ways.push_back({"", one, ipv6});
      if (hook != "forward") continue;
      // Both ends of a bridge are the bridge.
      const bool bridge = std::ranges::find(facts.bridges, one) != facts.bridges.end() &&
                          (ipv6 ? facts.bridged_ipv6 : facts.bridged_ipv4);
      for (const std::string& other : known) {
        if (one != other || bridge || known.size() == 1) ways.push_back({one, other, ipv6});
      }
    }
  }
  return ways;
}

std::vector<Way> call_ways(const Facts& facts, std::string_view hook) {
  const auto all = all_ways(facts, hook);
  std::vector<Way> needed;
  auto passes = [&](std::string_view through, const Way& way) {
    return !sip_refusal(facts, through, way, false) || !sip_refusal(facts, through, way, true);
  };
  for (const Way& way : all) {
    if (passes(hook, way) || passes(opposite(hook), reversed(way))) needed.push_back(way);
  }
  return needed.empty() ? all : needed;
}

std::vector<Lane> call_lanes(const Facts& facts, std::string_view hook) {
  std::vector<Lane> lanes;
  for (const Way& way : call_ways(facts, hook)) {
    for (const bool first : {true, false}) {
      lanes.push_back({way, false, first});
      if (facts.config.negotiation.tcp) lanes.push_back({way, true, first});
    }
  }
  return lanes;
}

Packet media_packet(const Facts& facts, const Lane& lane) {
  Packet packet;
  packet.has_pinhole = true;
  packet.tcp = lane.tcp;
  packet.ipv6 = lane.way.ipv6;
  packet.first = lane.first;
  packet.in = lane.way.in;
  packet.out = lane.way.out;
  packet.ports = media_ports(facts);
  return packet;
}

Packet sip_packet(const Way& way, std::uint16_t port) {
  Packet packet;
  packet.kind = Packet::Kind::to_sip;
  packet.ipv6 = way.ipv6;
  packet.in = way.in;
  packet.out = way.out;
  packet.sip_port = port;
  return packet;
}

std::optional<Path> sip_refusal(const Facts& facts, std::string_view hook, const Way& way, bool tcp) {
  std::optional<Path> refusal;
  const auto chains = base_chains(facts, hook);
  for (const std::uint16_t port : sip_ports(facts)) {
    Packet packet = sip_packet(way, port);
    packet.tcp = tcp;
    bool passes = true;
    for (const Chain* chain : chains) {
      if (!passes || !sees(*chain, way)) continue;
      Path path = path_through(facts, *chain, packet);
      passes = !is_dropped(path) || std::ranges::any_of(path.endings, accepts_from_peer);
      if (!passes && !refusal) refusal = std::move(path);
    }
    if (passes) return std::nullopt;
  }
  return refusal;
}

Path path_through(const Facts& facts, const Chain& base, const Packet& packet) {
  return path_through(base, packet, facts.ruleset, facts.config.kernel.table, *facts.followed);
}

bool leads_to_media(const Facts& facts, const Chain& base) {
  if (!is_ours(facts, base)) return false;
  const auto ways = all_ways(facts, base.hook);
  return std::ranges::any_of(ways, [&](const Way& way) {
    auto arrives = [&](const Lane& lane) {
      return path_through(facts, base, media_packet(facts, lane)).arrives != Reach::none;
    };
    return arrives({way, false, true}) || arrives({way, false, false}) ||
           (facts.config.negotiation.tcp && (arrives({way, true, true}) || arrives({way, true, false})));
  });
}

const Chain* filter_chain(const Facts& facts, std::string_view hook) {
  const Chain* best = nullptr;
  for (const Chain* chain : base_chains(facts, hook)) {
    if (!is_ours(facts, *chain) || chain->name.starts_with("sip_")) continue;
    if (leads_to_media(facts, *chain)) return chain;
    // Beside it there may be chains that only change packets, at priorities of their own.
    if (best == nullptr || std::abs(chain->priority) < std::abs(best->priority)) best = chain;
  }
  return best;
}

}  // namespace dpinholer::doctor
