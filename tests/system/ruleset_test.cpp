// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/ruleset.h"

#include <gtest/gtest.h>

namespace dpinholer::system {
namespace {

using About = Condition::About;
using Kind = Outcome::Kind;

// The one rule of a chain, with these statements.
Rule rule(const std::string& statements) {
  auto ruleset = parse_ruleset(
      R"({"nftables": [{"table": {"family": "ip", "name": "t"}},
          {"chain": {"family": "ip", "table": "t", "name": "c", "hook": "forward", "prio": -5, "policy": "drop"}},
          {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 7, "expr": )" +
      statements + "}}]}");
  if (!ruleset || ruleset->chains.size() != 1 || ruleset->chains[0].rules.size() != 1) {
    throw std::runtime_error("no rule: " + statements);
  }
  return ruleset->chains[0].rules[0];
}

TEST(RulesetTest, ReadsABaseChain) {
  const auto ruleset = parse_ruleset(
      R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "t", "handle": 1}},
          {"set": {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "timeout": 300}},
          {"chain": {"family": "inet", "table": "t", "name": "c", "hook": "input", "prio": -5, "policy": "drop"}},
          {"chain": {"family": "inet", "table": "t", "name": "d"}}]})");
  ASSERT_TRUE(ruleset);
  EXPECT_EQ(ruleset->tables, (std::vector{TableName{"inet", "t"}}));
  ASSERT_EQ(ruleset->sets.size(), 1U);
  EXPECT_EQ(ruleset->sets[0].timeout, base::seconds{300});
  const Chain* chain = ruleset->find({"inet", "t"}, "c");
  ASSERT_NE(chain, nullptr);
  EXPECT_EQ(chain->hook, "input");
  EXPECT_EQ(chain->priority, -5);
  EXPECT_TRUE(chain->drops);
  EXPECT_EQ(ruleset->find({"inet", "t"}, "d")->hook, "");
  EXPECT_EQ(ruleset->find({"ip", "t"}, "c"), nullptr);
}

TEST(RulesetTest, ReadsConditions) {
  struct Case {
    const char* match;
    About about;
    bool negated;
    std::vector<std::string> words;
    std::vector<pinhole::PortRange> ports;
  };
  const Case cases[] = {
      {R"({"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "udp"})",
       About::protocol,
       false,
       {"udp"},
       {}},
      {R"({"op": "!=", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": {"set": ["tcp", "icmp"]}})",
       About::protocol,
       true,
       {"tcp", "icmp"},
       {}},
      {R"({"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]})",
       About::ct_state,
       false,
       {"established", "related"},
       {}},
      {R"({"op": "!", "left": {"ct": {"key": "state"}}, "right": "invalid"})",
       About::ct_state,
       true,
       {"invalid"},
       {}},
      {R"({"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "eth*"})",
       About::out_interface,
       false,
       {"eth*"},
       {}},
      {R"({"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": {"set": [53, {"range": [5, 9]}]}})",
       About::destination_port,
       false,
       {},
       {{53, 53}, {5, 9}}},
      {R"({"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": 17})", About::protocol, false, {"udp"}, {}},
      {R"({"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": "@ports"})",
       About::other,
       false,
       {},
       {}},
      {R"({"op": ">", "left": {"payload": {"protocol": "th", "field": "sport"}}, "right": 1024})",
       About::source_port,
       false,
       {},
       {{1025, 65535}}},
      {R"({"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": 70000})",
       About::other,
       false,
       {},
       {}},
      {R"({"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"})",
       About::in_interface,
       false,
       {"lo"},
       {}},
      {R"({"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"})",
       About::family,
       false,
       {"ip"},
       {}},
      {R"({"op": "==", "left": {"meta": {"key": "protocol"}}, "right": {"set": ["ip", "ip6"]}})",
       About::family,
       false,
       {"ip", "ip6"},
       {}},
      {R"({"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "192.0.2.1"})",
       About::few,
       false,
       {"192.0.2.1"},
       {}},
      {R"({"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "192.0.2.1"})",
       About::other,
       false,
       {},
       {}},
      {R"({"op": "==", "left": {"payload": {"protocol": "ip6", "field": "daddr"}},
           "right": {"prefix": {"addr": "2001:db8::", "len": 32}}})",
       About::other,
       false,
       {},
       {}},
      {R"({"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"})", About::few, false, {}, {}},
      {R"({"op": "==", "left": {"concat": []}, "right": "@s"})", About::other, false, {}, {}},
      {R"("what?")", About::other, false, {}, {}},
  };
  for (const Case& expected : cases) {
    const Rule read = rule(std::string(R"([{"match": )") + expected.match + "}]");
    // One that it implies may stand before it.
    ASSERT_FALSE(read.conditions.empty()) << expected.match;
    const Condition& condition = read.conditions.back();
    EXPECT_EQ(condition.about, expected.about) << expected.match;
    EXPECT_EQ(condition.negated, expected.negated) << expected.match;
    if (expected.about == About::other) continue;
    EXPECT_EQ(condition.words, expected.words) << expected.match;
    EXPECT_EQ(condition.ports, expected.ports) << expected.match;
  }
}

