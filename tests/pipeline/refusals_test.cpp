// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 5 through the whole pipeline: each refusal is an event with its reason, what else the
// message announced opens all the same, and the running session stays.
#include <gtest/gtest.h>

#include "pipeline/two_parties.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

using Party = TwoParties::Party;

const Host inside{"192.0.2.10"};
const Host outside{"203.0.113.5"};

const std::string plain_offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string plain_answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});

base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

PipelineSettings with_sides() {
  PipelineSettings settings;
  settings.policy.inside_networks = {network("192.0.2.0/24"), network("2001:db8:2::/48")};
  return settings;
}

void expect_next_call_works(TwoParties& call) {
  call.call_id = "next@pbx";
  EXPECT_NE(call.offer(sdp({"192.0.2.10|audio 31000 RTP/AVP 0"})).find("open 192.0.2.10:31000 any"),
            std::string::npos);
}

TEST(Refuse, OtherSideInBothDirections) {
  TwoParties out(with_sides());
  EXPECT_EQ(out.offer(sdp({"203.0.113.99|audio 30000 RTP/AVP 0", "192.0.2.10|video 30002 RTP/AVP 31"})),
            "open 192.0.2.10:30002 any video rtp 180 offer\n"
            "open 192.0.2.10:30003 any video rtcp 180 offer\n"
            "refuse 203.0.113.99:30000 audio rtp other-side\n"
            "refuse 203.0.113.99:30001 audio rtcp other-side\n");
  EXPECT_EQ(out.answer(sdp({"192.0.2.99|audio 40000 RTP/AVP 0", "203.0.113.5|video 40002 RTP/AVP 31"})),
            "bind 192.0.2.10:30002 203.0.113.5 video rtp 300 answer\n"
            "bind 192.0.2.10:30003 203.0.113.5 video rtcp 300 answer\n"
            "open 203.0.113.5:40002 192.0.2.10 video rtp 300 answer\n"
            "open 203.0.113.5:40003 192.0.2.10 video rtcp 300 answer\n"
            "refuse 192.0.2.99:40000 audio rtp other-side\n"
            "refuse 192.0.2.99:40001 audio rtcp other-side\n");
  EXPECT_FALSE(out.scenario.media("203.0.113.5", "192.0.2.99", 40000));
}

TEST(Refuse, OtherSideAcrossFamilies) {
  TwoParties call(with_sides());
  EXPECT_EQ(
      call.offer(sdp({"2001:db8:2::10|audio 30000 RTP/AVP 0", "2001:db8:9::10|video 30002 RTP/AVP 31"})),
      "open [2001:db8:2::10]:30000 any audio rtp 180 offer\n"
      "open [2001:db8:2::10]:30001 any audio rtcp 180 offer\n"
      "refuse 2001:db8:9::10:30002 video rtp other-side\n"
      "refuse 2001:db8:9::10:30003 video rtcp other-side\n");
}

// Attack A2: an outside peer opens no port of an inside host, whatever it calls it.
TEST(Refuse, A2ThirdInsideHostNamedFromOutside) {
  const struct {
    const char* what;
    std::string section;
    const char* refused;
  } rows[] = {
      {"c=", "192.0.2.77|audio 5060 RTP/AVP 0|a=rtcp-mux-only",
       "refuse 192.0.2.77:5060 audio rtp other-side\n"},
      {"a=rtcp", "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp:9100 IN IP4 192.0.2.77",
       "refuse 192.0.2.77:9100 audio rtcp other-side\n"},
      {"a=candidate",
       "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux-only|a=candidate:1 1 UDP 1 192.0.2.77 9100 typ host",
       "refuse 192.0.2.77:9100 audio rtp other-side\n"},
      {"T.38", "192.0.2.77|image 9100 udptl t38", "refuse 192.0.2.77:9100 image data other-side\n"},
      {"over IPv6", "2001:db8:2::77|image 9100 udptl t38",
       "refuse 2001:db8:2::77:9100 image data other-side\n"},
  };
  for (const auto& row : rows) {
    TwoParties call(with_sides());
    std::swap(call.caller, call.callee);
    const std::string happened = call.offer(sdp({row.section}));
    EXPECT_NE(happened.find(row.refused), std::string::npos) << row.what << "\n" << happened;
    EXPECT_EQ(happened.find("open 192.0.2"), std::string::npos) << row.what << "\n" << happened;
    EXPECT_EQ(happened.find("open [2001:db8:2"), std::string::npos) << row.what << "\n" << happened;
    call.answer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0"}));
    EXPECT_EQ(call.scenario.open().find("192.0.2.77"), std::string::npos)
        << row.what << ": nor is it a source";
    // The next legitimate call still works.
    call.call_id = "next@pbx";
    EXPECT_NE(call.offer(plain_answer), "");
  }
}

