// SPDX-License-Identifier: GPL-2.0-or-later
// A gateway that is as it should be, beside the rules of others: what is found.
#include "doctor/cases.h"

namespace dpinholer::doctor {
namespace {

using namespace test;

const std::string sip_accepted = rule({to_sip, accept});
const std::string established_accepted = rule({established, accept});

// firewalld's chains, with these rules for the ways between the zones.
void firewalld(Gateway& gateway, std::initializer_list<std::string> rules) {
  gateway.listing.items().push_back({{"table", {{"family", "inet"}, {"name", "firewalld"}, {"handle", 9}}}});
  gateway.listing.add_chain("filter_FORWARD", "forward", 10, "accept", "inet", "firewalld");
  gateway.listing.add_plain_chain("filter_FWD_calls", "firewalld");
  const std::string dnat = match(R"({"ct": {"key": "status"}})", "\"dnat\"", "in");
  for (const std::string& one :
       {established_accepted, rule({dnat, accept}), rule({match(state, "\"invalid\"", "in"), drop}),
        std::string(R"([{"jump": {"target": "filter_FWD_calls"}}])"),
        std::string(R"([{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}])")}) {
    gateway.listing.add_rule("filter_FORWARD", one, "inet", "firewalld");
  }
  for (const std::string& one : rules) gateway.listing.add_rule("filter_FWD_calls", one, "inet", "firewalld");
}

// Marks pass, SIP and what is established too, and a range.
void iptables_opens(Gateway& gateway, const std::string& ports, const std::string& conditions = "") {
  set_mark(gateway);
  gateway.facts.forwards_ipv6 = false;
  gateway.listing.find("chain", "forward")["policy"] = "accept";
  iptables(gateway, {rule({marked, accept}), established_accepted, sip_accepted,
                     "[" + conditions + match(destination_port, ports) + "," + accept + "]"});
}

const Case cases[] = {
    // ---- Base chains that drop what was accepted ----
    {"AnotherChainOfTheTableDrops",
     [](Gateway& g) {
       g.listing.add_chain("late", "forward", 5, "drop");
       g.listing.add_rule("late", sip_accepted);
     },
     {"fault other-chain-drops"},
     "chain late of table inet filter drops media that has a pinhole, as that from eth0 to eth1",
     "nft insert rule inet filter late jump sip_media"},
    {"AnotherTableDrops",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "accept", "ip", "other");
       for (const std::string& one : {established_accepted, sip_accepted, rule({drop})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {"fault other-chain-drops"},
     "chain f of table ip other",
     "nft 'add rule inet filter sip_media_options meta mark set meta mark | 0x01000000; insert rule ip other "
     "f "
     "meta mark & 0x01000000 == 0x01000000 accept'"},
    {"AnotherTableDropsWithTheMarkSet",
     [](Gateway& g) {
       set_mark(g);
       g.listing.add_chain("f", "forward", 5, "drop", "ip", "other");
       g.listing.add_rule("f", sip_accepted, "ip", "other");
     },
     {"fault other-chain-drops"},
     "",
     "nft 'insert rule ip other f meta mark & 0x01000000 == 0x01000000 accept'"},
    {"AnotherTableAcceptsTheMark",
     [](Gateway& g) {
       set_mark(g);
       g.listing.add_chain("f", "forward", 5, "drop", "ip", "other");
       for (const std::string& one : {sip_accepted, rule({marked, accept})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {},
     "",
     ""},
    {"AnotherTableAcceptsAMarkThatNobodySets",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "drop", "ip", "other");
       for (const std::string& one : {sip_accepted, rule({marked, accept})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {"fault other-chain-drops"},
     "",
     "nft 'add rule inet filter sip_media_options"},
    {"AnotherTableDecidesBeforeTheMark",
     [](Gateway& g) {
       set_mark(g);
       g.listing.add_chain("f", "forward", -5, "drop", "ip", "other");
       for (const std::string& one : {sip_accepted, rule({marked, accept})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {"fault other-chain-drops"},
     "",
     "type filter hook forward priority filter - 15; policy drop;   # in chain forward of table inet filter"},
    {"AnotherTableDropsNewFlowsOfOneSide",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "drop", "ip", "other");
       for (const std::string& one :
            {established_accepted, sip_accepted, rule({match(in_interface, "\"eth1\""), accept})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {"warning other-chain-drops"},
     "from eth0 to eth1",
     "meta mark"},
    {"AnotherTableAccepts",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "drop", "ip", "other");
       g.listing.add_rule("f", rule({accept}), "ip", "other");
     },
     {},
     "",
     ""},
    {"AnotherTableAcceptsANetwork",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "accept", "ip", "other");
       const std::string network = R"({"prefix": {"addr": "192.0.2.0", "len": 24}})";
       for (const std::string& one : {rule({match(source, network), accept}), sip_accepted, rule({drop})})
         g.listing.add_rule("f", one, "ip", "other");
     },
     {},
     "",
     ""},
    {"ABridgeDrops",
     [](Gateway& g) { g.listing.add_chain("forward", "forward", 0, "drop", "bridge", "other"); },
     {},
     "",
     ""},
    {"Iptables",
     [](Gateway& g) {
       iptables(g, {established_accepted, sip_accepted});
     },
     {"fault other-chain-drops"},
     "chain FORWARD of table ip filter",
     "nft 'add rule inet filter sip_media_options meta mark set meta mark | 0x01000000' && iptables-nft -I "
     "FORWARD "
     "-m mark --mark 0x01000000/0x01000000 -j ACCEPT   # and mark.nft in /etc/dpinholer/dpinholer.nft"},
    {"IptablesWithTheMarkSet",
     [](Gateway& g) {
       set_mark(g);
       iptables(g, {established_accepted, sip_accepted});
     },
     {"fault other-chain-drops"},
     "",
     "iptables-nft -I FORWARD -m mark --mark 0x01000000/0x01000000 -j ACCEPT"},
    {"IptablesThatAcceptsTheMark",
     [](Gateway& g) {
       set_mark(g);
       iptables(g, {rule({marked, counter, accept}), established_accepted, sip_accepted});
     },
     {},
     "",
     ""},
    {"IptablesThatWasLoadedLater",
     [](Gateway& g) {
       set_mark(g);
       g.listing.add_chain("FORWARD", "forward", 0, "drop", "ip", "filter");
       for (const std::string& one : {rule({marked, accept}), sip_accepted})
         g.listing.add_rule("FORWARD", one, "ip", "filter");
     },
     {"fault other-chain-drops"},
     "chain FORWARD of table ip filter",
     "type filter hook forward priority filter - 10; policy drop;   # in chain forward of table inet filter"},
    {"Docker",
     [](Gateway& g) {
       stand_alone(g);
       g.listing.add_plain_chain("DOCKER-USER", "filter", "ip");
       iptables(g, {established_accepted, sip_accepted});
     },
     {"fault other-chain-drops"},
     "",
     "iptables-nft -I DOCKER-USER -m mark"},

    // ---- A table of its own ----
    {"ATableOfItsOwn", stand_alone, {}, "", ""},
    {"ATableOfItsOwnBesideTheRange",
     [](Gateway& g) {
       stand_alone(g);
       iptables(g, {established_accepted, sip_accepted, rule({to_range, accept})});
     },
     {},
     "",
     ""},
    {"ATableOfItsOwnBesideTheMark",
     [](Gateway& g) {
       stand_alone(g);
       iptables(g, {rule({marked, accept}), established_accepted, sip_accepted});
     },
     {},
     "",
     ""},
    {"ATableOfItsOwnBesideALargerRange",
     [](Gateway& g) {
       stand_alone(g);
       iptables(g, {established_accepted, sip_accepted,
                    rule({match(destination_port, R"({"range": [10000, 32767]})"), accept})});
     },
     {"warning range-open"},
     "accepts UDP to 10000-32767 without a call",
     "define media_ports = 10000-32767   # in /etc/dpinholer/standalone.nft"},
    {"FirewalldWithTheRange",
     [](Gateway& g) {
       stand_alone(g);
       firewalld(g, {sip_accepted, rule({to_range, accept})});
     },
     {},
     "",
     ""},
    {"FirewalldWithoutTheRange",
     [](Gateway& g) {
       stand_alone(g);
       firewalld(g, {sip_accepted});
     },
     {"fault other-chain-drops"},
     "chain filter_FORWARD of table inet firewalld",
     "firewall-cmd --permanent --policy=calls-in --add-port=16384-32767/udp && firewall-cmd --reload"},
    {"FirewalldWithoutATableOfItsOwn",
     [](Gateway& g) { firewalld(g, {sip_accepted}); },
     {"fault other-chain-drops"},
     "",
     "systemctl enable --now dpinholer-standalone"},
    {"FirewalldWithoutSip",
     [](Gateway& g) {
       stand_alone(g);
       firewalld(g, {rule({to_range, accept})});
     },
     {"fault sip-not-accepted"},
     "in chain filter_FORWARD",
     "--add-port=5060/udp --add-port=5060/tcp"},

    // ---- SIP ----
    {"NoRuleAcceptsSip",
     [](Gateway& g) { g.listing.erase("rule", "forward", "5060"); },
     {"fault sip-not-accepted"},
     "chain forward of table inet filter drops SIP: no rule accepts port 5060",
     "nft 'add rule inet filter forward meta l4proto { tcp, udp } th dport 5060 accept'"},
    {"ARuleDropsSip",
     ahead(match(any_port, "5060") + "," + drop),
     {"fault sip-not-accepted"},
     "in chain forward, rule (handle 901)",
     "nft 'insert rule inet filter forward handle 901 meta l4proto { tcp, udp } th dport 5060 accept'"},
    {"SipOfOnePeer",
     [](Gateway& g) {
       g.listing.erase("rule", "forward", "5060");
       g.listing.add_rule("forward", rule({match(source, "\"203.0.113.5\""), to_sip, accept}));
     },
     {},
     "",
     ""},
    {"SipOverTcpOnly",
     [](Gateway& g) {
       g.listing.erase("rule", "forward", "5060");
       g.listing.add_rule("forward", rule({match(protocol, "\"tcp\""), to_sip, accept}));
     },
     {},
     "",
     ""},
    {"SipOfFloodersIsDropped",
     [](Gateway& g) {
       g.listing.insert_rule(
           "sip_signalling",
           rule(
               {R"({"set": {"op": "update", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@r",
                     "stmt": [{"limit": {"rate": 20, "burst": 100, "per": "second", "inv": true}}]}})",
                drop}));
     },
     {},
     "",
     ""},
    {"SipIsLimited",
     [](Gateway& g) {
       g.listing.erase("rule", "forward", "5060");
       g.listing.add_plain_chain("flood");
       g.listing.add_rule("flood",
                          rule({R"({"limit": {"rate": 50, "per": "second"}})", R"({"return": null})"}));
       g.listing.add_rule("flood", rule({drop}));
       g.listing.add_rule("forward", rule({to_sip, R"({"jump": {"target": "flood"}})"}));
       g.listing.add_rule("forward", sip_accepted);
     },
     {},
     "",
     ""},
    {"IptablesWithoutSip",
     [](Gateway& g) {
       set_mark(g);
       iptables(g, {rule({marked, accept}), established_accepted});
     },
     {"fault sip-not-accepted"},
     "chain FORWARD of table ip filter",
     "iptables-nft -A FORWARD -p udp --dport 5060 -j ACCEPT && iptables-nft -A FORWARD -p tcp --dport 5060 "
     "-j ACCEPT"},
    {"IptablesThatDropsAllButSome",
     [](Gateway& g) {
       set_mark(g);
       iptables(g, {rule({match(source, "\"203.0.113.66\""), drop}), rule({marked, accept}),
                    established_accepted, rule({drop})});
     },
     {"fault sip-not-accepted"},
     "in chain FORWARD, rule (handle 901)",
     "iptables-nft -I FORWARD 4 -p udp --dport 5060 -j ACCEPT && iptables-nft -I FORWARD 4 -p tcp --dport "
     "5060 "
     "-j ACCEPT"},
    {"UfwWithoutSip",
     [](Gateway& g) {
       stand_alone(g);
       g.listing.add_plain_chain("ufw-before-forward", "filter", "ip");
       iptables(g, {rule({marked, accept}), established_accepted});
     },
     {"fault sip-not-accepted"},
     "",
     "ufw route allow proto udp from any to any port 5060 && ufw route allow proto tcp from any to any port "
     "5060"},
    {"AChainBehindTheQueueDropsSomeSip",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 30, "accept", "inet", "other");
       g.listing.add_rule("f", rule({match(in_interface, "\"eth0\""), to_sip, drop}), "inet", "other");
     },
     {"fault queue-too-early"},
     "before chain f of table inet other (priority 30) has judged it",
     "priority filter + 40; policy accept;"},

    // ---- Ranges that are open without a call ----
    {"ARangeBehindTheJump",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(destination_port, R"({"range": [10000, 20000]})"), accept}));
     },
     {"warning range-open"},
     "chain forward of table inet filter, rule (handle 901) accepts UDP to 10000-20000 without a call",
     "nft delete rule inet filter forward handle 901"},
    {"ARangeWithSip",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(destination_port, R"({"range": [1000, 20000]})"), accept}));
       g.texts = "table inet filter { # handle 1\n\t\tudp dport 1000-20000 counter accept # handle 901\n";
     },
     {"warning range-open"},
     "accepts UDP to 1024-20000 without a call",
     "nft 'replace rule inet filter forward handle 901 udp dport { 1000-1023, 5060 } counter accept'"},
    {"ARangeWithSipOfWhichTheTextIsUnknown",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(destination_port, R"({"range": [5060, 20000]})"), accept}));
     },
     {"warning range-open"},
     "",
     "# in rule handle 901 of chain forward of table inet filter: ports 5060 only"},
    {"ARangeOfIptables",
     [](Gateway& g) { iptables_opens(g, R"({"range": [10000, 20000]})"); },
     {"warning range-open"},
     "chain FORWARD of table ip filter",
     "iptables-nft -S FORWARD 4 | grep -q -e '10000:20000.* -j ACCEPT' && iptables-nft -D FORWARD 4   # and "
     "in"},
    {"ARangeOfIptablesWithMore",
     [](Gateway& g) { iptables_opens(g, R"({"set": [5060, 5061, {"range": [10000, 20000]}]})"); },
     {"warning range-open"},
     "chain FORWARD of table ip filter",
     "iptables-nft -S FORWARD 4 | grep -q -e '10000:20000.* -j ACCEPT' && iptables-nft -R FORWARD 4 -p udp "
     "-m "
     "multiport --dports 5060,5061 -j ACCEPT   # and in"},
    {"ARangeOfIptablesWithSip",
     [](Gateway& g) {
       iptables_opens(g, R"({"range": [5060, 20000]})", match(in_interface, R"("eth*")", "!=") + ",");
       g.facts.interfaces = {"eth0", "ppp0"};
     },
     {"warning range-open"},
     "chain FORWARD of table ip filter",
     "iptables-nft -S FORWARD 4 | grep -q -e '5060:20000.* -j ACCEPT' && iptables-nft -R FORWARD 4 ! -i eth+ "
     "-p udp -m udp --dport 5060 -j ACCEPT"},
    {"ARangeOfIptablesWithWhatIsNotUnderstood",
     [](Gateway& g) {
       iptables_opens(g, R"({"set": [5060, {"range": [10000, 20000]}]})",
                      match(state, R"("new")", "in") + ",");
     },
     {"warning range-open"},
     "",
     "# in the rule of iptables that `iptables-nft -S FORWARD 4` shows: 5060 instead of 10000:20000"},
    {"ARangeByComparison",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(destination_port, "10000", ">="), accept}));
     },
     {"warning range-open"},
     "accepts UDP to 10000-65535 without a call",
     "nft delete rule inet filter forward handle 901"},
    {"ARangeInAVerdictMap",
     [](Gateway& g) {
       g.listing.add_rule(
           "forward",
           R"([{"vmap": {"key": {"payload": {"protocol": "udp", "field": "dport"}}, "data": {"set":
                              [[53, {"drop": null}], [{"range": [10000, 65535]}, {"accept": null}]]}}}])");
     },
     {"warning range-open"},
     "accepts UDP to 10000-65535 without a call",
     "# take ports 10000-65535 out of the map or the rule that leads to rule handle 901"},
    {"ARangeThatLeadsToAChain",
     [](Gateway& g) {
       g.listing.add_plain_chain("accept_to_lan");
       g.listing.add_rule("accept_to_lan", rule({match(out_interface, "\"eth1\""), accept}));
       g.listing.add_rule("forward", rule({match(in_interface, "\"eth0\""),
                                           match(destination_port, R"({"range": [10000, 65535]})"),
                                           R"({"jump": {"target": "accept_to_lan"}})"}));
     },
     {"warning range-open"},
     "in chain accept_to_lan of table inet filter",
     "# take ports 10000-65535 out of"},
    {"APolicyThatAcceptsAll",
     [](Gateway& g) { g.listing.find("chain", "forward")["policy"] = "accept"; },
     {"warning range-open"},
     "accepts UDP from eth0 to eth1 to any port without a call: by its policy",
     "# let rules accept what has to pass, SIP to port 5060"},
    {"ARuleThatAcceptsAllUdp",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(protocol, "\"udp\""), accept}));
     },
     {"warning range-open"},
     "rule (handle 901) accepts UDP from eth0 to eth1 to any port without a call",
     "# name the ports that services need in rule handle 901 of chain forward of table inet filter"},
    {"ARuleThatAcceptsAllFromInside",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(in_interface, "\"eth1\""), accept}));
     },
     {},
     "",
     ""},
    {"ARuleThatAcceptsAllFromOutside",
     [](Gateway& g) {
       g.facts.way_outside = "eth0";
       g.listing.add_rule("forward", rule({match(in_interface, "\"eth0\""), accept}));
     },
     {"warning range-open"},
     "accepts UDP from eth0",
     "# name the ports"},
    {"APolicyThatAcceptsWhatALaterChainDrops",
     [](Gateway& g) {
       g.listing.find("chain", "forward")["policy"] = "accept";
       g.facts.forwards_ipv6 = false;
       set_mark(g);
       iptables(g, {rule({marked, accept}), established_accepted, sip_accepted});
     },
     {},
     "",
     ""},
    {"ARangeForWhatComesFromInside",
     [](Gateway& g) {
       g.facts.config.policy.inside_interfaces = {"eth1"};
       g.listing.add_rule("forward", rule({match(in_interface, "\"eth1\""),
                                           match(destination_port, R"({"range": [1024, 65535]})"), accept}));
     },
     {},
     "",
     ""},
    {"ARangeOfOnePeer",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({match(source, "\"203.0.113.5\""),
                                           match(destination_port, R"({"range": [10000, 20000]})"), accept}));
     },
     {},
     "",
     ""},
    {"ARangeThatALaterChainCloses",
     [](Gateway& g) {
       set_mark(g);
       g.listing.add_rule("forward", rule({match(destination_port, R"({"range": [10000, 20000]})"), accept}));
       g.listing.add_chain("f", "forward", 5, "drop", "inet", "other");
       for (const std::string& one : {rule({marked, accept}), sip_accepted})
         g.listing.add_rule("f", one, "inet", "other");
     },
     {},
     "",
     ""},
};

class GatewayFindings : public testing::TestWithParam<Case> {};

TEST_P(GatewayFindings, AreWhatIsWrong) {
  expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Doctor, GatewayFindings, testing::ValuesIn(cases), name_of);

}  // namespace
}  // namespace dpinholer::doctor