TEST(RulesetTest, APortOfUdpIsUdp) {
  const Rule read = rule(
      R"([{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 53}}])");
  ASSERT_EQ(read.conditions.size(), 2U);
  EXPECT_EQ(read.conditions[0].about, About::protocol);
  EXPECT_EQ(read.conditions[0].words, (std::vector<std::string>{"udp"}));
}

TEST(RulesetTest, ReadsVerdictsAndQueues) {
  EXPECT_EQ(rule(R"([{"accept": null}])").outcomes.at(0).kind, Kind::accept);
  EXPECT_EQ(rule(R"([{"reject": {"type": "icmpx"}}])").outcomes.at(0).kind, Kind::drop);
  EXPECT_EQ(rule(R"([{"goto": {"target": "x"}}])").outcomes.at(0).target, "x");
  const Outcome one = rule(R"([{"queue": {"num": 3, "flags": "bypass"}}])").outcomes.at(0);
  EXPECT_EQ(one.queues, (QueueRange{3, 3}));
  EXPECT_TRUE(one.bypass);
  const Outcome several =
      rule(R"([{"queue": {"num": {"range": [0, 3]}, "flags": ["fanout"]}}])").outcomes.at(0);
  EXPECT_EQ(several.queues, (QueueRange{0, 3}));
  EXPECT_FALSE(several.bypass);
  EXPECT_FALSE(rule(R"([{"queue": null}])").outcomes.at(0).bypass);
}

TEST(RulesetTest, ReadsTheEntriesOfAVerdictMap) {
  const Rule read = rule(
      R"([{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}],
          ["established", {"jump": {"target": "x"}}], ["odd"], "odd"]}}}])");
  ASSERT_EQ(read.outcomes.size(), 2U);
  EXPECT_EQ(read.outcomes[0].kind, Kind::drop);
  EXPECT_EQ(read.outcomes[1].target, "x");
  ASSERT_EQ(read.outcomes[1].conditions.size(), 1U);
  EXPECT_EQ(read.outcomes[1].conditions[0].words, (std::vector<std::string>{"established"}));
  EXPECT_TRUE(rule(R"([{"vmap": {"key": {}, "data": "@elsewhere"}}])").outcomes.empty());
}