// Attack A3: nor an inside phone one of a third party outside.
TEST(Refuse, A3ThirdPartyOutsideNamedFromInside) {
  TwoParties call(with_sides());
  EXPECT_EQ(call.offer(sdp({"198.51.100.7|audio 40000 RTP/AVP 0"})),
            "refuse 198.51.100.7:40000 audio rtp other-side\n"
            "refuse 198.51.100.7:40001 audio rtcp other-side\n");
  call.answer(plain_answer);
  EXPECT_EQ(call.scenario.open(), "203.0.113.5:40000 192.0.2.10\n203.0.113.5:40001 192.0.2.10\n");
  expect_next_call_works(call);
}

TEST(Refuse, A4PortPolicy) {
  PipelineSettings settings;
  settings.policy.ports = {5000, 60000};
  settings.policy.refuse_ports = {{5060, 5061}, {9100, 9100}};
  const struct {
    const char* section;
    const char* happened;
  } rows[] = {
      {"192.0.2.10|audio 53 RTP/AVP 0",
       "refuse 192.0.2.10:53 audio rtp port-policy\nrefuse 192.0.2.10:54 audio rtcp port-policy\n"},
      {"192.0.2.10|audio 1022 RTP/AVP 0",
       "refuse 192.0.2.10:1022 audio rtp port-policy\nrefuse 192.0.2.10:1023 audio rtcp port-policy\n"},
      {"192.0.2.10|audio 4999 RTP/AVP 0",
       "open 192.0.2.10:5000 any audio rtcp 180 offer\nrefuse 192.0.2.10:4999 audio rtp port-policy\n"},
      {"192.0.2.10|audio 5059 RTP/AVP 0",
       "open 192.0.2.10:5059 any audio rtp 180 offer\nrefuse 192.0.2.10:5060 audio rtcp port-policy\n"},
      {"192.0.2.10|image 5061 udptl t38", "refuse 192.0.2.10:5061 image data port-policy\n"},
      {"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp:9100",
       "open 192.0.2.10:30000 any audio rtp 180 offer\nrefuse 192.0.2.10:9100 audio rtcp port-policy\n"},
      {"192.0.2.10|audio 60000 RTP/AVP 0",
       "open 192.0.2.10:60000 any audio rtp 180 offer\nrefuse 192.0.2.10:60001 audio rtcp port-policy\n"},
      {"192.0.2.10|audio 9 RTP/AVP 0",
       "refuse 192.0.2.10:9 audio rtp port-policy\nrefuse 192.0.2.10:10 audio rtcp port-policy\n"},
  };
  for (const auto& row : rows) {
    TwoParties call(settings);
    EXPECT_EQ(call.offer(sdp({row.section})), row.happened);
    expect_next_call_works(call);
  }
}

