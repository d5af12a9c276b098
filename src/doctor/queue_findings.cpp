// SPDX-License-Identifier: GPL-2.0-or-later
// The way of SIP: the rules that queue it, their place, and who reads the queue.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/counted.h"
#include "doctor/finding.h"
#include "doctor/remedies.h"
#include "doctor/traffic.h"
#include "doctor/words.h"
#include "system/queue.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;
using system::Outcome;
using system::QueueRange;
using system::Rule;
using Kind = Outcome::Kind;

struct Use {
  const Chain* base = nullptr;
  const Chain* chain = nullptr;
  const Rule* rule = nullptr;
  QueueRange queues;
  bool bypass = false;
};

void collect(const Facts& facts, const Chain& base, const Chain& chain, std::set<const Chain*>& seen,
             std::vector<Use>& uses) {
  if (!seen.insert(&chain).second) return;
  for (const Rule& rule : chain.rules) {
    for (const Outcome& outcome : rule.outcomes) {
      if (outcome.kind == Kind::queue) {
        uses.push_back({&base, &chain, &rule, outcome.queues, outcome.bypass});
      } else if (outcome.kind == Kind::jump || outcome.kind == Kind::go_to) {
        const Chain* next = facts.ruleset.find(chain.table, outcome.target);
        if (next != nullptr) collect(facts, base, *next, seen, uses);
      }
    }
  }
}

std::vector<Use> our_uses(const Facts& facts) {
  std::vector<Use> uses;
  for (const Chain& chain : facts.ruleset.chains) {
    if (chain.hook.empty()) continue;
    std::set<const Chain*> seen;
    collect(facts, chain, chain, seen, uses);
  }
  std::erase_if(uses, [&](const Use& use) { return !is_our_queue(facts, *use.chain, use.queues); });
  return uses;
}

// One use for each rule: several base chains may lead to it.
std::vector<Use> our_rules(const Facts& facts) {
  std::vector<Use> uses = our_uses(facts);
  std::set<const Rule*> seen;
  std::erase_if(uses, [&](const Use& use) { return !seen.insert(use.rule).second; });
  return uses;
}

// The hooks that `hook` is on the way of.
bool serves(std::string_view queue_hook, std::string_view hook) {
  if (queue_hook == hook) return true;
  if (hook == "output") return queue_hook == "postrouting";
  return queue_hook == "prerouting" || (hook == "forward" && queue_hook == "postrouting");
}

const Chain* chain_with_jump(const Facts& facts, std::string_view hook) {
  for (const Chain* chain : base_chains(facts, hook)) {
    if (leads_to_media(facts, *chain)) return chain;
  }
  return nullptr;
}

// Whether SIP on some way may end there.
bool may_drop_sip(const Facts& facts, const Chain& chain) {
  const auto ways = all_ways(facts, chain.hook);
  const auto ports = sip_ports(facts);
  return std::ranges::any_of(ways, [&](const Way& way) {
    return sees(chain, way) && std::ranges::any_of(ports, [&](std::uint16_t port) {
             const Path path = path_through(facts, chain, sip_packet(way, port));
             return path.dropped || first_ending(path.endings, Kind::drop) != nullptr;
           });
  });
}

// The chain that the jump is in, and those that refuse some SIP.
std::vector<const Chain*> judges(const Facts& facts, std::string_view hook) {
  std::vector<const Chain*> found;
  const Chain* filter = chain_with_jump(facts, hook);
  if (filter == nullptr) return found;
  found.push_back(filter);
  for (const Chain* chain : base_chains(facts, hook)) {
    if (chain != filter && may_drop_sip(facts, *chain)) found.push_back(chain);
  }
  return found;
}

bool of_one_family(const Chain& one, const Chain& other) {
  return one.table.family == other.table.family || one.table.family == "inet" || other.table.family == "inet";
}

bool too_early(const Use& use, const Chain& filter) {
  if (!of_one_family(*use.base, filter)) return false;
  if (use.base->hook == "prerouting") return filter.hook != "output";
  if (use.base->hook != filter.hook || use.base == &filter) return false;
  return use.base->priority <= filter.priority;
}

