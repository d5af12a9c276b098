// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/remedies.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;

constexpr std::uint32_t shipped_mark = 0x0100'0000;  // of defaults.nft
const std::string options_chain = "sip_media_options";
const std::string the_policies = "   # docs/gateways.md has the policies of firewalld";

bool has_chain(const Facts& facts, const Chain& beside, const std::string& name) {
  return facts.ruleset.find(beside.table, name) != nullptr;
}

// "FORWARD" on the forward hook: iptables looks after it.
bool is_of_iptables(const Chain& base) {
  return base.table.name == "filter" && base.table.family != "inet" &&
         std::ranges::equal(base.name, base.hook,
                            [](char upper, char lower) { return upper == std::toupper(lower); });
}

bool is_of_ufw(const Facts& facts, const Chain& base) {
  const std::string name = base.table.family == "ip6" ? "ufw6-before-" : "ufw-before-";
  return is_of_iptables(base) && has_chain(facts, base, name + base.hook);
}

std::string iptables(const Facts& facts, const Chain& base) {
  const std::string chain =
      base.hook == "forward" && has_chain(facts, base, "DOCKER-USER") ? "DOCKER-USER" : base.name;
  return (base.table.family == "ip6" ? "ip6tables-nft -I " : "iptables-nft -I ") + chain + " ";
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

std::vector<std::string> sip_by_iptables(const Facts& facts, const Chain& base) {
  std::string ports;
  const auto all = sip_ports(facts);
  for (const std::uint16_t port : all) ports += (ports.empty() ? "" : ",") + std::to_string(port);
  std::vector<std::string> lines;
  for (const std::string protocol : {"udp", "tcp"}) {
    if (is_of_ufw(facts, base)) {
      lines.push_back((base.hook == "forward" ? "ufw route allow proto " : "ufw allow proto ") + protocol +
                      " from any to any port " + ports);
    } else {
      lines.push_back(iptables(facts, base) + "-p " + protocol +
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

}  // namespace

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
    const std::string accept = iptables(facts, theirs) + "-m mark --mark " + mark + "/" + mark + " -j ACCEPT";
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
    const auto lines = sip_by_iptables(facts, base);
    return lines.front() + " && " + lines.back();
  }
  const std::string rule = "meta l4proto { tcp, udp } th dport " + to_set(sip_ports(facts)) + " accept";
  if (refusal.last == nullptr) return "nft " + shell_word("add rule " + address_of(base) + " " + rule);
  return "nft " + shell_word("insert rule " + address_of(*refusal.where) + " handle " +
                             std::to_string(refusal.last->handle) + " " + rule);
}

}  // namespace dpinholer::doctor