TEST(Refuse, PortsPastTheLastOpenAsFarAsTheyFit) {
  EXPECT_EQ(TwoParties().offer(sdp({"192.0.2.10|audio 65533/2 RTP/AVP 0"})),
            "open 192.0.2.10:65533 any audio rtp 180 offer\n"
            "open 192.0.2.10:65534 any audio rtcp 180 offer\n"
            "open 192.0.2.10:65535 any audio rtp 180 offer\n"
            "refuse 192.0.2.10:65536 audio rtcp port-policy\n");
  EXPECT_EQ(TwoParties().offer(sdp({"192.0.2.10|image 96000 udptl t38"})),
            "refuse 192.0.2.10:96000 image data port-policy\n")
      << "not 96000 - 65536";
}

TEST(Refuse, AddressesThatNoHostElsewhereHas) {
  const struct {
    const char* address;
    bool refused;
  } rows[] = {
      {"224.2.1.1", true},   {"255.255.255.255", true},   {"240.0.0.1", true},    {"0.1.2.3", true},
      {"127.0.0.1", true},   {"169.254.1.1", true},       {"::1", true},          {"fe80::1", true},
      {"ff0e::1", true},     {"::ffff:192.0.2.10", true}, {"::192.0.2.10", true}, {"pc33.example.com", true},
      {"192.0.2.10", false}, {"2001:db8::10", false}};
  for (const auto& row : rows) {
    const std::string address = row.address;
    const std::string happened = TwoParties().offer(sdp({address + "|image 30000 udptl t38"}));
    if (row.refused) {
      EXPECT_EQ(happened, "refuse " + address + ":30000 image data address\n");
    } else {
      EXPECT_EQ(happened.substr(0, 5), "open ") << address;
    }
  }
}

TEST(Refuse, LoopbackAndLinkLocalFromThereAreAllowed) {
  TwoParties loopback;
  loopback.caller = {"127.0.0.1", 5062};
  loopback.callee = {"127.0.0.2"};
  EXPECT_EQ(loopback.offer(sdp({"127.0.0.1|image 30000 udptl t38"})),
            "open 127.0.0.1:30000 any image data 180 offer\n");
  TwoParties link_local;
  link_local.caller = {"fe80::10"};
  link_local.callee = {"fe80::5"};
  EXPECT_EQ(link_local.offer(sdp({"fe80::10|image 30000 udptl t38"})),
            "open [fe80::10]:30000 any image data 180 offer\n");
}

// Attack A16: one way to write an address; any other makes the line unreadable.
TEST(Refuse, A16AddressTricksAreUnreadable) {
  for (const char* address :
       {"192.0.2.010",    "0300.0.2.10",     "0xc0.0.2.10",        "0xC000020A",      "3221225994",
        "192.0.522",      "192.0.2.10.",     " 192.0.2.10x",       "192.0.2.10%eth0", "192.0.2.10/32",
        "192.0.2.256",    "192.0.2",         "+192.0.2.10",        "fe80::1%eth0",    "[2001:db8::1]",
        "2001:db8::1::1", "2001:db8::00001", "::ffff:192.0.2.010", "1.2.3.4a",        ""}) {
    for (const char* type : {"IP4", "IP6"}) {
      TwoParties call;
      EXPECT_EQ(
          call.offer(std::string("v=0\r\nm=image 30000 udptl t38\r\nc=IN ") + type + " " + address + "\r\n"),
          "")
          << address;
      expect_next_call_works(call);
    }
  }
  EXPECT_EQ(TwoParties().offer("v=0\r\nm=image 30000 udptl t38\r\nc=IN IP6 192.0.2.10\r\n"), "")
      << "address and addrtype contradict each other";
}

TEST(Refuse, A17TheGatewayItself) {
  for (const bool local : {false, true}) {
    PipelineSettings settings;
    FakeHost host;
    host.own = {*base::Address::parse("192.0.2.1"), *base::Address::parse("2001:db8::1")};
    settings.policy.local = local;
    TwoParties call(settings, &host);
    EXPECT_EQ(call.offer(sdp({"192.0.2.1|image 30000 udptl t38", "192.0.2.1|image 22 udptl t38"})),
              local ? "open 192.0.2.1:30000 any image data 180 offer\n"
                      "refuse 192.0.2.1:22 image data port-policy\n"
                    : "refuse 192.0.2.1:30000 image data address\n"
                      "refuse 192.0.2.1:22 image data address\n");
    expect_next_call_works(call);
  }
}

