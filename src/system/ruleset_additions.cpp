// SPDX-License-Identifier: GPL-2.0-or-later
// The texts of rules, and all of iptables but names: the listing of nftables as JSON lacks them.
#include <algorithm>
#include <charconv>
#include <map>

#include "system/ruleset_listing.h"

namespace dpinholer::system {

namespace {

using Kind = Outcome::Kind;

Rule* rule_with_handle(Ruleset& ruleset, const TableName& table, std::uint64_t handle) {
  for (Chain& chain : ruleset.chains) {
    if (chain.table != table) continue;
    for (Rule& rule : chain.rules) {
      if (rule.handle == handle) return &rule;
    }
  }
  return nullptr;
}

}  // namespace

// What has one tab ahead of it belongs to the table. A rule may take several lines: then it has no text here.
void put_texts(Ruleset& ruleset, std::string_view listing) {
  std::map<std::pair<std::string, std::uint64_t>, std::string_view> texts;
  std::string table;
  while (!listing.empty()) {
    const auto end = std::min(listing.find('\n'), listing.size());
    std::string_view line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    if (line.starts_with("\tflags ") && line.find("dormant") != std::string_view::npos)
      ruleset.dormant.insert(table);
    constexpr std::string_view mark = " # handle ";
    const auto comment = line.rfind(mark);
    if (comment == std::string_view::npos) continue;
    const std::string_view number = line.substr(comment + mark.size());
    line = line.substr(0, comment);
    if (line.starts_with("table ")) {
      table = line.substr(6, line.find(" {") - 6);
      continue;
    }
    std::uint64_t handle = 0;
    std::from_chars(number.data(), number.data() + number.size(), handle);
    line.remove_prefix(std::min(line.find_first_not_of("\t "), line.size()));
    if (std::ranges::count(line, '{') == std::ranges::count(line, '}')) texts[{table, handle}] = line;
  }
  for (Chain& chain : ruleset.chains) {
    if (ruleset.dormant.contains(chain.table.family + " " + chain.table.name)) chain.hook.clear();
    for (Rule& rule : chain.rules) {
      const auto text = texts.find({chain.table.family + " " + chain.table.name, rule.handle});
      if (text != texts.end()) rule.text = text->second;
    }
  }
}

void put_xt_targets(Ruleset& ruleset, const std::vector<XtTarget>& targets) {
  for (const XtTarget& target : targets) {
    Rule* rule = rule_with_handle(ruleset, target.table, target.handle);
    if (rule == nullptr) continue;
    rule->of_iptables = true;
    if (target.name == "NFQUEUE") {
      rule->outcomes.push_back({Kind::queue, "", target.queues, target.bypass, {}});
    } else if (target.name == "REJECT") {
      rule->outcomes.push_back({Kind::drop, "", {}, false, {}});
    }
    if (!target.helper.empty()) rule->helper = target.helper;
  }
}

void put_xt_matches(Ruleset& ruleset, const std::vector<XtMatches>& matches) {
  const std::vector<std::string> unknown{std::string(listing::xt_match)};
  for (const XtMatches& known : matches) {
    Rule* rule = rule_with_handle(ruleset, known.table, known.handle);
    if (rule == nullptr) continue;
    auto next = known.conditions.begin();
    for (Condition& one : rule->conditions) {
      if (one.about != Condition::About::other || one.words != unknown) continue;
      if (next == known.conditions.end()) break;
      one = *next++;
    }
  }
}

}  // namespace dpinholer::system
