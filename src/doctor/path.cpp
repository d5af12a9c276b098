// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/path.h"

#include <algorithm>
#include <string_view>

#include "base/limits.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using pinhole::PortRange;
using system::Chain;
using system::Condition;
using system::Outcome;
using system::Rule;
using Kind = Outcome::Kind;
using About = Condition::About;

constexpr int deepest = 16;  // the kernel's own bound (NFT_JUMP_STACK_SIZE)

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Reach all_or_none(bool true_of_it, const Condition& condition) {
  return true_of_it != condition.negated ? Reach::all : Reach::none;
}

// Single ports are services; media has ranges.
Reach reach_of_media_ports(const Condition& condition, const Packet& packet) {
  unsigned covered = 0;
  for (const PortRange& range : condition.ports) {
    const auto common = common_ports(range, packet.ports);
    if (range.first != range.last && common) covered += size(*common);
  }
  const unsigned all = size(packet.ports);
  if (condition.negated) covered = all - std::min(covered, all);
  if (covered == 0) return Reach::none;
  return covered * 2 >= all ? Reach::all : Reach::part;
}

// The port of the other end: any.
Reach reach_of_any_port(const Condition& condition) {
  if (condition.negated) return Reach::all;
  const bool range =
      std::ranges::any_of(condition.ports, [](const PortRange& one) { return one.first != one.last; });
  return range ? Reach::part : Reach::few;
}

Reach reach_of_ports(const Condition& condition, const Packet& packet) {
  const bool destination = condition.about == About::destination_port;
  if (packet.kind == Packet::Kind::media) {
    const Reach reach = reach_of_media_ports(condition, packet);
    return destination || condition.negated ? reach : std::min(reach, Reach::unclear);
  }
  if (destination != (packet.kind == Packet::Kind::to_sip)) return reach_of_any_port(condition);
  return all_or_none(std::ranges::any_of(condition.ports,
                                         [&](const PortRange& one) {
                                           return packet.sip_port >= one.first && packet.sip_port <= one.last;
                                         }),
                     condition);
}

Reach reach_of_mark(const Condition& condition, const Packet& packet) {
  if ((condition.mask & ~packet.mark) == 0) return all_or_none(condition.bits == condition.mask, condition);
  return condition.negated ? Reach::unclear : Reach::few;
}

bool names(const Condition& condition, const std::string& interface) {
  return std::ranges::any_of(condition.words,
                             [&](std::string_view word) { return matches(word, interface); });
}

Reach least(const std::vector<Condition>& conditions, const Packet& packet) {
  Reach least = Reach::all;
  for (const Condition& one : conditions) least = std::min(least, reach(one, packet));
  return least;
}

// What the conditions leave of the ports.
void narrow(const std::vector<Condition>& conditions, std::vector<PortRange>& ports, bool& by_ports) {
  for (const Condition& one : conditions) {
    if (one.about != About::destination_port || one.negated) continue;
    std::vector<PortRange> left;
    for (const PortRange& range : one.ports) {
      for (const PortRange& other : ports) {
        if (const auto common = common_ports(range, other)) left.push_back(*common);
      }
    }
    ports = std::move(left);
    by_ports = true;
  }
}

// Those of the packets that came to a place in the rules.
struct Here {
  Reach come = Reach::all;       // of all packets
  Reach returned = Reach::none;  // ahead of it to a calling chain, where other rules may take them
  bool over = false;             // a rule ended their way: only a jump to sip_media is looked for
  int depth = 0;
  std::vector<PortRange> ports{};  // of media: those that conditions on the way leave
  bool by_ports = false;           // there were such conditions
};

struct Walk {
  const Packet& packet;
  const system::Ruleset& ruleset;
  const system::TableName& ours;
  Followed& followed;
  Path path{};
  std::size_t rules = 0;  // that may still be looked at
  bool cut = false;       // more than these
  bool ended = false;    // for all packets
  bool arrived = false;  // all packets

  bool go(const Chain& chain, Here here);
  bool follow(const Chain& chain, const Rule& rule, const Outcome& outcome, const Here& here);
  void arrive(const Rule& rule, const Here& here);
  void end(const Chain& chain, const Rule& rule, Kind kind, const Here& here);
};

void Walk::arrive(const Rule& rule, const Here& here) {
  if (here.come > path.arrives) {
    path.arrives = here.come;
    path.jump = &rule;
    path.ahead = path.endings.size();
  }
  arrived = here.come == Reach::all;
  if (arrived && !here.over) ended = true;
}

void Walk::end(const Chain& chain, const Rule& rule, Kind kind, const Here& here) {
  path.endings.push_back({&chain, &rule, kind, here.come, here.ports, here.by_ports});
  if (kind == Kind::offload || here.come != Reach::all) return;
  ended = true;
  path.dropped = kind == Kind::drop;
  path.returned = here.returned;
  path.last = &rule;
  path.where = &chain;
}

// True when the chain ended the way of all packets that came into it.
bool Walk::follow(const Chain& chain, const Rule& rule, const Outcome& outcome, const Here& here) {
  if (outcome.target == media_chain && chain.table == ours) {
    if (packet.has_pinhole) arrive(rule, here);
    return packet.has_pinhole;
  }
  const auto [target, fresh] = followed.targets.try_emplace(&outcome, nullptr);
  if (fresh) target->second = ruleset.find(chain.table, outcome.target);
  const Chain* next = target->second;
  if (next == nullptr || here.depth >= deepest) return false;
  return go(*next, {here.come, here.returned, here.over, here.depth + 1, here.ports, here.by_ports});
}

