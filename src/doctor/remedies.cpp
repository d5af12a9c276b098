// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/remedies.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using pinhole::PortRange;
using system::Chain;
using system::Condition;
using system::Rule;
using About = Condition::About;

constexpr std::uint32_t shipped_mark = 0x0100'0000;  // of defaults.nft
const std::string options_chain = "sip_media_options";
const std::string the_policies = "   # docs/gateways.md has the policies of firewalld";

bool has_chain(const Facts& facts, const Chain& beside, const std::string& name) {
  return facts.ruleset.find(beside.table, name) != nullptr;
}

bool is_of_ufw(const Facts& facts, const Chain& base) {
  const std::string name = base.table.family == "ip6" ? "ufw6-before-" : "ufw-before-";
  return is_of_iptables(base) && has_chain(facts, base, name + base.hook);
}

// "iptables-nft", "ip6tables-nft -t mangle"
std::string iptables(const Chain& base) {
  return (base.table.family == "ip6" ? "ip6tables-nft" : "iptables-nft") +
         (base.table.name == "filter" ? "" : " -t " + base.table.name);
}

// Ahead of all that Docker has.
std::string first_by_iptables(const Facts& facts, const Chain& base) {
  const bool docker = base.hook == "forward" && has_chain(facts, base, "DOCKER-USER");
  return iptables(base) + " -I " + (docker ? "DOCKER-USER" : base.name) + " ";
}

std::string range_for_firewalld(const Facts& facts) {
  const auto closed = closed_ports(facts);
  if (!closed) {
    return "systemctl enable --now dpinholer-standalone   # and its range open in firewalld, whose rules "
           "can't look "
           "at marks: docs/gateways.md";
  }
  return "firewall-cmd --permanent --policy=calls-in --add-port=" + to_string(*closed) +
         "/udp && firewall-cmd --reload" + the_policies;
}

std::string place_ahead(const Chain& ours, const Chain& theirs) {
  return "type filter hook " + ours.hook + " priority " + priority_words(theirs.priority - 10) + "; policy " +
         (ours.drops ? "drop" : "accept") + ";   # in " + describe(ours) +
         ", loaded anew: ahead of the other one, for which it sets a mark";
}

bool comes_first(const Facts& facts, const Chain& one, const Chain& other) {
  for (const Chain* chain : base_chains(facts, one.hook)) {
    if (chain == &one) return true;
    if (chain == &other) return false;
  }
  return false;
}

std::size_t number_in(const Chain& chain, const Rule& rule) {
  return static_cast<std::size_t>(&rule - chain.rules.data()) + 1;
}

// Behind all that drops what is on a blocklist: just ahead of the rule that drops the rest, or of the policy.
std::vector<std::string> sip_by_iptables(const Facts& facts, const Path& refusal) {
  const Chain& base = *refusal.base;
  std::string place = " -A " + base.name + " ";
  if (refusal.last != nullptr) {
    place = " -I " + plain_shell_word(refusal.where->name) + " " +
            std::to_string(number_in(*refusal.where, *refusal.last)) + " ";
  }
  std::string ports;
  const auto all = sip_ports(facts);
  for (const std::uint16_t port : all) ports += (ports.empty() ? "" : ",") + std::to_string(port);
  std::vector<std::string> lines;
  for (const std::string protocol : {"udp", "tcp"}) {
    if (is_of_ufw(facts, base)) {
      lines.push_back((base.hook == "forward" ? "ufw route allow proto " : "ufw allow proto ") + protocol +
                      " from any to any port " + ports);
    } else {
      lines.push_back(iptables(base) + place + "-p " + protocol +
                      (all.size() == 1 ? " --dport " : " -m multiport --dports ") + ports + " -j ACCEPT");
    }
  }
  return lines;
}

std::string sip_by_firewalld(const Facts& facts) {
  std::string ports;
  for (const std::uint16_t port : sip_ports(facts)) {
    for (const char* protocol : {"/udp", "/tcp"}) ports += " --add-port=" + std::to_string(port) + protocol;
  }
  return "firewall-cmd --permanent --policy=calls-in" + ports + " && firewall-cmd --reload" + the_policies;
}

// ---- A range of ports -------------------------------------------------------------------------------------

bool has_ports(const Condition& condition) {
  return condition.about == About::destination_port;
}

// What the rule accepts beside the range, and SIP in it; in order.
std::vector<PortRange> kept_ports(const Facts& facts, const Condition& condition, const PortRange& range) {
  std::vector<PortRange> kept;
  for (const PortRange& one : condition.ports) {
    const auto common = common_ports(one, range);
    if (!common) {
      kept.push_back(one);
      continue;
    }
    const unsigned before = one.first, after = one.last;
    if (before < common->first) kept.push_back({one.first, static_cast<std::uint16_t>(common->first - 1)});
    for (const std::uint16_t port : sip_ports(facts)) {
      if (port >= common->first && port <= common->last) kept.push_back({port, port});
    }
    if (after > common->last) kept.push_back({static_cast<std::uint16_t>(common->last + 1), one.last});
  }
  std::ranges::sort(kept, {}, &PortRange::first);
  return kept;
}