// Attack A18: told as written, never asked for.
TEST(Refuse, A18HostNamesAreNotResolved) {
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({"localhost|audio 30000 RTP/AVP 0"})),
            "refuse localhost:30000 audio rtp address\nrefuse localhost:30001 audio rtcp address\n");
  expect_next_call_works(call);
  EXPECT_EQ(TwoParties().offer(sdp({"localhost|audio 30000 RTP/AVP 0|a=rtcp:30005 IN IP4 192.0.2.10"})),
            "open 192.0.2.10:30005 any audio rtcp 180 offer\nrefuse localhost:30000 audio rtp address\n");
}

TEST(Refuse, RefuseNetworks) {
  PipelineSettings settings;
  settings.policy.refuse_networks = {network("192.0.2.128/25")};
  EXPECT_EQ(TwoParties(settings).offer(
                sdp({"192.0.2.10|image 30000 udptl t38", "192.0.2.200|image 30002 udptl t38"})),
            "open 192.0.2.10:30000 any image data 180 offer\nrefuse 192.0.2.200:30002 image data address\n");
}

TEST(Refuse, OfSeveralReasonsOneIsTold) {
  PipelineSettings settings = with_sides();
  settings.policy.inside_networks.push_back(network("127.0.0.0/8"));
  TwoParties call(settings);
  std::swap(call.caller, call.callee);
  EXPECT_EQ(call.offer(sdp({"127.0.0.1|image 22 udptl t38", "192.0.2.77|image 22 udptl t38",
                            "203.0.113.5|image 22 udptl t38"})),
            "refuse 127.0.0.1:22 image data address\n"
            "refuse 192.0.2.77:22 image data other-side\n"
            "refuse 203.0.113.5:22 image data port-policy\n");
}

TEST(Refuse, AmbiguousMessagesOpenAndCloseNothing) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  const std::string before = call.scenario.open();
  const char* twice[] = {"Call-ID: other@pbx\r\n",
                         "i: other@pbx\r\n",
                         "CSeq: 99 INVITE\r\n",
                         "f: <sip:x@example.com>;tag=z\r\n",
                         "To: <sip:x@example.com>;tag=z\r\n",
                         "l: 3000\r\n"};
  for (const char* header : twice) {
    Sip offer{.start = "INVITE",
              .to_tag = "b",
              .branch = "z9hG4bKamb",
              .cseq = 9,
              .headers = header,
              .body = sdp({"192.0.2.10|image 31000 udptl t38"})};
    EXPECT_EQ(call.scenario.send(call.caller, call.callee, offer),
              "refuse 192.0.2.10:31000 image data ambiguous\n")
        << header;
    Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bKbye", .cseq = 10, .headers = header};
    if (std::string(header).find("INVITE") != std::string::npos) continue;
    EXPECT_EQ(call.scenario.send(call.caller, call.callee, bye), "") << header;
    bye.start = "200 BYE";
    bye.headers = "";
    EXPECT_EQ(call.scenario.send(call.callee, call.caller, bye), "") << header;
  }
  EXPECT_EQ(call.scenario.open(), before);
}

