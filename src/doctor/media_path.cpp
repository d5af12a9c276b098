// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/media_path.h"

#include <algorithm>
#include <vector>

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

// How many ports of `range` are media ports.
unsigned overlap(PortRange range, PortRange media) {
  const unsigned first = std::max(range.first, media.first);
  const unsigned last = std::min(range.last, media.last);
  return first <= last ? last - first + 1 : 0;
}

// Single ports are services; media has ranges.
Reach reach_of_ports(const Condition& condition, const Media& media) {
  unsigned covered = 0;
  for (const PortRange& range : condition.ports) {
    if (range.first != range.last) covered += overlap(range, media.ports);
  }
  const unsigned all = overlap(media.ports, media.ports);
  if (condition.negated) covered = all - std::min(covered, all);
  if (covered == 0) return Reach::none;
  return covered * 2 >= all ? Reach::all : Reach::part;
}

Reach reach_of_protocol(const Condition& condition, const Media& media) {
  const bool either = has(condition.words, "udp") || (media.tcp && has(condition.words, "tcp"));
  return either != condition.negated ? Reach::all : Reach::none;
}

Reach reach_of_state(const Condition& condition, const Media& media) {
  const bool first = has(condition.words, "new") != condition.negated;
  const bool later = has(condition.words, "established") != condition.negated;
  return first || (later && !media.first_packet) ? Reach::all : Reach::none;
}

Reach reach_of_interface(const Condition& condition) {
  const bool loopback = !condition.negated && condition.words.size() == 1 && condition.words.front() == "lo";
  return loopback ? Reach::none : Reach::part;
}

struct Walk {
  std::string_view wanted;
  const system::Ruleset& ruleset;
  const Media& media;
  std::vector<Ending> endings;

  bool go(const Chain& chain, Reach so_far, int depth);
  bool follow(const Chain& chain, const Outcome& outcome, Reach so_far, int depth) {
    if (outcome.target == wanted) return true;
    const Chain* next = ruleset.find(chain.table, outcome.target);
    return next != nullptr && depth < deepest && go(*next, so_far, depth + 1);
  }
};

// True when it came to a jump to the wanted chain.
bool Walk::go(const Chain& chain, Reach so_far, int depth) {
  for (const Rule& rule : chain.rules) {
    Reach applies = so_far;
    for (const Condition& one : rule.conditions) applies = std::min(applies, reach(one, media));
    for (const Outcome& outcome : rule.outcomes) {
      const Reach here = outcome.condition ? std::min(applies, reach(*outcome.condition, media)) : applies;
      if (here == Reach::none) continue;
      switch (outcome.kind) {
        case Kind::jump:
        case Kind::go_to:
          if (follow(chain, outcome, here, depth)) return true;
          break;
        case Kind::accept:
        case Kind::drop:
        case Kind::offload:
          if (here >= Reach::part) endings.push_back({&chain, &rule, outcome.kind, here});
          break;
        case Kind::give_back:
        case Kind::queue:
          break;
      }
    }
  }
  return false;
}

}  // namespace

Reach reach(const Condition& condition, const Media& media) {
  switch (condition.about) {
    case About::protocol:
      return reach_of_protocol(condition, media);
    case About::destination_port:
      return reach_of_ports(condition, media);
    case About::source_port:
      return std::min(reach_of_ports(condition, media), condition.negated ? Reach::all : Reach::unclear);
    case About::ct_state:
      return reach_of_state(condition, media);
    case About::interface:
      return reach_of_interface(condition);
    case About::other:
      return Reach::unclear;
  }
  return Reach::unclear;
}

Path path_to(std::string_view chain, const system::Ruleset& ruleset, const Chain& base, const Media& media) {
  Walk walk{chain, ruleset, media, {}};
  const bool arrives = walk.go(base, Reach::all, 0);
  return {arrives, std::move(walk.endings)};
}

}  // namespace dpinholer::doctor