// Behind all of them.
std::string right_priority(const std::vector<const Chain*>& all) {
  int last = 10;  // where firewalld decides
  for (const Chain* one : all) last = std::max(last, one->priority);
  return priority_words(last + 10);
}

Finding too_early_for(const Use& use, const std::vector<const Chain*>& all, const Chain& judge) {
  return {
      "queue-too-early", Severity::fault,
      describe(*use.base) + " queues SIP (hook " + use.base->hook + ", priority " +
          std::to_string(use.base->priority) + ") before " + describe(judge) + " (priority " +
          std::to_string(judge.priority) + ") has judged it",
      "SIP that your rules drop afterwards opens pinholes all the same: anybody can open ports.",
      use.rule->of_iptables
          ? "iptables-nft -t security -A FORWARD ... -j NFQUEUE   # instead of table " + use.base->table.name
          : "type filter hook " + judge.hook + " priority " + right_priority(all) +
                "; policy accept;   # in chain " + use.base->name + ", deleted and loaded anew"};
}

std::string with_bypass(const Use& use) {
  const std::string range = to_string(use.queues);
  if (use.rule->of_iptables) return "--queue-bypass   # in the rule of iptables, after -j NFQUEUE";
  std::string rule = use.rule->text;
  const auto at = rule.find("queue ");
  if (at == std::string::npos) {
    rule = "queue flags bypass to " + range;
  } else {
    rule.replace(at, std::string::npos, "queue flags bypass to " + range);
  }
  return "nft replace rule " + address_of(*use.chain) + " handle " + std::to_string(use.rule->handle) + " '" +
         rule + "'";
}

std::string where(const Use& use) {
  return "in chain " + use.chain->name + " of table " + system::to_string(use.chain->table) + ", rule " +
         describe(*use.rule);
}

bool lacks_queue(const Facts& facts) {
  return std::ranges::any_of(facts.missing_features,
                             [](const MissingFeature& one) { return one.module == "nft_queue"; });
}

std::string queueing_line(const Facts& facts, const std::string& hook) {
  const system::KernelSettings& kernel = facts.config.kernel;
  const std::string numbers = to_string(kernel.queues);
  if (lacks_queue(facts)) {
    std::string chain = hook;
    std::ranges::transform(chain, chain.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    const bool one = kernel.queues.first == kernel.queues.last;
    return "iptables-nft -t security -A " + chain + " -p udp --dport 5060 -j NFQUEUE " +
           (one ? "--queue-num " + numbers
                : "--queue-balance " + std::to_string(kernel.queues.first) + ":" +
                      std::to_string(kernel.queues.last)) +
           " --queue-bypass   # --sport too";
  }
  const std::string table = system::to_string(kernel.table);
  if (facts.ruleset.find(kernel.table, hook == "forward" ? "sip_inspect" : "sip_inspect_" + hook) !=
      nullptr) {
    return "nft add rule " + table + " sip_signalling queue flags bypass to " + numbers;
  }
  const std::string file = hook == "forward" ? "dpinholer.nft" : "local.nft";
  return "include \"dpinholer/" + file + "\"   # in table " + table;
}

}  // namespace

Findings queue_missing(const Facts& facts) {
  Findings found;
  const auto uses = our_uses(facts);
  for (const std::string& hook : media_hooks(facts.config)) {
    if (std::ranges::any_of(uses, [&](const Use& use) { return serves(use.base->hook, hook); })) continue;
    const std::string unseen =
        facts.legacy_iptables ? "; rules of iptables-legacy are in use, which are not looked at" : "";
    found.push_back({"queue-missing", facts.legacy_iptables ? Severity::warning : Severity::fault,
                     "no rule on the " + hook + " hook queues SIP" + unseen,
                     "dpinholer gets no SIP to read: no pinhole opens, and calls have no media.",
                     queueing_line(facts, hook)});
  }
  return found;
}

Findings queue_too_early(const Facts& facts) {
  Findings found;
  for (const std::string& hook : media_hooks(facts.config)) {
    const auto all = judges(facts, hook);
    std::set<const Chain*> told;
    for (const Use& use : our_uses(facts)) {
      const auto judge = std::ranges::find_if(all, [&](const Chain* one) { return too_early(use, *one); });
      if (judge != all.end() && told.insert(use.base).second)
        found.push_back(too_early_for(use, all, **judge));
    }
  }
  return found;
}

