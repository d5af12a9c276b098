// SPDX-License-Identifier: GPL-2.0-or-later
// A gateway that is as it should be, with one thing changed: what is found on the way of media.
#include "doctor/cases.h"

namespace dpinholer::doctor {
namespace {

using namespace test;

// local.nft, and the input chain that it needs.
void serve(Gateway& g) {
  g.facts.config.policy.local = true;
  g.listing.insert_rule("input", "[" + jump + "]");
  g.listing.add_chain("sip_inspect_input", "input", 10, "accept");
  g.listing.add_chain("sip_inspect_output", "output", 10, "accept");
  for (const char* chain : {"sip_inspect_input", "sip_inspect_output"}) {
    g.listing.add_rule(chain, R"([{"goto": {"target": "sip_signalling"}}])");
  }
  g.listing.add_rule("input", rule({to_sip, accept}));
}

const Case cases[] = {
    // ---- The jump ----
    {"NoChain",
     [](Gateway& g) {
       g.listing.erase("chain", "sip_media");
       g.listing.erase("rule", "sip_media");
       g.listing.erase("rule", "forward");
     },
     {"fault chain-missing", "fault sip-not-accepted"},
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
       replace_jump(g, R"({"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@zones"}})");
       g.listing.items().push_back(nlohmann::json::parse(
           R"({"map": {"family": "inet", "table": "filter", "name": "zones", "elem":
               [["eth0", {"jump": {"target": "wan"}}], ["eth1", {"jump": {"target": "lan"}}]]}})"));
       for (const char* chain : {"wan", "lan"}) {
         g.listing.add_plain_chain(chain);
         g.listing.add_rule(chain, "[" + jump + "]");
       }
     },
     {},
     "",
     ""},

