// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "doctor/finding.h"
#include "doctor/ruleset.h"

namespace dpinholer::test {

struct Case {
  const char* name;
  std::function<void(Gateway&)> change;
  std::vector<std::string> found;  // "fault jump-missing"
  std::string what;                // part of the first one's
  std::string mend;
};

inline void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

// {"match": ...}, by nft's own words
inline std::string match(const std::string& left, const std::string& right, const std::string& op = "==") {
  return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}
inline const std::string protocol = R"({"meta": {"key": "l4proto"}})";
inline const std::string state = R"({"ct": {"key": "state"}})";
inline const std::string destination_port = R"({"payload": {"protocol": "udp", "field": "dport"}})";
inline const std::string source = R"({"payload": {"protocol": "ip", "field": "saddr"}})";
inline const std::string in_interface = R"({"meta": {"key": "iifname"}})";
inline const std::string out_interface = R"({"meta": {"key": "oifname"}})";
inline const std::string any_port = R"({"payload": {"protocol": "th", "field": "dport"}})";
inline const std::string counter = R"({"counter": null})";
inline const std::string accept = R"({"accept": null})";
inline const std::string drop = R"({"drop": null})";

inline std::function<void(Gateway&)> ahead(const std::string& statements) {
  return [=](Gateway& gateway) { gateway.listing.insert_rule("forward", "[" + statements + "]"); };
}

inline std::function<void(Gateway&)> queue(const std::string& statement) {
  return [=](Gateway& gateway) {
    gateway.listing.items().push_back({{"rule",
                                        {{"family", "inet"},
                                         {"table", "filter"},
                                         {"chain", "sip_signalling"},
                                         {"handle", 77},
                                         {"expr", nlohmann::json::parse("[" + statement + "]")}}}});
    auto& all = gateway.listing.items();
    for (auto item = all.begin(); item != all.end(); ++item) {
      if (item->contains("rule") && (*item)["rule"]["expr"][0].contains("queue")) {
        all.erase(item);
        return;
      }
    }
  };
}

// jump sip_media, in any chain
inline const std::string jump = R"({"jump": {"target": "sip_media"}})";
inline const std::string to_sip = match(any_port, "5060");
inline const std::string established = match(state, R"(["established", "related"])", "in");
inline const std::string to_range = match(destination_port, R"({"range": [16384, 32767]})");
// meta mark & 0x01000000 == 0x01000000
inline const std::string marked = match(R"({"&": [{"meta": {"key": "mark"}}, 16777216]})", "16777216");

inline std::string rule(std::initializer_list<std::string> statements) {
  std::string all;
  for (const std::string& one : statements) all += (all.empty() ? "[" : ", ") + one;
  return all + "]";
}

/// Instead of the jump at the head of the forward chain.
inline void replace_jump(Gateway& gateway, const std::string& statements) {
  gateway.listing.find("rule", "forward")["expr"] = nlohmann::json::parse("[" + statements + "]");
}

/// mark.nft
inline void set_mark(Gateway& gateway, const std::string& table = "filter") {
  gateway.listing.add_rule(
      "sip_media_options",
      R"([{"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 16777216]}}}])",
      "inet", table);
}

/// standalone.nft instead of gateway.nft
inline void stand_alone(Gateway& gateway) {
  Listing& listing = gateway.listing;
  listing.erase("rule", "forward");
  listing.erase("rule", "input");
  listing.erase("chain", "input");
  listing.rename_table("dpinholer");
  listing.find("chain", "forward")["prio"] = -10;
  listing.find("chain", "forward")["policy"] = "accept";
  listing.add_plain_chain("sip_closed", "dpinholer");
  listing.add_rule("forward", "[" + jump + "]", "inet", "dpinholer");
  listing.add_rule("forward", rule({to_range, R"({"goto": {"target": "sip_closed"}})"}), "inet", "dpinholer");
  listing.add_rule("sip_closed", rule({match(destination_port, "5060"), accept}), "inet", "dpinholer");
  listing.add_rule(
      "sip_closed",
      rule({match(R"({"ct": {"key": "direction"}})", "\"reply\""),
            match(R"({"payload": {"protocol": "udp", "field": "sport"}})", R"({"range": [1, 1023]})"),
            accept}),
      "inet", "dpinholer");
  listing.add_rule("sip_closed", rule({counter, drop}), "inet", "dpinholer");
  set_mark(gateway, "dpinholer");
  gateway.facts.config.kernel.table.name = "dpinholer";
}

/// Rules in chain FORWARD of iptables, which was loaded before ours.
inline void iptables(Gateway& gateway, std::initializer_list<std::string> rules) {
  Listing& listing = gateway.listing;
  listing.add_chain("FORWARD", "forward", 0, "drop", "ip", "filter");
  std::rotate(listing.items().begin(), listing.items().end() - 1, listing.items().end());
  for (const std::string& one : rules) listing.add_rule("FORWARD", one, "ip", "filter");
}

inline std::string name_of(const testing::TestParamInfo<Case>& test) {
  return test.param.name;
}

/// Exactly what the case says is found.
inline void expect_found(const Case& expected) {
  Gateway gateway;
  expected.change(gateway);
  const auto found = doctor::examine(gateway.known());
  std::vector<std::string> names;
  for (const doctor::Finding& one : found) {
    names.push_back((one.severity == doctor::Severity::fault ? "fault " : "warning ") + std::string(one.id));
    EXPECT_FALSE(one.why.empty());
    EXPECT_FALSE(one.mend.empty());
    // No remedy opens a policy or a table.
    EXPECT_EQ(one.mend.find("{ policy accept"), std::string::npos) << one.mend;
  }
  ASSERT_EQ(names, expected.found) << (found.empty() ? "" : found[0].what);
  if (found.empty()) return;
  EXPECT_NE(found[0].what.find(expected.what), std::string::npos) << found[0].what;
  EXPECT_NE(found[0].mend.find(expected.mend), std::string::npos) << found[0].mend;
}

}  // namespace dpinholer::test