TEST(RulesetTest, ReadsTheEntriesOfAVerdictMapOfSeveralKeys) {
  const Rule read = rule(
      R"([{"vmap": {"key": {"concat": [{"meta": {"key": "iifname"}}, {"meta": {"key": "oifname"}}]},
           "data": {"set": [[{"concat": ["eth0", "eth1"]}, {"accept": null}], ["*", {"drop": null}]]}}}])");
  ASSERT_EQ(read.outcomes.size(), 2U);
  ASSERT_EQ(read.outcomes[0].conditions.size(), 2U);
  EXPECT_EQ(read.outcomes[0].conditions[0].about, About::in_interface);
  EXPECT_EQ(read.outcomes[0].conditions[1].about, About::out_interface);
  EXPECT_EQ(read.outcomes[0].conditions[1].words, (std::vector<std::string>{"eth1"}));
  EXPECT_TRUE(read.outcomes[1].conditions.empty());
}

TEST(RulesetTest, ReadsMarks) {
  const Rule masked = rule(
      R"([{"match": {"op": "!=", "left": {"&": [{"meta": {"key": "mark"}}, 16777216]}, "right": 16777216}}])");
  ASSERT_EQ(masked.conditions.size(), 1U);
  EXPECT_EQ(masked.conditions[0].about, About::mark);
  EXPECT_TRUE(masked.conditions[0].negated);
  EXPECT_EQ(masked.conditions[0].mask, 0x0100'0000U);
  EXPECT_EQ(masked.conditions[0].bits, 0x0100'0000U);
  const Rule whole = rule(R"([{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 1}}])");
  EXPECT_EQ(whole.conditions.at(0).mask, 0xffff'ffffU);
  const Rule sets = rule(
      R"([{"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 16777216]}}}])");
  EXPECT_EQ(sets.marks, 0x0100'0000U);
  EXPECT_TRUE(sets.conditions.empty());
  EXPECT_EQ(rule(R"([{"mangle": {"key": {"ct": {"key": "mark"}}, "value": 7}}])").marks, 0U);
}

TEST(RulesetTest, AFewAreOverALimit) {
  for (
      const std::string statement :
      {R"({"limit": {"rate": 1, "per": "second"@}})", R"({"ct count": {"val": 3@}})",
       R"({"set": {"op": "update", "elem": {"payload": {}}, "set": "@s", "stmt": [{"limit": {"rate": 1@}}]}})"}) {
    for (const bool over : {true, false}) {
      std::string text = statement;
      text.replace(text.rfind('@'), 1, over ? R"(, "inv": true)" : "");
      const Rule read = rule("[" + text + R"(, {"drop": null}])");
      ASSERT_EQ(read.conditions.size(), 1U) << text;
      EXPECT_EQ(read.conditions[0].about, over ? About::few : About::other) << text;
    }
  }
  EXPECT_TRUE(rule(R"([{"set": {"op": "update", "elem": 1, "set": "@s", "stmt": [{"counter": null}]}}])")
                  .conditions.empty());
}

TEST(RulesetTest, MatchesOfIptablesAreKnownFromTheKernel) {
  auto ruleset = parse_ruleset(
      R"({"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward"}},
          {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 3,
                    "expr": [{"xt": {"type": "match", "name": "comment"}}, {"xt": {"type": "match", "name": "conntrack"}},
                             {"xt": {"type": "match", "name": "statistic"}}, {"accept": null}]}}]})");
  ASSERT_TRUE(ruleset);
  Condition state;
  state.about = About::ct_state;
  state.words = {"established"};
  put_xt_matches(*ruleset, {{{"ip", "filter"}, 3, {state, Condition{}}}, {{"ip", "filter"}, 9, {state}}});
  const auto& conditions = ruleset->chains[0].rules[0].conditions;
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions[0].about, About::ct_state);
  EXPECT_EQ(conditions[0].words, state.words);
  EXPECT_EQ(conditions[1].about, About::other);
}