Findings queue_without_bypass(const Facts& facts) {
  Findings found;
  for (const Use& use : our_rules(facts)) {
    if (use.bypass) continue;
    found.push_back({"queue-without-bypass", Severity::fault, where(use) + " queues without bypass",
                     "While dpinholer does not run, the kernel drops all SIP that comes to this rule.",
                     with_bypass(use)});
  }
  return found;
}

Findings queue_numbers_differ(const Facts& facts) {
  const QueueRange& ours = facts.config.kernel.queues;
  const auto uses = our_rules(facts);
  Findings found;
  for (const Use& use : uses) {
    if (use.queues.first >= ours.first && use.queues.last <= ours.last) continue;
    found.push_back(
        {"queue-not-read", Severity::fault,
         where(use) + " queues to " + to_string(use.queues) + ", but kernel.queues is \"" + to_string(ours) +
             "\"",
         "What goes to the other queues nobody reads: with bypass it passes uninspected, without it is "
         "dropped.",
         "queues = \"" + to_string(use.queues) + "\"   # [kernel] in " + facts.config_file});
  }
  if (!found.empty() || uses.empty()) return found;
  std::set<unsigned> unused;
  for (unsigned number = ours.first; number <= ours.last; ++number) {
    const bool fed = std::ranges::any_of(
        uses, [&](const Use& use) { return number >= use.queues.first && number <= use.queues.last; });
    if (!fed) unused.insert(number);
  }
  if (unused.empty()) return {};
  QueueRange used = uses.front().queues;
  for (const Use& use : uses) {
    used = {std::min(used.first, use.queues.first), std::max(used.last, use.queues.last)};
  }
  return {{"queue-not-fed", Severity::warning,
           "kernel.queues is \"" + to_string(ours) + "\", but rules queue to " + to_string(used) + " only",
           "The other queues stay empty, and the work is not shared.",
           "redefine sip_queues = " + to_string(ours) + "   # in /etc/dpinholer/dpinholer.nft"}};
}

Findings nobody_listening(const Facts& facts) {
  const auto& unread = facts.unread_queues;
  const QueueRange& queues = facts.config.kernel.queues;
  if (unread.empty()) return {};
  if (unread.size() == static_cast<std::size_t>(queues.last - queues.first) + 1) {
    return {
        {"nobody-listening", Severity::fault, "nobody reads queue " + to_string(queues),
         "dpinholer does not run. SIP passes uninspected (or is dropped, without bypass), and new calls have "
         "no media.",
         "systemctl start dpinholer   # or see why not: journalctl -u dpinholer"}};
  }
  std::string numbers;
  for (const std::uint16_t number : unread) numbers += (numbers.empty() ? "" : ", ") + std::to_string(number);
  return {{"nobody-listening", Severity::fault,
           "of the queues " + to_string(queues) + " nobody reads " + numbers,
           "The daemon that runs was started with another configuration. SIP in these queues passes "
           "uninspected (or "
           "is dropped, without bypass).",
           "systemctl restart dpinholer"}};
}

Findings queue_too_short(const Facts& facts) {
  if (facts.unread_messages == 0) return {};
  const std::uint32_t length = facts.config.kernel.queue_length;
  const bool passes = facts.config.kernel.fail_open;
  const bool longest = length > system::longest_queue / 4;
  return {{"queue-too-short", Severity::warning,
           base::counted(facts.unread_messages, "message", "messages") + " found no room in a queue of " +
               std::to_string(length) + " since the daemon started",
           passes ? "They passed unread: calls among them have no media, and scanners pass."
                  : "They were dropped: phones repeat them, and calls begin late.",
           (longest ? "queues = \"0-3\"   # and the same in the rule; "
                    : "queue-length = " + std::to_string(length * 4) + "   # ") +
               "[kernel] in " + facts.config_file + "; then: systemctl restart dpinholer"}};
}

}  // namespace dpinholer::doctor