// "5060,10000:20000" for iptables, "5060, 10000-20000" for nft
std::string join(const std::vector<PortRange>& ports, const std::string& comma, char dash) {
  std::string text;
  for (const PortRange& one : ports) {
    text += (text.empty() ? "" : comma) + std::to_string(one.first);
    if (one.first != one.last) text += dash + std::to_string(one.last);
  }
  return text;
}

// The text of a rule of nft with other ports; empty where that is not certain.
std::string with_ports(const std::string& text, const std::vector<PortRange>& ports) {
  constexpr std::string_view word = "dport ";
  const auto begin = text.find(word);
  if (begin == std::string::npos || text.find(word, begin + 1) != std::string::npos) return "";
  auto end = begin + word.size();
  if (text[end] == '{') {
    end = text.find('}', end);
    if (end == std::string::npos) return "";
    ++end;
  } else {
    if (std::string_view("<>").find(text[end]) != std::string_view::npos) end = text.find(' ', end) + 1;
    end = std::min(text.find(' ', end), text.size());
  }
  const std::string list = join(ports, ", ", '-');
  return text.substr(0, begin + word.size()) + (ports.size() == 1 ? list : "{ " + list + " }") +
         text.substr(end);
}

// The condition in words of iptables; nothing where that is not certain. Ports have a place of their own.
std::optional<std::string> by_iptables(const Condition& condition) {
  const std::string negation = condition.negated ? "! " : "";
  const bool one = condition.words.size() == 1;
  std::string word = one ? condition.words.front() : "";
  switch (condition.about) {
    case About::protocol:
      return one && word == "udp" && !condition.negated ? std::optional("") : std::nullopt;
    case About::family:
      return condition.negated ? std::nullopt : std::optional("");
    case About::destination_port:
      return condition.negated ? std::nullopt : std::optional("");
    case About::in_interface:
    case About::out_interface:
      if (!one) return std::nullopt;
      if (word.ends_with('*')) word.back() = '+';
      return negation + (condition.about == About::in_interface ? "-i " : "-o ") + plain_shell_word(word) +
             " ";
    case About::source_port:
    case About::ct_state:
    case About::mark:
    case About::few:
    case About::other:
      return std::nullopt;
  }
  return std::nullopt;
}

// "-i eth0 -p udp -m udp --dport 5060 -j ACCEPT"
std::optional<std::string> accept_by_iptables(const Rule& rule, const std::vector<PortRange>& ports) {
  std::string text;
  for (const Condition& one : rule.conditions) {
    const auto words = by_iptables(one);
    if (!words) return std::nullopt;
    text += *words;
  }
  const std::string list = join(ports, ",", ':');
  return text + "-p udp " + (ports.size() == 1 ? "-m udp --dport " : "-m multiport --dports ") + list +
         " -j ACCEPT";
}

std::string rule_words(const Chain& base, const Ending& open) {
  if (is_of_iptables(base)) {
    return "the rule of iptables that `" + iptables(base) + " -S " + plain_shell_word(open.chain->name) +
           " " + std::to_string(number_in(*open.chain, *open.rule)) + "` shows";
  }
  return "rule handle " + std::to_string(open.rule->handle) + " of " + describe(*open.chain);
}

// By number: so the command first looks whether that is still the rule.
std::string close_by_iptables(const Chain& base, const Ending& open, const Condition& condition,
                              const PortRange& range, const std::vector<PortRange>& kept) {
  const Rule& rule = *open.rule;
  const std::string place =
      plain_shell_word(open.chain->name) + " " + std::to_string(number_in(*open.chain, rule));
  const auto all = std::ranges::find_if(
      condition.ports, [&](const PortRange& one) { return common_ports(one, range).has_value(); });
  const std::string ports = join({*all}, ",", ':');
  const std::string list = iptables(base) + " -S " + place;
  const std::string then = list + " | grep -q -e '" + ports + ".* -j ACCEPT' && " + iptables(base);
  const std::string file = "   # and in the rules that iptables-restore loads";
  if (kept.empty()) return then + " -D " + place + file;
  const auto rest = rule.outcomes.size() == 1 ? accept_by_iptables(rule, kept) : std::nullopt;
  if (rest) return then + " -R " + place + " " + *rest + file;
  return "# in " + rule_words(base, open) + ": " + join(kept, ",", ':') + " instead of " + ports;
}

}  // namespace