TEST(RulesetTest, ReadsWhatASetIsUsedFor) {
  const Rule looks = rule(R"([{"match": {"op": "==", "left": {"concat": []}, "right": "@sip_rtp4"}}])");
  EXPECT_EQ(looks.looked_up, (std::vector<std::string>{"sip_rtp4"}));
  const Rule updates = rule(
      R"([{"set": {"op": "update", "elem": {"elem": {"val": 1, "timeout": 300}}, "set": "@sip_rtp4"}}])");
  EXPECT_TRUE(updates.looked_up.empty());
  ASSERT_EQ(updates.refreshed.size(), 1U);
  EXPECT_EQ(updates.refreshed[0].second, base::seconds{300});
}

TEST(RulesetTest, WhatIsNoListingIsAnError) {
  for (const char* text : {"", "{", "[]", "{}", R"({"nftables": 5})", R"({"nftables": {}})"}) {
    EXPECT_FALSE(parse_ruleset(text)) << text;
  }
}

TEST(RulesetTest, OddObjectsAreLeftOut) {
  for (
      const char* text :
      {R"({"nftables": [5, null, "x", [], {}, {"rule": 5}, {"rule": {"chain": "none"}}, {"set": []}]})",
       R"({"nftables": [{"chain": {"name": 5, "prio": "x"}}, {"rule": {"expr": [5, {"match": 5}, {"vmap": []},
            {"queue": 5}, {"set": 5}, {"ct helper": 5}, {"xt": 5}, {"a": 1, "b": 2}]}}]})"}) {
    EXPECT_TRUE(parse_ruleset(text)) << text;
  }
}

TEST(RulesetTest, TakesTheTextOfRulesFromTheListing) {
  auto ruleset = parse_ruleset(
      R"({"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c"}},
          {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 7, "expr": []}},
          {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 8, "expr": []}}]})");
  ASSERT_TRUE(ruleset);
  put_texts(*ruleset,
            "table inet t { # handle 1\n\tchain c { # handle 2\n\t\tdrop # handle 7\n\t}\n}\n"
            "table ip t { # handle 1\n\tchain c { # handle 2\n\t\tct state new # handle x # handle 7\n"
            "\t\tudp dport { 1,\n\t\t\t 2 } accept # handle 8\n\t}\n}");
  EXPECT_EQ(ruleset->chains[0].rules[0].text, "ct state new # handle x");
  EXPECT_EQ(ruleset->chains[0].rules[1].text, "");
}

TEST(RulesetTest, TargetsOfIptablesQueueAndAttachHelpers) {
  auto ruleset = parse_ruleset(
      R"({"nftables": [{"chain": {"family": "ip", "table": "security", "name": "FORWARD", "hook": "forward"}},
          {"rule": {"family": "ip", "table": "security", "chain": "FORWARD", "handle": 2,
                    "expr": [{"counter": {}}, {"xt": {"type": "target", "name": "NFQUEUE"}}]}},
          {"rule": {"family": "ip", "table": "security", "chain": "FORWARD", "handle": 3,
                    "expr": [{"xt": {"type": "match", "name": "conntrack"}}, {"drop": null}]}}]})");
  ASSERT_TRUE(ruleset);
  const TableName table{"ip", "security"};
  put_xt_targets(*ruleset, {{table, 2, "NFQUEUE", {0, 3}, true, ""},
                            {table, 3, "CT", {}, false, "sip"},
                            {table, 9, "NFQUEUE", {}, false, ""}});
  const auto& rules = ruleset->chains[0].rules;
  ASSERT_EQ(rules[0].outcomes.size(), 1U);
  EXPECT_TRUE(rules[0].conditions.empty());
  EXPECT_EQ(rules[0].outcomes[0].kind, Kind::queue);
  EXPECT_EQ(rules[0].outcomes[0].queues, (QueueRange{0, 3}));
  EXPECT_TRUE(rules[0].outcomes[0].bypass);
  ASSERT_EQ(rules[1].conditions.size(), 1U);
  EXPECT_EQ(rules[1].conditions[0].about, About::other);
  EXPECT_EQ(rules[1].helper, "sip");
}

}  // namespace
}  // namespace dpinholer::system