    // ---- A jump under conditions ----
    {"AJumpForOneDirection",
     [](Gateway& g) { replace_jump(g, match(in_interface, "\"eth0\"") + "," + jump); },
     {"fault jump-in-part"},
     "no rule of chain forward of table inet filter leads media from eth1 to eth0 to sip_media",
     "nft insert rule inet filter forward jump sip_media"},
    {"AJumpInTheChainOfAZone",
     [](Gateway& g) {
       replace_jump(g, match(in_interface, "\"eth0\"") + R"(, {"jump": {"target": "zone_wan"}})");
       g.listing.add_plain_chain("zone_wan");
       g.listing.add_rule("zone_wan", "[" + jump + "]");
     },
     {"fault jump-in-part"},
     "from eth1 to eth0",
     "nft insert rule inet filter forward jump sip_media"},
    {"AJumpInTheChainsOfBothZones",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       for (const auto& [in, out] : {std::pair{"eth0", "eth1"}, std::pair{"eth1", "eth0"}}) {
         const std::string zone = std::string(in) + "-" + out;
         g.listing.add_plain_chain(zone);
         g.listing.add_rule("forward", rule({match(in_interface, '"' + std::string(in) + '"'),
                                             match(out_interface, '"' + std::string(out) + '"'),
                                             R"({"jump": {"target": ")" + zone + "\"}}"}));
         for (const std::string& one :
              {"[" + jump + "]", rule({established, accept}), rule({to_sip, accept})})
           g.listing.add_rule(zone, one);
       }
     },
     {},
     "",
     ""},
    {"AJumpInAMapOfTwoInterfaces",
     [](Gateway& g) {
       replace_jump(
           g, R"({"vmap": {"key": {"concat": [{"meta": {"key": "iifname"}}, {"meta": {"key": "oifname"}}]},
                           "data": {"set": [[{"concat": ["eth0", "eth1"]}, {"jump": {"target": "sip_media"}}],
                                            ["*", {"drop": null}]]}}})");
     },
     {"fault jump-in-part"},
     "from eth1 to eth0",
     "nft insert rule inet filter forward jump sip_media"},
    {"AJumpInAMapBehindAMatchForAllOthers",
     [](Gateway& g) {
       replace_jump(g, R"({"vmap": {"key": {"meta": {"key": "iifname"}},
                           "data": {"set": [["eth0", {"jump": {"target": "sip_media"}}],
                                            ["eth1", {"jump": {"target": "sip_media"}}], ["*", {"drop": null}]]}}})");
     },
     {},
     "",
     ""},
    {"AZoneThatAcceptsAll",
     [](Gateway& g) {
       replace_jump(g, match(in_interface, "\"eth1\"") + "," + accept);
       g.listing.insert_rule("forward", rule({match(in_interface, "\"eth0\""), jump}));
     },
     {"warning jump-in-part"},
     "leads media from eth1 to eth0 to sip_media",
     ""},
    {"AJumpForNewFlows",
     [](Gateway& g) { replace_jump(g, match(state, "\"new\"", "in") + "," + jump); },
     {"fault jump-in-part"},
     "leads media from eth0 to eth1 to sip_media when its flow is established",
     ""},
    {"AJumpForEstablishedFlows",
     [](Gateway& g) { replace_jump(g, established + "," + jump); },
     {"fault jump-in-part"},
     "leads media from eth0 to eth1 to sip_media",
     ""},
    {"AJumpForOneFamily",
     [](Gateway& g) { replace_jump(g, match(R"({"meta": {"key": "nfproto"}})", "\"ipv4\"") + "," + jump); },
     {"fault jump-in-part"},
     "from eth0 to eth1 over IPv6",
     ""},
    {"AJumpForOneFamilyOnAHostThatForwardsNoOther",
     [](Gateway& g) {
       replace_jump(g, match(R"({"meta": {"key": "nfproto"}})", "\"ipv4\"") + "," + jump);
       g.facts.forwards_ipv6 = false;
     },
     {},
     "",
     ""},
    {"AJumpForAMark",
     [](Gateway& g) { replace_jump(g, match(R"({"meta": {"key": "mark"}})", "1") + "," + jump); },
     {"warning jump-in-part"},
     "leads only some media to sip_media",
     "nft insert rule inet filter forward jump sip_media"},
    {"AJumpForANetwork",
     [](Gateway& g) {
       replace_jump(g, match(source, R"({"prefix": {"addr": "203.0.113.0", "len": 24}})") + "," + jump);
       g.facts.forwards_ipv6 = false;
     },
     {"warning jump-in-part"},
     "leads only some media to sip_media",
     ""},
    {"AReturnAheadOfTheJump",
     [](Gateway& g) {
       replace_jump(g, R"({"jump": {"target": "calls"}})");
       g.listing.add_plain_chain("calls");
       g.listing.add_rule("calls", rule({match(in_interface, "\"eth1\""), R"({"return": null})"}));
       g.listing.add_rule("calls", "[" + jump + "]");
     },
     {"fault jump-in-part"},
     "from eth1 to eth0",
     ""},
    {"AnInterfaceThatCallsDontUse",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       g.facts.interfaces = {"eth0", "eth1", "guests"};
       for (const auto& [in, out] : {std::pair{"eth0", "eth1"}, std::pair{"eth1", "eth0"}}) {
         for (const std::string& last : {jump, to_sip + "," + accept}) {
           g.listing.add_rule("forward", rule({match(in_interface, '"' + std::string(in) + '"'),
                                               match(out_interface, '"' + std::string(out) + '"'), last}));
         }
       }
     },
     {},
     "",
     ""},

    {"AServerOnTheGateway",
     [](Gateway& g) { g.facts.config.policy.local = true; },
     {"fault jump-missing", "warning output-uncounted", "fault sip-not-accepted", "fault queue-missing",
      "fault queue-missing"},
     "chain input",
     "nft insert rule inet filter input jump sip_media"},
    {"AServerWhoseMediaIsNotCounted",
     serve,
     {"warning output-uncounted"},
     "table inet filter leads nothing that this host sends itself to sip_media",
     "nft 'add chain inet filter output { type filter hook output priority filter; }; "
     "add rule inet filter output jump sip_media'"},
    {"AServerBesideAChainOfThatName",
     [](Gateway& g) {
       serve(g);
       g.listing.add_plain_chain("output");
     },
     {"warning output-uncounted"},
     "",
     "add rule inet filter media_output jump sip_media'"},
    {"AServerBehindAnOutputChain",
     [](Gateway& g) {
       serve(g);
       g.listing.add_chain("out", "output", 0, "accept");
     },
     {"warning output-uncounted"},
     "no rule of chain out of table inet filter leads media to sip_media",
     "nft insert rule inet filter out jump sip_media"},
    {"AServerWhoseMediaIsCounted",
     [](Gateway& g) {
       serve(g);
       g.listing.add_chain("out", "output", 0, "accept");
       g.listing.add_rule("out", "[" + jump + "]");
     },
     {},
     "",
     ""},
    {"AnOutputChainThatDrops",
     [](Gateway& g) {
       serve(g);
       g.listing.add_chain("output", "output", 0, "drop");
       g.listing.add_rule("output", rule({to_sip, accept}));
     },
     {"fault jump-missing"},
     "chain output",
     "nft insert rule inet filter output jump sip_media"},

    {"AServerOnTheGatewayThatRoutesToo",
     [](Gateway& g) {
       g.facts.config.policy.local = true;
       g.listing.find("rule", "forward")["expr"] = {{{"counter", nullptr}}};
     },
     {"fault jump-missing", "warning jump-missing", "warning output-uncounted", "fault sip-not-accepted",
      "fault queue-missing", "fault queue-missing"},
     "chain input",
     ""},
    {"AServerOnAHostThatDoesNotRoute",
     [](Gateway& g) {
       g.facts.config.policy.local = true;
       g.facts.forwards_ipv4 = g.facts.forwards_ipv6 = false;
       g.listing.find("rule", "forward")["expr"] = {{{"counter", nullptr}}};
     },
     {"fault jump-missing", "warning output-uncounted", "fault sip-not-accepted", "fault queue-missing",
      "fault queue-missing"},
     "chain input",
     ""},

    // ---- What stands ahead of it ----
    {"Drop",
     ahead(drop),
     {"fault jump-behind-drop", "fault sip-not-accepted"},
     "drops media",
     "nft insert rule inet filter forward jump sip_media"},
    {"Reject", ahead(R"({"reject": null})"), {"fault jump-behind-drop", "fault sip-not-accepted"}, "", ""},
    {"DropUdp", ahead(match(protocol, "\"udp\"") + "," + drop), {"fault jump-behind-drop"}, "", ""},
    {"DropOneInterface",
     ahead(match(in_interface, "\"eth0\"") + "," + drop),
     {"warning jump-behind-drop"},
     "some media",
     ""},
    {"DropNew",
     ahead(match(state, "\"new\"", "in") + "," + drop),
     {"fault jump-behind-drop", "fault sip-not-accepted"},
     "",
     ""},
    {"DropAllButSip",
     ahead(match(destination_port, "5060", "!=") + "," + drop),
     {"fault jump-behind-drop"},
     "",
     ""},
    {"DropARangeByComparison",
     ahead(match(destination_port, "10000", ">=") + "," + drop),
     {"fault jump-behind-drop"},
     "",
     ""},
    {"DropAllAboveTheLastPort", ahead(match(destination_port, "65535", ">") + "," + drop), {}, "", ""},
    {"DropPortsBelowMedia", ahead(match(destination_port, "1024", "<") + "," + drop), {}, "", ""},
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
     {"fault jump-behind-accept", "warning range-open"},
     "",
     ""},
    {"AcceptARange",
     ahead(match(destination_port, R"({"range": [10000, 20000]})") + "," + accept),
     {"warning jump-behind-accept", "warning range-open"},
     "some media",
     ""},
    {"AcceptMostPorts",
     ahead(match(destination_port, R"({"range": [1024, 65535]})") + "," + accept),
     {"fault jump-behind-accept", "warning range-open"},
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
    {"OnlyCounted", ahead(R"({"counter": null}, {"log": {"prefix": "x"}})"), {}, "", ""},
    {"AStatementOfTheFuture", ahead(R"({"teleport": {"to": "x"}},)" + drop), {}, "", ""},
};

class MediaFindings : public testing::TestWithParam<Case> {};

TEST_P(MediaFindings, AreWhatIsWrong) {
  expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Doctor, MediaFindings, testing::ValuesIn(cases), name_of);

}  // namespace
}  // namespace dpinholer::doctor
