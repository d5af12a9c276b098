// SPDX-License-Identifier: GPL-2.0-or-later
// A gateway that is as it should be, with one thing changed: what is found.
#include "doctor/cases.h"
#include "system/queue.h"

namespace dpinholer::doctor {
namespace {

using namespace test;

base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

const Case cases[] = {
    {"AsShipped", [](Gateway&) {}, {}, "", ""},

    // ---- The table and its sets ----
    {"NoTable",
     [](Gateway& g) { g.facts.config.kernel.table.name = "other"; },
     {"fault table-missing"},
     "the sets are in \"inet filter\"",
     "table = \"inet filter\"   # [kernel] in dpinholer.toml"},
    {"NoTableOfItsOwn",
     [](Gateway& g) {
       g.listing.items() = nlohmann::json::array();
       g.facts.config.kernel.table.name = "dpinholer";
     },
     {"fault table-missing", "fault queue-missing"},
     "no table \"inet dpinholer\"",
     "systemctl enable --now dpinholer-standalone"},
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
     "grep -q '^[^#]*include.*dpinholer' /etc/nftables.conf && grep -q '^[^#]*jump sip_media' "
     "/etc/nftables.conf && { echo 'flush table inet filter; delete set inet filter sip_rtp4'; cat "
     "/etc/nftables.conf; } | nft -f -   # where"},
    {"OurTableIsDormant",
     [](Gateway& g) { g.texts = "table inet filter { # handle 1\n\tflags dormant\n"; },
     {"fault table-dormant"},
     "table \"inet filter\" is dormant",
     "nft 'add table inet filter'"},
    {"ATableOfOthersIsDormant",
     [](Gateway& g) {
       g.listing.add_chain("f", "forward", 5, "drop", "inet", "other");
       g.texts = "table inet other { # handle 1\n\tflags dormant\n";
     },
     {},
     "",
     ""},
    {"MoreRulesThanAreFollowed",
     [](Gateway& g) {
       // 14 chains that each lead twice to the next: 30 rules, 32,768 ways.
       for (int depth = 0; depth < 14; ++depth) g.listing.add_plain_chain("c" + std::to_string(depth));
       for (int depth = 0; depth < 14; ++depth) {
         const std::string next = "c" + std::to_string(depth + 1);
         for (int twice = 0; twice < 2; ++twice) {
           g.listing.add_rule("c" + std::to_string(depth),
                              depth == 13 ? rule({counter}) : R"([{"jump": {"target": ")" + next + R"("}}])");
         }
       }
       for (int often = 0; often < 8; ++often)
         g.listing.insert_rule("forward", R"([{"jump": {"target": "c0"}}])");
     },
     {"warning rules-not-followed"},
     "more than 100000 for one",
     "# fewer jumps"},
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

    // ---- Settings that contradict each other ----
    {"HeldShorterThanMediaIdle",
     [](Gateway& g) { g.facts.config.negotiation.held = base::seconds{299}; },
     {"warning held-too-short"},
     "held is 299 s, and media-idle 300 s",
     "held = 3600   # [timeouts] in dpinholer.toml"},
    {"HeldAsLongAsMediaIdle",
     [](Gateway& g) { g.facts.config.negotiation.held = base::seconds{300}; },
     {},
     "",
     ""},
    {"NetworksThatAreRefused",
     [](Gateway& g) {
       g.facts.config.policy.networks = {network("192.0.2.0/24"), network("203.0.113.64/26")};
       g.facts.config.policy.refuse_networks = {network("192.0.0.0/16"), network("203.0.113.0/24")};
     },
     {"fault networks-refused"},
     "refuse-networks refuses all that networks lists",
     "networks = [...]   # [media] in dpinholer.toml, or refuse-networks"},
    {"NetworksOfWhichOneIsRefused",
     [](Gateway& g) {
       g.facts.config.policy.networks = {network("192.0.2.0/24"), network("203.0.113.64/26"),
                                         network("2001:db8::1")};
       g.facts.config.policy.refuse_networks = {network("203.0.113.0/24"), network("192.0.2.0/25")};
     },
     {"warning networks-refused"},
     "refuse-networks refuses 203.0.113.64/26, which networks lists",
     "networks = [\"192.0.2.0/24\", \"2001:db8::1\"]   # [media] in dpinholer.toml"},
    {"NetworksWithAHole",
     [](Gateway& g) {
       g.facts.config.policy.networks = {network("192.0.0.0/16")};
       g.facts.config.policy.refuse_networks = {network("192.0.0.0/24"), network("192.0.2.0/24")};
     },
     {},
     "",
     ""},
    {"NetworksWithNothingOfInside",
     [](Gateway& g) {
       g.facts.config.policy.networks = {network("203.0.113.64/26")};
       g.facts.config.policy.inside_networks = {network("192.0.2.0/24")};
     },
     {"warning networks-without-inside"},
     "networks lists nothing of inside-networks",
     "networks = [\"203.0.113.64/26\", \"192.0.2.0/24\"]   # [media] in dpinholer.toml"},
    {"NetworksWithSomethingOfInside",
     [](Gateway& g) {
       g.facts.config.policy.networks = {network("203.0.113.64/26"), network("192.0.2.7")};
       g.facts.config.policy.inside_networks = {network("192.0.2.0/24")};
     },
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
     "type filter hook forward priority filter + 20; policy accept;"},
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

    {"NothingIsForwarded",
     [](Gateway& g) { g.facts.forwards_ipv4 = g.facts.forwards_ipv6 = false; },
     {"fault forwarding-off"},
     "forwards neither IPv4 nor IPv6",
     "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"},
    {"NothingIsForwardedByABridge",
     [](Gateway& g) {
       g.facts.forwards_ipv4 = g.facts.forwards_ipv6 = false;
       g.facts.interfaces = {"br0"};
       g.facts.bridges = {"br0"};
     },
     {},
     "",
     ""},
    {"ABridgeWithoutBrNetfilter",
     [](Gateway& g) {
       g.facts.forwards_ipv4 = g.facts.forwards_ipv6 = false;
       g.facts.interfaces = {"br0"};
       g.facts.bridges = {"br0"};
       g.facts.br_netfilter = g.facts.bridged_ipv4 = g.facts.bridged_ipv6 = false;
     },
     {"warning bridge-unseen"},
     "packets that br0 passes from port to port don't come to the forward hook",
     "modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1 "
     "net.bridge.bridge-nf-call-ip6tables=1"},
    {"ABridgeThatShowsIPv4Only",
     [](Gateway& g) {
       g.facts.config.policy.same_side = pinhole::SameSide::configured;
       g.facts.interfaces = {"br0", "eth2"};
       g.facts.bridges = {"br0"};
       g.facts.bridged_ipv6 = false;
     },
     {"warning bridge-unseen"},
     "over IPv6",
     "sysctl -w"},
    {"TheBridgeOfALan",
     [](Gateway& g) {
       g.facts.interfaces = {"br-lan", "wan"};
       g.facts.bridges = {"br-lan"};
       g.facts.br_netfilter = g.facts.bridged_ipv4 = g.facts.bridged_ipv6 = false;
     },
     {},
     "",
     ""},
    {"NothingIsWritten",
     [](Gateway& g) { g.facts.config.kernel.observe = true; },
     {"warning observing"},
     "kernel.observe is true",
     "observe = false   # [kernel] in dpinholer.toml"},
};

class OtherFindings : public testing::TestWithParam<Case> {};

TEST_P(OtherFindings, AreWhatIsWrong) {
  expect_found(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Doctor, OtherFindings, testing::ValuesIn(cases), name_of);

}  // namespace
}  // namespace dpinholer::doctor