// At other priorities iptables refuses to.
bool is_of_iptables(const Chain& base) {
  constexpr std::array<std::pair<std::string_view, int>, 4> tables{
      {{"filter", 0}, {"security", 50}, {"mangle", -150}, {"raw", -300}}};
  const bool known = std::ranges::any_of(
      tables, [&](const auto& one) { return one.first == base.table.name && one.second == base.priority; });
  return known && (base.table.family == "ip" || base.table.family == "ip6") &&
         std::ranges::equal(base.name, base.hook,
                            [](char upper, char lower) { return upper == std::toupper(lower); });
}

std::string name_ports_line(const Chain& base, const Ending& open) {
  return "# name the ports that services need in " + rule_words(base, open) +
         ", that of SIP among them: media needs none";
}

// Where a table of its own closes what another firewall opens, it has to close all of that.
std::string close_range_line(const Facts& facts, const Chain& base, const Ending& open,
                             const PortRange& range) {
  const Chain& chain = *open.chain;
  const Rule& rule = *open.rule;
  if (const auto closed = closed_ports(facts); closed && !is_ours(facts, chain)) {
    const PortRange both{std::min(closed->first, range.first), std::max(closed->last, range.last)};
    return "define media_ports = " + to_string(both) +
           "   # in /etc/dpinholer/standalone.nft; then: systemctl reload dpinholer-standalone";
  }
  const std::string place = address_of(chain) + " handle " + std::to_string(rule.handle);
  const auto condition = std::ranges::find_if(rule.conditions, [&](const Condition& one) {
    return has_ports(one) && std::ranges::any_of(one.ports, [&](const PortRange& ports) {
             return ports.first <= range.first && ports.last >= range.last;
           });
  });
  // A verdict map has them, or the rule that jumps there.
  if (condition == rule.conditions.end() || std::ranges::count_if(rule.conditions, has_ports) > 1) {
    return "# take ports " + to_string(range) + " out of the map or the rule that leads to " +
           rule_words(base, open);
  }
  const auto kept = kept_ports(facts, *condition, range);
  if (is_of_iptables(base)) return close_by_iptables(base, open, *condition, range, kept);
  if (kept.empty()) return "nft delete rule " + place;
  const std::string text = with_ports(rule.text, kept);
  if (text.empty()) return "# in " + rule_words(base, open) + ": ports " + join(kept, ", ", '-') + " only";
  return "nft " + shell_word("replace rule " + place + " " + text);
}

std::string priority_words(int priority) {
  if (priority == 0) return "filter";
  return (priority < 0 ? "filter - " : "filter + ") + std::to_string(std::abs(priority));
}

std::string pass_media_line(const Facts& facts, const Chain& theirs, const Chain& ours) {
  if (theirs.table.name == "firewalld") return range_for_firewalld(facts);
  if (!comes_first(facts, ours, theirs)) return place_ahead(ours, theirs);
  const std::uint32_t set = mark_of(facts);
  if (set == 0 && facts.ruleset.find(ours.table, options_chain) == nullptr) {
    return "include \"dpinholer/dpinholer.nft\"   # as shipped, with mark.nft, in table " +
           system::to_string(ours.table);
  }
  const std::string mark = to_hexadecimal(set != 0 ? set : shipped_mark);
  const std::string setting = "add rule " + system::to_string(ours.table) + " " + options_chain +
                              " meta mark set meta mark | " + mark;
  const std::string also = set != 0 ? "" : "   # and mark.nft in /etc/dpinholer/dpinholer.nft";
  if (is_of_iptables(theirs)) {
    const std::string accept =
        first_by_iptables(facts, theirs) + "-m mark --mark " + mark + "/" + mark + " -j ACCEPT";
    return (set != 0 ? "" : "nft " + shell_word(setting) + " && ") + accept + also;
  }
  const std::string accept =
      "insert rule " + address_of(theirs) + " meta mark & " + mark + " == " + mark + " accept";
  return "nft " + shell_word(set != 0 ? accept : setting + "; " + accept) + also;
}

std::string accept_sip_line(const Facts& facts, const Path& refusal) {
  const Chain& base = *refusal.base;
  if (base.table.name == "firewalld") return sip_by_firewalld(facts);
  if (is_of_iptables(base)) {
    const auto lines = sip_by_iptables(facts, refusal);
    return lines.front() + " && " + lines.back();
  }
  const std::string rule = "meta l4proto { tcp, udp } th dport " + to_set(sip_ports(facts)) + " accept";
  if (refusal.last == nullptr) return "nft " + shell_word("add rule " + address_of(base) + " " + rule);
  return "nft " + shell_word("insert rule " + address_of(*refusal.where) + " handle " +
                             std::to_string(refusal.last->handle) + " " + rule);
}

}  // namespace dpinholer::doctor