TEST(Refuse, NoRequestWasSeen) {
  Scenario s;
  EXPECT_EQ(
      s.send(outside, inside, {.start = "200 INVITE", .to_tag = "b", .body = plain_answer}),
      "refuse 203.0.113.5:40000 audio rtp no-request\nrefuse 203.0.113.5:40001 audio rtcp no-request\n");
  EXPECT_EQ(s.send(inside, outside, {.start = "ACK", .to_tag = "b", .body = plain_offer}),
            "refuse 192.0.2.10:30000 audio rtp no-request\nrefuse 192.0.2.10:30001 audio rtcp no-request\n");
  EXPECT_EQ(s.send(outside, inside, {.start = "200 OPTIONS", .to_tag = "b", .body = plain_answer}), "")
      << "capabilities, not an answer (calls.md section 1)";
  EXPECT_EQ(s.send(outside, inside, {.start = "486 INVITE", .to_tag = "b", .body = plain_answer}), "");
  EXPECT_EQ(s.open(), "");
  EXPECT_FALSE(s.pipeline().next_deadline()) << "no state for it";
}

TEST(Refuse, LimitOfMediaLines) {
  PipelineSettings settings;
  settings.descriptions.media_sections = 3;
  const std::vector<std::string> three(3, "192.0.2.10|audio 30000 RTP/AVP 0");
  EXPECT_EQ(
      TwoParties(settings).offer(sdp(three)),
      "open 192.0.2.10:30000 any audio rtp 180 offer\nopen 192.0.2.10:30001 any audio rtcp 180 offer\n");
  std::vector<std::string> four = three;
  four.push_back("192.0.2.10|audio 0 RTP/AVP 0");
  const std::string happened = TwoParties(settings).offer(sdp(four));
  EXPECT_EQ(happened.find("open"), std::string::npos) << "a call half open is harder to explain than none";
  EXPECT_NE(happened.find("refuse 192.0.2.10:30000 audio rtp limit\n"), std::string::npos);
}

TEST(Refuse, LimitOfCandidates) {
  PipelineSettings settings;
  settings.descriptions.candidates = 2;
  std::string section = "192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only";
  for (int i = 0; i < 2; ++i)
    section += "|a=candidate:1 1 UDP 1 192.0.2.10 " + std::to_string(31000 + i) + " typ host";
  EXPECT_EQ(TwoParties(settings).offer(sdp({section})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:31000 any audio rtp 180 offer\n"
            "open 192.0.2.10:31001 any audio rtp 180 offer\n");
  section += "|a=candidate:1 1 UDP 1 192.0.2.10 31002 typ host";
  EXPECT_EQ(TwoParties(settings).offer(sdp({section})).find("open"), std::string::npos);
}

// TCP active, port 9, names: of an offer, an answer, a re-offer and a fragment, in both families.
TEST(Refuse, CandidatesThatCanNeverOpenCountForNothing) {
  PipelineSettings settings;
  settings.descriptions.candidates = 1;
  settings.negotiation.pinholes_per_call = 64;
  std::string silent;
  for (int i = 0; i < 50; ++i) {
    for (const std::string& address :
         {"192.0.2." + std::to_string(100 + i % 10), "2001:db8::" + std::to_string(i % 10)}) {
      silent += "|a=candidate:1 1 TCP 1 " + address + " 9 typ host tcptype active";
      silent += "|a=candidate:1 1 TCP 1 " + address + " 5000 typ host";
      silent += "|a=candidate:1 1 UDP 1 " + address + " 9 typ host";
    }
    silent += "|a=candidate:1 1 UDP 1 a-name.local 5000 typ host";
  }
  auto section = [&](const std::string& address, int port) {
    return sdp({address + "|audio " + std::to_string(port) +
                " RTP/AVP 0|a=mid:1|a=rtcp-mux-only|a=rtcp-mux|a=ice-ufrag:x|a=candidate:1 1 UDP 1 " +
                address + " " + std::to_string(port + 10) + " typ host" + silent});
  };
  TwoParties call(settings);
  EXPECT_EQ(call.offer(section("192.0.2.10", 30000)),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30010 any audio rtp 180 offer\n");
  call.answer(section("203.0.113.5", 40000));
  EXPECT_EQ(call.scenario.pipeline().open_pinholes(), 4U);
  EXPECT_TRUE(call.scenario.media("192.0.2.109", "203.0.113.5", 40010)) << "media may come from there";
  EXPECT_FALSE(call.scenario.media("192.0.2.99", "203.0.113.5", 40010));
  std::string fragment = "a=ice-ufrag:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n";
  for (int i = 0; i < 3; ++i) fragment += "a=candidate:1 1 TCP 1 192.0.2.90 9 typ host tcptype active\r\n";
  EXPECT_EQ(call.trickle(TwoParties::Party::caller, fragment).find("refuse"), std::string::npos);
  call.offer(section("192.0.2.10", 30100));
  EXPECT_EQ(call.scenario.pipeline().open_pinholes(), 6U);
}

TEST(Refuse, LimitOfPinholesPerCall) {
  PipelineSettings settings;
  settings.negotiation.pinholes_per_call = 8;
  TwoParties call(settings);
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000/5 RTP/AVP 0"})),
            "refuse 192.0.2.10:30000 audio rtp limit\n"
            "refuse 192.0.2.10:30001 audio rtcp limit\n");
  call.answer("", "488");
  EXPECT_NE(call.offer(sdp({"192.0.2.10|audio 30000/2 RTP/AVP 0"})), "");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000/3 RTP/AVP 0"})),
            "refuse 203.0.113.5:40000 audio rtp limit\nrefuse 203.0.113.5:40001 audio rtcp limit\n")
      << "4 + 6 > 8: all pinholes of a call count together";
  EXPECT_EQ(call.scenario.pipeline().open_pinholes(), 4U) << "the offer stands";
}

