// SPDX-License-Identifier: GPL-2.0-or-later
// The table of the configuration, its sets, and whether rules and configuration agree about them.
#include <algorithm>
#include <array>
#include <cstdint>

#include "doctor/finding.h"
#include "doctor/words.h"
#include "pinhole/element.h"

namespace dpinholer::doctor {

namespace {

using pinhole::Set;
using system::TableName;

const std::string include_line = "include \"dpinholer/dpinholer.nft\"";

bool has_table(const Facts& facts) {
  return std::ranges::find(facts.ruleset.tables, facts.config.kernel.table) != facts.ruleset.tables.end();
}

const system::NamedSet* find_set(const Facts& facts, const TableName& table, std::string_view name) {
  const auto& sets = facts.ruleset.sets;
  const auto found = std::ranges::find_if(
      sets, [&](const system::NamedSet& one) { return one.table == table && one.name == name; });
  return found == sets.end() ? nullptr : &*found;
}

const system::NamedSet* find_set(const Facts& facts, const TableName& table, Set set) {
  return find_set(facts, table, pinhole::name(set));
}

// Tables that somebody loaded the include in.
std::vector<TableName> tables_with_sets(const Facts& facts) {
  std::vector<TableName> found;
  for (const TableName& table : facts.ruleset.tables) {
    if (find_set(facts, table, Set::rtp4) != nullptr) found.push_back(table);
  }
  return found;
}

std::string quoted(const TableName& table) {
  return "\"" + system::to_string(table) + "\"";
}

bool is_tcp(Set set) {
  return pinhole::name(set).starts_with("sip_tcp");
}

bool looked_up(const Facts& facts, std::string_view set) {
  return std::ranges::any_of(facts.ruleset.chains, [&](const system::Chain& chain) {
    return chain.table == facts.config.kernel.table &&
           std::ranges::any_of(chain.rules, [&](const system::Rule& rule) {
             return std::ranges::find(rule.looked_up, set) != rule.looked_up.end();
           });
  });
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// By /etc/dpinholer/standalone.nft.
bool stands_alone(const TableName& table) {
  return table == TableName{"inet", "dpinholer"};
}

// In one transaction: at no time there is a table without rules. Only where the file brings back what is
// flushed: with the include, and with the jump that the administrator put beside it.
std::string reload_without(const TableName& table, const std::string& set) {
  const std::string name = system::to_string(table);
  const bool alone = stands_alone(table);
  const std::string file = alone ? "/etc/dpinholer/standalone.nft" : "/etc/nftables.conf";
  auto holds = [&](const std::string& text) { return "grep -q '^[^#]*" + text + "' " + file + " && "; };
  return holds("include.*dpinholer") + (alone ? "" : holds("jump sip_media")) + "{ echo " +
         shell_word("flush table " + name + "; delete set " + name + " " + set) + "; cat " + file +
         "; } | nft -f -   # where all rules of the table are in this file; else delete the set in one " +
         "transaction with loading the file that has them";
}

}  // namespace

Findings table_missing(const Facts& facts) {
  if (has_table(facts)) return {};
  const auto elsewhere = tables_with_sets(facts);
  std::string what = "there is no table " + quoted(facts.config.kernel.table);
  std::string mend =
      stands_alone(facts.config.kernel.table)
          ? "systemctl enable --now dpinholer-standalone"
          : "table " + system::to_string(facts.config.kernel.table) + " { " + include_line + " }";
  if (!elsewhere.empty()) {
    std::vector<std::string> names;
    for (const TableName& table : elsewhere) names.push_back(quoted(table));
    what += ", but the sets are in " + list(names);
    mend = "table = " + quoted(elsewhere.front()) + "   # [kernel] in " + facts.config_file;
  }
  return {
      {"table-missing", Severity::fault, std::move(what),
       "dpinholer writes pinholes into sets of the table that kernel.table names. Until it is there, calls "
       "have no media.",
       std::move(mend)}};
}

Findings table_dormant(const Facts& facts) {
  const std::string table = system::to_string(facts.config.kernel.table);
  if (!facts.ruleset.dormant.contains(table)) return {};
  return {{"table-dormant", Severity::fault,
           "table \"" + table + "\" is dormant: no packet comes to its rules",
           "Nothing in it is dropped, and no SIP is queued: ports of media are as open as other tables leave "
           "them, and no call is read.",
           "nft " + shell_word("add table " + table) + "   # takes the flag away"}};
}

Findings sets_missing(const Facts& facts) {
  const TableName& table = facts.config.kernel.table;
  if (!has_table(facts)) return {};
  std::vector<std::string> names;
  for (const Set set : pinhole::all_sets) {
    if (find_set(facts, table, set) == nullptr) names.emplace_back(pinhole::name(set));
  }
  if (names.empty()) return {};
  std::string mend = include_line + "   # in table " + system::to_string(table);
  const auto elsewhere = tables_with_sets(facts);
  if (names.size() == pinhole::all_sets.size() && !elsewhere.empty()) {
    mend = "table = " + quoted(elsewhere.front()) + "   # [kernel] in " + facts.config_file;
  }
  return {{"sets-missing", Severity::fault,
           "table " + quoted(table) + " has no " + (names.size() == 1 ? "set " : "sets ") + list(names),
           "Pinholes are elements of these sets. Until all of them are there, calls have no media.",
           std::move(mend)}};
}

// "set "x" in table "t" is not of type ...: delete it and ..."
Findings sets_wrong(const Facts& facts) {
  Findings found;
  for (const Set set : pinhole::all_sets) {
    const std::string name(pinhole::name(set));
    for (const std::string& fault : facts.set_faults) {
      if (!fault.starts_with("set \"" + name + "\"")) continue;
      found.push_back({"set-wrong", Severity::fault, fault.substr(0, fault.rfind(": ")),
                       "Elements don't fit into it, or never go. Until it is right, no pinhole opens.",
                       reload_without(facts.config.kernel.table, name)});
    }
  }
  return found;
}

Findings sets_not_looked_up(const Facts& facts) {
  const TableName& table = facts.config.kernel.table;
  if (facts.ruleset.find(table, media_chain) == nullptr) return {};
  std::vector<std::string> names;
  bool tcp = false;
  for (const Set set : pinhole::all_sets) {
    if (is_tcp(set) && !facts.config.negotiation.tcp) continue;
    if (find_set(facts, table, set) == nullptr || looked_up(facts, pinhole::name(set))) continue;
    names.emplace_back(pinhole::name(set));
    tcp = tcp || is_tcp(set);
  }
  if (names.empty()) return {};
  return {{"set-not-looked-up", Severity::fault,
           "no rule of table " + quoted(table) + " looks into " + list(names),
           tcp ? "media.tcp is true, but pinholes in a set that no rule asks let nothing pass."
               : "Pinholes in a set that no rule asks let nothing pass.",
           include_line + "   # as shipped, in table " + system::to_string(table)}};
}

Findings timeouts_differ(const Facts& facts) {
  const TableName& table = facts.config.kernel.table;
  const base::seconds idle = facts.config.negotiation.media_idle;
  std::vector<std::string> places;
  base::seconds other = idle;
  auto note = [&](std::string place, base::seconds timeout) {
    if (timeout == idle || (!places.empty() && timeout != other)) return;
    other = timeout;
    if (std::ranges::find(places, place) == places.end()) places.push_back(std::move(place));
  };
  for (const Set set : pinhole::all_sets) {
    if (is_tcp(set) && !facts.config.negotiation.tcp) continue;
    const std::string name(pinhole::name(set));
    const system::NamedSet* found = find_set(facts, table, set);
    if (found == nullptr) continue;
    if (found->timeout.count() != 0) note(name, found->timeout);
    for (const system::Chain& chain : facts.ruleset.chains) {
      if (chain.table != table) continue;
      for (const system::Rule& rule : chain.rules) {
        for (const auto& [updated, timeout] : rule.refreshed) {
          if (updated == name) note(name, timeout);
        }
      }
    }
  }
  if (places.empty()) return {};
  const std::string theirs = std::to_string(other.count());
  const std::size_t count = places.size();
  if (count > 2) places = {places.front() + " and " + std::to_string(count - 1) + " other sets"};
  return {{"timeouts-differ", other < idle ? Severity::fault : Severity::warning,
           "media-idle is " + std::to_string(idle.count()) + " s, but the rules give pinholes in " +
               list(places) + " " + theirs + " s",
           other < idle ? "The kernel closes a pinhole when its media pauses for longer than the rules say, "
                          "while the call goes on: then it has one-way audio."
                        : "A pinhole stays open for longer than the configuration says when its media stops.",
           "media-idle = " + theirs + "   # [timeouts] in " + facts.config_file}};
}

Findings interfaces_missing(const Facts& facts) {
  Findings found;
  for (const std::string& name : facts.missing_interfaces) {
    found.push_back(
        {"interface-missing", Severity::fault,
         "inside-interfaces names \"" + name + "\", but there is no such interface",
         "What is behind it counts as outside, and the SDP of a phone there opens nothing.",
         "inside-interfaces = [...]   # [sides] in " + facts.config_file + ", a name of `ip link`"});
  }
  for (const std::string& name : facts.missing_uplinks) {
    found.push_back(
        {"interface-missing", Severity::warning,
         "inside-networks names \"" + name + "\", but there is no such interface now",
         "Until it comes, it stands for no address: an SDP with the public address opens nothing.",
         "inside-networks = [...]   # [sides] in " + facts.config_file + ", a name of `ip link`"});
  }
  return found;
}

Findings bans_not_looked_up(const Facts& facts) {
  const TableName& table = facts.config.kernel.table;
  if (!scanners::is_active(facts.config.scanners) || !has_table(facts)) return {};
  std::vector<std::string> missing;
  std::vector<std::string> unused;
  for (const char* name : {"sip_banned4", "sip_banned6"}) {
    if (find_set(facts, table, name) == nullptr) {
      missing.emplace_back(name);
    } else if (!looked_up(facts, name)) {
      unused.emplace_back(name);
    }
  }
  if (missing.empty() && unused.empty()) return {};
  return {{"bans-without-effect", Severity::fault,
           missing.empty() ? "no rule of table " + quoted(table) + " looks into " + list(unused)
                           : "table " + quoted(table) + " has no " + list(missing),
           "[scanners] has sources of SIP banned, but nothing is dropped.",
           include_line + "   # as shipped, in table " + system::to_string(table)}};
}

// A ban of a network holds its first address, which rules find only under the mask of that network.
Findings bans_by_another_prefix(const Facts& facts) {
  const TableName& table = facts.config.kernel.table;
  const std::string set = "sip_banned6";
  const unsigned prefix = facts.config.negotiation.ipv6_prefix;
  if (!scanners::is_active(facts.config.scanners) || prefix == 128 || !looked_up(facts, set)) return {};
  std::string theirs;
  for (const system::Chain& chain : facts.ruleset.chains) {
    if (chain.table != table) continue;
    for (const system::Rule& rule : chain.rules) {
      for (const auto& [name, mask] : rule.masked) {
        if (name == set) theirs = mask;
      }
    }
  }
  std::array<std::uint8_t, 16> ones{};
  ones.fill(0xff);
  const std::string ours = base::Address::v6(ones).masked(prefix).to_string();
  if (theirs == ours) return {};
  return {
      {"ban-mask-differs", Severity::fault,
       "ipv6-prefix is " + std::to_string(prefix) + ", but the rules look into " + set +
           (theirs.empty() ? " without a mask" : " with the mask " + theirs),
       "An IPv6 source is banned with its whole network, which these rules don't find: it is not dropped.",
       theirs.empty() ? include_line + "   # as shipped, in table " + system::to_string(table)
                      : "redefine sip_ipv6_mask = " + ours + "   # in /etc/dpinholer/dpinholer.nft"}};
}

}  // namespace dpinholer::doctor
