// SPDX-License-Identifier: GPL-2.0-or-later
// A gateway that is as it should be, with one thing changed: what is found.
#include <gtest/gtest.h>

#include <functional>

#include "doctor/finding.h"
#include "doctor/ruleset.h"
#include "system/queue.h"

namespace dpinholer::doctor {
namespace {

using test::Gateway;

struct Case {
  const char* name;
  std::function<void(Gateway&)> change;
  std::vector<std::string> found;  // "fault jump-missing"
  std::string what;                // part of the first one's
  std::string mend;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

// {"match": ...}, by nft's own words
std::string match(const std::string& left, const std::string& right, const std::string& op = "==") {
  return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}
const std::string protocol = R"({"meta": {"key": "l4proto"}})";
const std::string state = R"({"ct": {"key": "state"}})";
const std::string destination_port = R"({"payload": {"protocol": "udp", "field": "dport"}})";
const std::string source = R"({"payload": {"protocol": "ip", "field": "saddr"}})";
const std::string in_interface = R"({"meta": {"key": "iifname"}})";
const std::string accept = R"({"accept": null})";
const std::string drop = R"({"drop": null})";

std::function<void(Gateway&)> ahead(const std::string& statements) {
  return [=](Gateway& gateway) { gateway.listing.insert_rule("forward", "[" + statements + "]"); };
}

std::function<void(Gateway&)> queue(const std::string& statement) {
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

const Case cases[] = {
    {"AsShipped", [](Gateway&) {}, {}, "", ""},

    // ---- The table and its sets ----
    {"NoTable",
     [](Gateway& g) { g.facts.config.kernel.table.name = "other"; },
     {"fault table-missing"},
     "the sets are in \"inet filter\"",
     "table = \"inet filter\"   # [kernel] in dpinholer.toml"},
    {"NothingLoaded",
     [](Gateway& g) { g.listing.items() = nlohmann::json::array(); },
     {"fault table-missing", "fault queue-missing"},
     "no table \"inet filter\"",
     "table inet filter { include \"dpinholer/dpinholer.nft\" }"},
    {"SetsMissing",
     [](Gateway& g) {
       g.listing.erase("set", "sip_rtp4");
       g.listing.erase("set", "sip_tcp6_from");
     },
     {"fault sets-missing"},
     "no sets sip_rtp4, sip_tcp6_from",
     "include \"dpinholer/dpinholer.nft\"   # in table inet filter"},
    {"SetOfTheWrongType",
     [](Gateway& g) {
       g.facts.set_faults = {
           "set \"sip_rtp4\" in table \"inet filter\" is not of type ipv4_addr . inet_service: delete it and "
           "load x"};
     },
     {"fault set-wrong"},
     "is not of type ipv4_addr . inet_service",
     "delete set inet filter sip_rtp4"},
    {"UdpSetsThatNoRuleAsks",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_media");
       g.listing.add_rule("sip_media", "[" + accept + "]");
     },
     {"fault set-not-looked-up"},
     "looks into sip_rtp4, sip_rtp6, sip_rtp4_from, sip_rtp6_from",
     "include"},
    {"TcpSetsThatNoRuleAsks", [](Gateway& g) { g.listing.erase("rule", "sip_media_tcp"); }, {}, "", ""},
    {"TcpSetsThatNoRuleAsksWithTcpMedia",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_media_tcp");
       g.facts.config.negotiation.tcp = true;
     },
     {"fault set-not-looked-up"},
     "sip_tcp4",
     "include"},
    {"NoSetsForBansWithoutScanners",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_signalling", "@sip_banned4");
       g.listing.erase("set", "sip_banned4");
     },
     {},
     "",
     ""},
    {"NoSetForBans",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_signalling", "@sip_banned4");
       g.listing.erase("set", "sip_banned4");
       g.facts.config.scanners.well_known = true;
     },
     {"fault bans-without-effect"},
     "has no sip_banned4",
     "include"},
    {"BansThatNoRuleAsks",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_signalling", "@sip_banned6");
       g.facts.config.scanners.failures = 20;
     },
     {"fault bans-without-effect"},
     "looks into sip_banned6",
     "include"},
    {"BansByAnotherPrefix",
     [](Gateway& g) {
       g.facts.config.scanners.failures = 20;
       g.facts.config.negotiation.ipv6_prefix = 56;
     },
     {"fault ban-mask-differs"},
     "ipv6-prefix is 56, but the rules look into sip_banned6 with the mask ffff:ffff:ffff:ffff::",
     "redefine sip_ipv6_mask = ffff:ffff:ffff:ff00::"},
    {"BansWithoutAMask",
     [](Gateway& g) {
       g.listing.erase("rule", "sip_signalling", "ffff:ffff");
       g.facts.config.scanners.failures = 20;
     },
     {"fault ban-mask-differs"},
     "without a mask",
     "include"},
    {"BansOfSingleAddresses",
     [](Gateway& g) {
       g.facts.config.scanners.failures = 20;
       g.facts.config.negotiation.ipv6_prefix = 128;
     },
     {},
     "",
     ""},
    {"MediaIdleLongerThanTheRulesHaveIt",
     [](Gateway& g) { g.facts.config.negotiation.media_idle = base::seconds{600}; },
     {"fault timeouts-differ"},
     "media-idle is 600 s",
     "media-idle = 300   # [timeouts] in dpinholer.toml"},
    {"MediaIdleShorter",
     [](Gateway& g) { g.facts.config.negotiation.media_idle = base::seconds{60}; },
     {"warning timeouts-differ"},
     "300 s",
     "media-idle = 300"},
    {"AnUpdateWithAnotherTime",
     [](Gateway& g) {
       g.listing.find("rule", "sip_rtp6_match")["expr"][1]["set"]["elem"]["elem"]["timeout"] = 30;
     },
     {"fault timeouts-differ"},
     "sip_rtp6 30 s",
     ""},

    // ---- The jump ----
    {"NoChain",
     [](Gateway& g) {
       g.listing.erase("chain", "sip_media");
       g.listing.erase("rule", "sip_media");
       g.listing.erase("rule", "forward");
     },
     {"fault chain-missing"},
     "no chain sip_media",
     "include"},
    {"NoJump",
     [](Gateway& g) {
       g.listing.find("rule", "forward")["expr"] = {{{"counter", nullptr}}};
     },
     {"fault jump-missing"},
     "no rule of chain forward of table inet filter",
     "nft insert rule inet filter forward jump sip_media"},
    {"NoForwardChain",
     [](Gateway& g) {
       g.listing.erase("chain", "forward");
       g.listing.erase("rule", "forward");
     },
     {"fault jump-missing"},
     "no filter chain on the forward hook",
     "chain forward { type filter hook forward priority filter; jump sip_media; }"},
    {"AJumpForTcpOnly",
     [](Gateway& g) {
       g.listing.find("rule", "forward")["expr"] = nlohmann::json::parse(
           "[" + match(protocol, "\"tcp\"") + R"(, {"jump": {"target": "sip_media"}}])");
     },
     {"fault jump-missing"},
     "",
     ""},
    {"AJumpByOtherChainsAndMaps",
     [](Gateway& g) {
       g.listing.find("rule", "forward")["expr"] =
           nlohmann::json::parse(R"([{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@zones"}}])");
       g.listing.items().push_back(nlohmann::json::parse(
           R"({"map": {"family": "inet", "table": "filter", "name": "zones", "elem": [["eth0", {"goto": {"target": "wan"}}]]}})"));
       g.listing.items().push_back(
           nlohmann::json::parse(R"({"chain": {"family": "inet", "table": "filter", "name": "wan"}})"));
       g.listing.add_rule("wan", R"([{"jump": {"target": "sip_media"}}])");
     },
     {},
     "",
     ""},
    {"AServerOnTheGateway",
     [](Gateway& g) { g.facts.config.policy.local = true; },
     {"fault jump-missing", "fault queue-missing", "fault queue-missing"},
     "chain input",
     "nft insert rule inet filter input jump sip_media"},
    {"AnOutputChainThatDrops",
     [](Gateway& g) {
       g.facts.config.policy.local = true;
       g.listing.insert_rule("input", R"([{"jump": {"target": "sip_media"}}])");
       g.listing.add_chain("output", "output", 0, "drop");
       g.listing.add_chain("sip_inspect_input", "input", 10, "accept");
       g.listing.add_chain("sip_inspect_output", "output", 10, "accept");
       for (const char* chain : {"sip_inspect_input", "sip_inspect_output"}) {
         g.listing.add_rule(chain, R"([{"goto": {"target": "sip_signalling"}}])");
       }
     },
     {"fault jump-missing"},
     "chain output",
     "nft insert rule inet filter output jump sip_media"},

    {"AServerOnTheGatewayThatRoutesToo",
     [](Gateway& g) {
       g.facts.config.policy.local = true;
       g.listing.find("rule", "forward")["expr"] = {{{"counter", nullptr}}};
     },
     {"fault jump-missing", "warning jump-missing", "fault queue-missing", "fault queue-missing"},
     "chain input",
     ""},
    {"AServerOnAHostThatDoesNotRoute",
     [](Gateway& g) {
       g.facts.config.policy.local = true;
       g.facts.forwards = false;
       g.listing.find("rule", "forward")["expr"] = {{{"counter", nullptr}}};
     },
     {"fault jump-missing", "fault queue-missing", "fault queue-missing"},
     "chain input",
     ""},

    // ---- What stands ahead of it ----
    {"Drop", ahead(drop), {"fault jump-behind-drop"}, "drops media", "nft insert rule inet filter forward"},
    {"Reject", ahead(R"({"reject": null})"), {"fault jump-behind-drop"}, "", ""},
    {"DropUdp", ahead(match(protocol, "\"udp\"") + "," + drop), {"fault jump-behind-drop"}, "", ""},
    {"DropOneInterface",
     ahead(match(in_interface, "\"eth0\"") + "," + drop),
     {"warning jump-behind-drop"},
     "some media",
     ""},
    {"DropNew", ahead(match(state, "\"new\"", "in") + "," + drop), {"fault jump-behind-drop"}, "", ""},
    {"DropAllButSip",
     ahead(match(destination_port, "5060", "!=") + "," + drop),
     {"fault jump-behind-drop"},
     "",
     ""},
    {"DropTcp", ahead(match(protocol, "\"tcp\"") + "," + drop), {}, "", ""},
    {"DropInvalid", ahead(match(state, "\"invalid\"", "in") + "," + drop), {}, "", ""},
    {"DropABlocklist", ahead(match(source, "\"@blocked\"") + "," + drop), {}, "", ""},
    {"DropAService", ahead(match(destination_port, "5353") + "," + drop), {}, "", ""},
    {"DropTooMany", ahead(R"({"limit": {"rate": 1, "per": "second"}},)" + drop), {}, "", ""},
    {"AcceptEstablished",
     ahead(match(state, R"(["established", "related"])", "in") + "," + accept),
     {"fault jump-behind-accept"},
     "accepts media",
     ""},
    {"AcceptEstablishedByAMap",
     ahead(R"({"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}],)"
           R"( ["established", {"accept": null}]]}}})"),
     {"fault jump-behind-accept"},
     "",
     ""},
    {"AcceptNotInvalid",
     ahead(match(state, "\"invalid\"", "!=") + "," + accept),
     {"fault jump-behind-accept"},
     "",
     ""},
    {"AcceptARange",
     ahead(match(destination_port, R"({"range": [10000, 20000]})") + "," + accept),
     {"warning jump-behind-accept"},
     "some media",
     ""},
    {"AcceptMostPorts",
     ahead(match(destination_port, R"({"range": [1024, 65535]})") + "," + accept),
     {"fault jump-behind-accept"},
     "",
     ""},
    {"AcceptServices",
     ahead(match(destination_port, R"({"set": [53, 123, 5060]})") + "," + accept),
     {},
     "",
     ""},
    {"AcceptPortsBelowMedia",
     ahead(match(destination_port, R"({"range": [1, 1023]})") + "," + accept),
     {},
     "",
     ""},
    {"AcceptTcpWithTcpMedia",
     [](Gateway& g) {
       ahead(match(protocol, "\"tcp\"") + "," + accept)(g);
       g.facts.config.negotiation.tcp = true;
     },
     {"fault jump-behind-accept"},
     "",
     ""},
    {"Offload",
     ahead(match(protocol, R"({"set": ["tcp", "udp"]})") +
           R"(, {"flow": {"op": "add", "flowtable": "@fast"}})"),
     {"fault jump-behind-accept"},
     "offloads media",
     ""},
    {"OnlyCounted", ahead(R"({"counter": null}, {"log": {"prefix": "x"}})"), {}, "", ""},
    {"AStatementOfTheFuture", ahead(R"({"teleport": {"to": "x"}},)" + drop), {}, "", ""},

    // ---- Other chains ----
    {"AnotherChainOfTheTableDrops",
     [](Gateway& g) { g.listing.add_chain("late", "forward", 5, "drop"); },
     {"fault other-chain-drops"},
     "chain late of table inet filter",
     "nft insert rule inet filter late jump sip_media"},
    {"AnotherTableDrops",
     [](Gateway& g) {
       g.listing.add_chain("FORWARD", "forward", 0, "accept", "ip", "other");
       g.listing.add_rule("FORWARD", "[" + match(state, "\"established\"", "in") + "," + accept + "]", "ip",
                          "other");
       g.listing.add_rule("FORWARD", "[" + drop + "]", "ip", "other");
     },
     {"warning other-chain-drops"},
     "chain FORWARD of table ip other",
     "nft 'chain ip other FORWARD { policy accept; }'"},
    {"AnotherTableAccepts",
     [](Gateway& g) {
       g.listing.add_chain("FORWARD", "forward", 0, "drop", "ip", "other");
       g.listing.add_rule("FORWARD", "[" + accept + "]", "ip", "other");
     },
     {},
     "",
     ""},
    {"ABridgeDrops",
     [](Gateway& g) { g.listing.add_chain("forward", "forward", 0, "drop", "bridge", "other"); },
     {},
     "",
     ""},

    // ---- The queue ----
    {"NoQueue",
     [](Gateway& g) { queue(accept)(g); },
     {"fault queue-missing"},
     "no rule on the forward hook queues SIP",
     "nft add rule inet filter sip_signalling queue flags bypass to 0"},
    {"NoQueueBecauseTheKernelHasNone",
     [](Gateway& g) {
       queue(accept)(g);
       g.facts.missing_features = {{"the statement queue", "nft_queue", "SIP passes"}};
     },
     {"fault kernel-feature", "fault queue-missing"},
     "does not know the statement queue",
     "modprobe nft_queue"},
    {"NoQueueButRulesOfLegacyIptables",
     [](Gateway& g) {
       queue(accept)(g);
       g.facts.legacy_iptables = true;
     },
     {"warning queue-missing"},
     "iptables-legacy",
     ""},
    {"TooEarly",
     [](Gateway& g) { g.listing.find("chain", "sip_inspect")["prio"] = -10; },
     {"fault queue-too-early"},
     "priority -10",
     "type filter hook forward priority 10; policy accept;"},
    {"AtThePriorityOfTheFilter",
     [](Gateway& g) { g.listing.find("chain", "sip_inspect")["prio"] = 0; },
     {"fault queue-too-early"},
     "priority 0",
     ""},
    {"BeforeRouting",
     [](Gateway& g) { g.listing.find("chain", "sip_inspect")["hook"] = "prerouting"; },
     {"fault queue-too-early"},
     "hook prerouting",
     ""},
    {"WithoutBypass",
     queue(R"({"queue": {"num": 0}})"),
     {"fault queue-without-bypass"},
     "chain sip_signalling",
     "nft replace rule inet filter sip_signalling handle 77 'queue flags bypass to 0'"},
    {"FanoutWithoutBypass",
     [](Gateway& g) {
       queue(R"({"queue": {"num": {"range": [0, 3]}, "flags": ["fanout"]}})")(g);
       g.facts.config.kernel.queues = {0, 3};
     },
     {"fault queue-without-bypass"},
     "",
     "bypass to 0-3"},
    {"FanoutWithBypass",
     [](Gateway& g) {
       queue(R"({"queue": {"num": {"range": [0, 3]}, "flags": ["bypass", "fanout"]}})")(g);
       g.facts.config.kernel.queues = {0, 3};
     },
     {},
     "",
     ""},
    {"AnotherNumber",
     queue(R"({"queue": {"num": 5, "flags": "bypass"}})"),
     {"fault queue-not-read"},
     "queues to 5, but kernel.queues is \"0\"",
     "queues = \"5\"   # [kernel] in dpinholer.toml"},
    {"MoreQueuesThanRulesFeed",
     [](Gateway& g) {
       g.facts.config.kernel.queues = {0, 3};
     },
     {"warning queue-not-fed"},
     "rules queue to 0 only",
     "redefine sip_queues = 0-3"},
    {"QueuesOfOthers",
     [](Gateway& g) {
       g.listing.add_chain("ids", "forward", -100, "accept", "inet", "ids");
       g.listing.add_rule("ids", R"([{"queue": {"num": 7}}])", "inet", "ids");
     },
     {},
     "",
     ""},
    {"NobodyListening",
     [](Gateway& g) { g.facts.unread_queues = {0}; },
     {"fault nobody-listening"},
     "nobody reads queue 0",
     "systemctl start dpinholer"},

    {"NobodyListeningToSome",
     [](Gateway& g) {
       queue(R"({"queue": {"num": {"range": [0, 3]}, "flags": ["bypass", "fanout"]}})")(g);
       g.facts.config.kernel.queues = {0, 3};
       g.facts.unread_queues = {2, 3};
     },
     {"fault nobody-listening"},
     "of the queues 0-3 nobody reads 2, 3",
     "systemctl restart dpinholer"},

    {"AQueueThatIsTooShort",
     [](Gateway& g) { g.facts.unread_messages = 1370; },
     {"warning queue-too-short"},
     "1370 messages found no room in a queue of 4096",
     "queue-length = 16384"},
    {"TheLongestQueueIsTooShort",
     [](Gateway& g) {
       g.facts.unread_messages = 1;
       g.facts.config.kernel.queue_length = system::longest_queue;
     },
     {"warning queue-too-short"},
     "1 message found no room",
     "queues = \"0-3\""},

    // ---- The kernel, and interfaces ----
    {"AMissingFeature",
     [](Gateway& g) {
       g.facts.missing_features = {{"netlink for queues", "nfnetlink_queue", "dpinholer can't read SIP"}};
     },
     {"fault kernel-feature"},
     "netlink for queues",
     "modprobe nfnetlink_queue"},
    {"ASipHelper",
     [](Gateway& g) {
       g.listing.items().push_back(nlohmann::json::parse(
           R"({"ct helper": {"family": "inet", "table": "filter", "name": "voip", "type": "sip", "protocol": "udp"}})"));
       g.listing.add_rule("forward", R"([{"ct helper": "voip"}])");
     },
     {"fault sip-helper"},
     "attaches nf_conntrack_sip",
     "nft delete rule inet filter forward handle 901"},
    {"AnFtpHelper",
     [](Gateway& g) {
       g.listing.items().push_back(nlohmann::json::parse(
           R"({"ct helper": {"family": "inet", "table": "filter", "name": "ftp", "type": "ftp", "protocol": "tcp"}})"));
       g.listing.add_rule("forward", R"([{"ct helper": "ftp"}])");
     },
     {},
     "",
     ""},
    {"AutomaticHelpers",
     [](Gateway& g) { g.facts.automatic_helpers = true; },
     {"fault sip-helper"},
     "by itself",
     "sysctl -w net.netfilter.nf_conntrack_helper=0"},
    {"AnInterfaceThatIsNotThere",
     [](Gateway& g) { g.facts.missing_interfaces = {"wg0"}; },
     {"fault interface-missing"},
     "\"wg0\"",
     "inside-interfaces"},
    {"AnUplinkThatIsNotThereYet",
     [](Gateway& g) { g.facts.missing_uplinks = {"ppp0"}; },
     {"warning interface-missing"},
     "\"ppp0\"",
     "inside-networks"},
};

class Findings : public testing::TestWithParam<Case> {};

TEST_P(Findings, AreWhatIsWrong) {
  const Case& expected = GetParam();
  Gateway gateway;
  expected.change(gateway);
  const auto found = examine(gateway.known());
  std::vector<std::string> names;
  for (const Finding& one : found) {
    names.push_back((one.severity == Severity::fault ? "fault " : "warning ") + std::string(one.id));
    EXPECT_FALSE(one.why.empty());
    EXPECT_FALSE(one.mend.empty());
  }
  ASSERT_EQ(names, expected.found);
  if (found.empty()) return;
  EXPECT_NE(found[0].what.find(expected.what), std::string::npos) << found[0].what;
  EXPECT_NE(found[0].mend.find(expected.mend), std::string::npos) << found[0].mend;
}

INSTANTIATE_TEST_SUITE_P(Doctor, Findings, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& test) { return test.param.name; });

}  // namespace
}  // namespace dpinholer::doctor