TEST(Refuse, AReOfferWithinTheLimitOfItsOwnPortsIsNoSecondCall) {
  PipelineSettings settings;
  settings.negotiation.pinholes_per_call = 4;
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.offer(plain_offer), "") << "the same ports again take nothing more";
  EXPECT_EQ(call.answer(plain_answer), "");
}

TEST(Refuse, LimitOfCalls) {
  PipelineSettings settings;
  settings.negotiation.calls = 2;
  Scenario s(settings);
  for (const char* call_id : {"1@pbx", "2@pbx"}) {
    s.send(inside, outside, {.start = "INVITE", .call_id = call_id, .body = plain_offer});
    s.send(outside, inside, {.start = "200 INVITE", .call_id = call_id, .to_tag = "b", .body = plain_answer});
  }
  EXPECT_EQ(
      s.send(inside, outside,
             {.start = "INVITE", .call_id = "3@pbx", .body = sdp({"192.0.2.10|image 31000 udptl t38"})}),
      "refuse 192.0.2.10:31000 image data limit\n");
}

TEST(Refuse, LimitOfCallsPerSource) {
  PipelineSettings settings;
  settings.negotiation.calls_per_source = 1;
  Scenario s(settings);
  const std::string fax = sdp({"192.0.2.10|image 31000 udptl t38"});
  EXPECT_EQ(s.send(inside, outside, {.start = "INVITE", .call_id = "1@pbx", .body = fax}),
            "open 192.0.2.10:31000 any image data 180 offer\n");
  EXPECT_EQ(s.send(inside, outside, {.start = "INVITE", .call_id = "2@pbx", .body = fax}),
            "refuse 192.0.2.10:31000 image data limit\n");
  EXPECT_EQ(
      s.send(Host{"192.0.2.11"}, outside,
             {.start = "INVITE", .call_id = "3@pbx", .body = sdp({"192.0.2.11|image 31000 udptl t38"})}),
      "open 192.0.2.11:31000 any image data 180 offer\n")
      << "another source";
  EXPECT_EQ(
      s.send(outside, inside, {.start = "INVITE", .call_id = "4@pbx", .body = plain_answer}).substr(0, 4),
      "open")
      << "calls are counted where they come from, not where they go";
}