// True when the chain ends their way.
bool Walk::go(const Chain& chain, Here here) {
  const Here into = here;
  const bool of_media = packet.kind == Packet::Kind::media;
  for (const Rule& rule : chain.rules) {
    if (arrived || (here.over && !packet.has_pinhole)) break;
    if (rules == 0) {
      cut = true;
      break;
    }
    --rules;
    const Reach of_rule = least(rule.conditions, packet);
    for (const Outcome& outcome : rule.outcomes) {
      const Reach own = std::min(of_rule, least(outcome.conditions, packet));
      here.come = std::min(own, into.come);
      if (here.come == Reach::none) continue;
      if (of_media) {
        here.ports = into.ports;
        here.by_ports = into.by_ports;
        narrow(rule.conditions, here.ports, here.by_ports);
        narrow(outcome.conditions, here.ports, here.by_ports);
      }
      if (outcome.kind == Kind::give_back) {
        if (own == Reach::all) return here.over;
        here.returned = std::max(here.returned, here.come);
      } else if (outcome.kind == Kind::jump || outcome.kind == Kind::go_to) {
        const bool done = follow(chain, rule, outcome, here);
        if (own != Reach::all) continue;
        here.over = here.over || done;
        if (outcome.kind == Kind::go_to) return here.over;
        break;  // of a verdict map one entry decides
      } else if (!here.over) {
        end(chain, rule, outcome.kind, here);
        here.over = own == Reach::all && outcome.kind != Kind::offload;
      }
    }
  }
  return here.over;
}

std::string key_of(const Chain& base, const Packet& packet) {
  std::string key = packet.in + '/' + packet.out + '/';
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&base)),
        static_cast<std::uint64_t>(packet.kind) << 4 | std::uint64_t{packet.has_pinhole} << 3 |
            std::uint64_t{packet.tcp} << 2 | std::uint64_t{packet.ipv6} << 1 | std::uint64_t{packet.first},
        std::uint64_t{packet.ports.first} << 32 | std::uint64_t{packet.ports.last} << 16 | packet.sip_port,
        std::uint64_t{packet.mark}}) {
    key += std::to_string(number) + '/';
  }
  return key;
}

}  // namespace

std::optional<PortRange> common_ports(const PortRange& one, const PortRange& other) {
  const PortRange both{std::max(one.first, other.first), std::min(one.last, other.last)};
  return both.first <= both.last ? std::optional(both) : std::nullopt;
}

bool matches(std::string_view word, std::string_view interface) {
  if (!word.ends_with('*')) return word == interface;
  return interface.starts_with(word.substr(0, word.size() - 1));
}

Reach reach(const Condition& condition, const Packet& packet) {
  switch (condition.about) {
    case About::protocol:
      return all_or_none(has(condition.words, packet.tcp ? "tcp" : "udp"), condition);
    case About::destination_port:
    case About::source_port:
      return reach_of_ports(condition, packet);
    case About::ct_state:
      return all_or_none(has(condition.words, packet.first ? "new" : "established"), condition);
    case About::in_interface:
      return all_or_none(names(condition, packet.in), condition);
    case About::out_interface:
      return all_or_none(names(condition, packet.out), condition);
    case About::family:
      return all_or_none(has(condition.words, packet.ipv6 ? "ip6" : "ip"), condition);
    case About::mark:
      return reach_of_mark(condition, packet);
    case About::few:
      return Reach::few;
    case About::other:
      return Reach::unclear;
  }
  return Reach::unclear;
}

Path path_through(const Chain& base, const Packet& packet, const system::Ruleset& ruleset,
                  const system::TableName& ours, Followed& followed) {
  const auto [known, fresh] = followed.paths.try_emplace(key_of(base, packet));
  Path& path = known->second;
  if (fresh) {
    const std::size_t bound = std::min(followed.rules, base::limits::followed_rules);
    Walk walk{packet, ruleset, ours, followed};
    walk.rules = bound;
    walk.path.base = &base;
    walk.go(base, {Reach::all, Reach::none, false, 0, {packet.ports}, false});
    followed.rules -= bound - walk.rules;
    walk.path.cut = walk.cut;
    if (!walk.ended && !walk.cut) {
      walk.path.dropped = base.drops;
      walk.path.where = &base;
    }
    path = std::move(walk.path);
  }
  if (path.cut) ++followed.cut;
  return path;
}

bool is_dropped(const Path& path) {
  constexpr Reach doubt = Reach::unclear;
  if (!path.dropped || path.arrives >= doubt || path.returned >= doubt) return false;
  return std::ranges::none_of(path.endings, [&](const Ending& one) {
    return (one.kind == Kind::accept || one.kind == Kind::queue) && one.reach >= doubt;
  });
}

const Ending* first_ending(std::span<const Ending> endings, Kind kind) {
  for (const Ending& one : endings) {
    if (one.kind == kind && one.reach >= Reach::part) return &one;
  }
  return nullptr;
}

}  // namespace dpinholer::doctor
