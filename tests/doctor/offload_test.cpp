// SPDX-License-Identifier: GPL-2.0-or-later
// A gateway that is as it should be, with a rule that offloads flows: what is found.
#include "doctor/cases.h"

namespace dpinholer::doctor {
namespace {

using namespace test;

const std::string tcp_and_udp = match(protocol, R"({"set": ["tcp", "udp"]})");
const std::string offload = R"({"flow": {"op": "add", "flowtable": "@fast"}})";
const std::string source_port = R"({"payload": {"protocol": "th", "field": "sport"}})";
const std::string not_from_sip = match(source_port, "5060", "!=");
const std::string not_to_sip = match(any_port, "5060", "!=");

// As VyOS and others have it: a table that does nothing else.
std::function<void(Gateway&)> elsewhere(const std::string& statements, int priority) {
  return [=](Gateway& g) {
    g.listing.add_chain("offload", "forward", priority, "accept", "ip", "fast");
    g.listing.add_rule("offload", statements, "ip", "fast");
  };
}

// Media of calls goes into the flowtable, SIP does not.
std::function<void(Gateway&)> media_offloaded(bool counter, bool accounting) {
  return [=](Gateway& g) {
    ahead(tcp_and_udp + "," + not_to_sip + "," + not_from_sip + "," + offload)(g);
    g.facts.config.offload = true;
    g.facts.counts_flows = accounting;
    g.facts.ruleset.flowtables = {{{"inet", "filter"}, "fast", -5, counter}};
  };
}

const Case cases[] = {
    {"AheadOfTheJump",
     ahead(tcp_and_udp + "," + offload),
     {"fault flow-offload"},
     "in chain forward of table inet filter, rule (handle 901) offloads SIP and media",
     "nft 'insert rule inet filter forward jump sip_media; replace rule inet filter forward handle 901 meta "
     "l4proto "
     "{ tcp, udp } th dport != { 0, 5060 } th sport != { 0, 5060 } flow add @fast'"},
    // nft of a system without /etc/protocols.
    {"ProtocolsByNumber",
     ahead(match(protocol, R"({"set": [6, 17]})") + "," + offload),
     {"fault flow-offload"},
     "offloads SIP and media",
     ""},
    {"AheadOfTheJumpWhereMediaMayBeOffloaded",
     [](Gateway& g) {
       ahead(tcp_and_udp + "," + not_to_sip + "," + not_from_sip + "," + offload)(g);
       g.facts.config.offload = true;
     },
     {},
     "",
     ""},
    {"CountedMedia", media_offloaded(true, true), {}, "", ""},
    {"MediaWithoutAccounting",
     media_offloaded(true, false),
     {"fault media-uncounted"},
     "connection tracking does not count packets",
     "sysctl -w net.netfilter.nf_conntrack_acct=1   #"},
    {"MediaWithoutACounter",
     media_offloaded(false, true),
     {"fault media-uncounted"},
     "flowtable inet filter fast takes media and has no counter",
     "nft 'add flowtable inet filter fast { hook ingress priority -5; counter; }'"},
    {"MediaWithNeither",
     media_offloaded(false, false),
     {"fault media-uncounted", "fault media-uncounted"},
     "connection tracking",
     ""},
    {"MediaWithoutACounterWhereItIsNotToBeOffloaded",
     [](Gateway& g) {
       media_offloaded(false, false)(g);
       g.facts.config.offload = false;
     },
     {"fault flow-offload"},
     "offloads media",
     ""},
    {"OtherServicesWithoutACounter",
     [](Gateway& g) {
       ahead(match(destination_port, R"({"set": [53, 123, 443]})") + "," + offload)(g);
       g.facts.config.offload = true;
       g.facts.counts_flows = false;
       g.facts.ruleset.flowtables = {{{"inet", "filter"}, "fast", 0, false}};
     },
     {},
     "",
     ""},
    {"AFlowtableOfTheSameNameInAnotherTable",
     [](Gateway& g) {
       media_offloaded(true, true)(g);
       g.facts.ruleset.flowtables.push_back({{"ip", "filter"}, "fast", 0, false});
     },
     {},
     "",
     ""},
    {"SipWhereMediaMayBeOffloaded",
     [](Gateway& g) {
       ahead(tcp_and_udp + "," + offload)(g);
       g.facts.config.offload = true;
     },
     {"fault flow-offload"},
     "offloads SIP",
     "nft 'replace rule inet filter forward handle 901 meta l4proto "
     "{ tcp, udp } th dport != { 0, 5060 } th sport != { 0, 5060 } flow add @fast'"},
    {"BehindTheJump",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       for (const std::string& one : {"[" + jump + "]", rule({tcp_and_udp, offload}),
                                      rule({established, accept}), rule({to_sip, accept})})
         g.listing.add_rule("forward", one);
     },
     {"fault flow-offload"},
     "offloads SIP",
     "nft 'replace rule inet filter forward handle 901 meta l4proto { tcp, udp } th dport != { 0, 5060 } th "
     "sport != { 0, 5060 } flow add @fast'"},
    {"BehindTheJumpAsNft106MakesOneComparisonOfTwo",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       const std::string both =
           match(R"({"payload": {"base": "th", "offset": 0, "len": 32}})", "331617220", "!=");
       for (const std::string& one : {"[" + jump + "]", rule({tcp_and_udp, both, offload}),
                                      rule({established, accept}), rule({to_sip, accept})})
         g.listing.add_rule("forward", one);
     },
     {"fault flow-offload"},
     "offloads SIP",
     "th dport != { 0, 5060 } th sport != { 0, 5060 }"},
    // The line of docs/gateways.md.
    {"BehindTheJumpWithoutSip",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       for (const std::string& one :
            {"[" + jump + "]", rule({tcp_and_udp, not_to_sip, not_from_sip, offload}),
             rule({established, accept}), rule({to_sip, accept})})
         g.listing.add_rule("forward", one);
     },
     {},
     "",
     ""},
    {"BehindTheJumpWithoutSipInOneDirection",
     [](Gateway& g) {
       g.listing.erase("rule", "forward");
       for (const std::string& one : {"[" + jump + "]", rule({tcp_and_udp, not_to_sip, offload}),
                                      rule({established, accept}), rule({to_sip, accept})})
         g.listing.add_rule("forward", one);
     },
     {"fault flow-offload"},
     "offloads SIP",
     ""},
    {"BehindARuleThatAcceptsEstablishedFlows",
     [](Gateway& g) {
       g.listing.add_rule("forward", rule({tcp_and_udp, offload}));
     },
     {},
     "",
     ""},
    {"OtherServices",
     ahead(match(destination_port, R"({"set": [53, 123, 443]})") + "," + offload),
     {},
     "",
     ""},
    {"TcpButSip",
     ahead(match(protocol, "\"tcp\"") + "," + not_to_sip + "," + not_from_sip + "," + offload),
     {},
     "",
     ""},
    {"InAnotherTable",
     elsewhere(rule({tcp_and_udp, offload}), -1),
     {"fault flow-offload"},
     "in chain offload of table ip fast, rule (handle 901) offloads SIP and media",
     "nft 'replace rule ip fast offload handle 901 meta l4proto tcp th dport != { 0, 5060 } th sport != { 0, "
     "5060 } flow "
     "add "
     "@fast'   # or offloading off, where a program writes this rule"},
    {"InAnotherTableBehindTheMark",
     [](Gateway& g) {
       stand_alone(g);
       elsewhere(rule({tcp_and_udp, offload}), -1)(g);
     },
     {"fault flow-offload"},
     "offloads SIP and media",
     "th sport != { 0, 5060 } meta mark & 0x01000000 != 0x01000000 flow add @fast'"},
    {"InAnotherTableBehindTheMarkWithThatLine",
     [](Gateway& g) {
       stand_alone(g);
       const std::string unmarked =
           match(R"({"&": [{"meta": {"key": "mark"}}, 16777216]})", "16777216", "!=");
       elsewhere(rule({tcp_and_udp, not_to_sip, not_from_sip, unmarked, offload}), -1)(g);
     },
     {},
     "",
     ""},
    {"InAnotherTableTcpOnly",
     elsewhere(rule({match(protocol, "\"tcp\""), not_to_sip, not_from_sip, offload}), -1),
     {},
     "",
     ""},
};

class OffloadFindings : public testing::TestWithParam<Case> {};

TEST_P(OffloadFindings, AreWhatIsWrong) {
  expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Doctor, OffloadFindings, testing::ValuesIn(cases), name_of);

}  // namespace
}  // namespace dpinholer::doctor