// A limit on calls is one on calls that are up: the state that is kept to know late copies is none.
TEST(Refuse, CallsThatAreOverDoNotCountForTheirSource) {
  PipelineSettings settings;
  settings.negotiation.calls_per_source = 1;
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  call.bye();
  Scenario& s = call.scenario;
  Sip next{.start = "INVITE", .call_id = "2@pbx", .body = plain_offer};
  EXPECT_NE(s.send(inside, outside, next).find("open"), std::string::npos) << "right after a BYE";
  next.start = "486 INVITE";
  next.to_tag = "b";
  next.body = "";
  s.send(outside, inside, next);
  EXPECT_NE(
      s.send(inside, outside, {.start = "INVITE", .call_id = "3@pbx", .body = plain_offer}).find("open"),
      std::string::npos)
      << "right after a rejection";
  EXPECT_NE(
      s.send(inside, outside, {.start = "INVITE", .call_id = "4@pbx", .body = plain_offer}).find("limit"),
      std::string::npos);
}

TEST(Refuse, ARefusedReOfferLeavesTheRunningSession) {
  PipelineSettings settings = with_sides();
  settings.descriptions.media_sections = 2;
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  const std::string before = call.scenario.open();
  const std::vector<std::string> too_many(3, "192.0.2.10|audio 31000 RTP/AVP 0");
  EXPECT_EQ(call.offer(sdp(too_many)).find("open"), std::string::npos);
  EXPECT_EQ(call.answer(sdp(std::vector<std::string>(3, "203.0.113.5|audio 41000 RTP/AVP 0"))).find("open"),
            std::string::npos)
      << "what was not offered is not answered";
  EXPECT_EQ(call.scenario.open(), before);

  EXPECT_EQ(call.offer(sdp({"203.0.113.99|audio 31000 RTP/AVP 0"})),
            "refuse 203.0.113.99:31000 audio rtp other-side\n"
            "refuse 203.0.113.99:31001 audio rtcp other-side\n");
  EXPECT_EQ(call.answer("", "488"), "");
  EXPECT_EQ(call.scenario.open(), before);
}

TEST(Refuse, AnAnswerOverTheLimitLeavesTheOffer) {
  PipelineSettings settings;
  settings.descriptions.media_sections = 1;
  TwoParties call(settings);
  call.offer(plain_offer);
  const std::string before = call.scenario.open();
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "203.0.113.5|audio 40002 RTP/AVP 0"})),
            "refuse 203.0.113.5:40000 audio rtp limit\nrefuse 203.0.113.5:40001 audio rtcp limit\n");
  EXPECT_EQ(call.scenario.open(), before);
}

// Attack A5: bounded events, constant memory, linear time.
TEST(Refuse, A5ThousandsOfEverything) {
  std::vector<std::string> lines;
  for (int i = 0; i < 3000; ++i)
    lines.push_back("192.0.2.10|audio " + std::to_string(2000 + i) + " RTP/AVP 0");
  std::string candidates = "192.0.2.10|audio 30000 RTP/AVP 0";
  for (int i = 0; i < 900; ++i)
    candidates += "|a=candidate:1 1 UDP 1 192.0.2.10 " + std::to_string(2000 + i) + " typ host";
  const std::string ranges[] = {"9999", "4294967295", "99999999999999999999"};
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({lines.begin(), lines.begin() + 1500})).find("open"), std::string::npos);
  EXPECT_EQ(call.scenario.open(), "");
  EXPECT_EQ(TwoParties().offer(sdp({candidates})).find("open"), std::string::npos);
  for (const std::string& range : ranges)
    EXPECT_EQ(TwoParties().offer(sdp({"192.0.2.10|audio 2000/" + range + " RTP/AVP 0"})).find("open"),
              std::string::npos)
        << range;
  call.call_id = "next@pbx";
  EXPECT_NE(call.offer(plain_offer), "") << "the next legitimate call still works";
}

}  // namespace
}  // namespace dpinholer::test
