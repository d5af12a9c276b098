// SPDX-License-Identifier: GPL-2.0-or-later
// Trickle ICE: INFO requests with application/trickle-ice-sdpfrag (RFC 8840), before and after the answer.
#include <gtest/gtest.h>

#include "negotiation/calls.h"
#include "pipeline/two_parties.h"

namespace dpinholer::test {
namespace {

using Party = TwoParties::Party;

// RFC 8840 section 4.4: the m= line only tells that a section begins, its mid which one it is.
std::string fragment(const std::string& mid, const std::vector<std::string>& candidates,
                     const std::string& more = "") {
  std::string text = "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\n";
  if (!mid.empty()) text += "a=mid:" + mid + "\r\n";
  for (const std::string& candidate : candidates) text += "a=candidate:" + candidate + "\r\n";
  return text + more;
}

std::string host(const std::string& address, int port, int component = 1) {
  return "1 " + std::to_string(component) + " UDP 2130706432 " + address + " " + std::to_string(port) +
         " typ host";
}

const std::string trickling_offer =
    sdp({"0.0.0.0|audio 9 UDP/TLS/RTP/SAVPF 0|a=mid:1|a=ice-ufrag:8hhY|a=rtcp-mux"});
const std::string trickling_answer =
    sdp({"0.0.0.0|audio 9 UDP/TLS/RTP/SAVPF 0|a=mid:1|a=ice-ufrag:9uB6|a=rtcp-mux"});

TEST(Trickle, AfterTheAnswerCandidatesOpenAndBecomeSources) {
  TwoParties call;
  EXPECT_EQ(call.offer(trickling_offer), "");
  EXPECT_EQ(call.answer(trickling_answer), "");
  const std::string first = fragment("1", {host("192.0.2.20", 30100)});
  EXPECT_EQ(call.trickle(Party::caller, first),
            "open 192.0.2.20:30100 203.0.113.5 audio rtp 300 candidate\n");
  EXPECT_EQ(call.trickle(Party::caller, first), "") << "every INFO repeats what went before (RFC 8840 4.4)";
  EXPECT_EQ(call.trickle(Party::callee, fragment("1", {host("203.0.113.7", 40100)})),
            "bind 192.0.2.20:30100 203.0.113.5,203.0.113.7 audio rtp 300 candidate\n"
            "open 203.0.113.7:40100 192.0.2.10,192.0.2.20 audio rtp 300 candidate\n");
  EXPECT_EQ(call.bye(), "close 192.0.2.20:30100 audio rtp bye\nclose 203.0.113.7:40100 audio rtp bye\n");
}

TEST(Trickle, BeforeTheAnswerCandidatesJoinTheOffer) {
  TwoParties call;
  EXPECT_EQ(call.offer(trickling_offer), "");
  EXPECT_EQ(call.answer("", "180"), "");
  EXPECT_EQ(call.trickle(Party::caller, fragment("1", {host("192.0.2.20", 30100)})),
            "open 192.0.2.20:30100 any audio rtp 180 candidate\n");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 UDP/TLS/RTP/SAVPF 0|a=mid:1|a=rtcp-mux|a=candidate:" +
                             host("203.0.113.5", 40000)})),
            "bind 192.0.2.20:30100 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10,192.0.2.20 audio rtp 300 answer\n");
}

TEST(Trickle, AnEarlyAnswerRepeatedInTheFinalOneKeepsWhatTrickledIn) {
  TwoParties call;
  call.offer(trickling_offer);
  call.answer(trickling_answer, "183");
  EXPECT_EQ(call.trickle(Party::callee, fragment("1", {host("203.0.113.7", 40100)})),
            "open 203.0.113.7:40100 192.0.2.10 audio rtp 300 candidate\n");
  EXPECT_EQ(call.trickle(Party::caller, fragment("1", {host("192.0.2.20", 30100)})),
            "open 192.0.2.20:30100 203.0.113.5,203.0.113.7 audio rtp 300 candidate\n"
            "bind 203.0.113.7:40100 192.0.2.10,192.0.2.20 audio rtp 300 candidate\n");
  EXPECT_EQ(call.answer(trickling_answer), "");
}

TEST(Trickle, TheSecondComponentWithoutMux) {
  for (const bool mux : {false, true}) {
    TwoParties call;
    const std::string attribute = mux ? "|a=rtcp-mux" : "";
    call.offer(sdp({"0.0.0.0|audio 9 RTP/SAVPF 0|a=mid:1|a=ice-ufrag:x" + attribute}));
    call.answer(sdp({"0.0.0.0|audio 9 RTP/SAVPF 0|a=mid:1|a=ice-ufrag:y" + attribute}));
    EXPECT_EQ(
        call.trickle(Party::caller, fragment("1", {host("192.0.2.20", 30100), host("192.0.2.20", 30101, 2)})),
        mux ? "open 192.0.2.20:30100 203.0.113.5 audio rtp 300 candidate\n"
            : "open 192.0.2.20:30100 203.0.113.5 audio rtp 300 candidate\n"
              "open 192.0.2.20:30101 203.0.113.5 audio rtcp 300 candidate\n");
  }
}

TEST(Trickle, SectionsAreFoundByMidOrElseByIndex) {
  const std::vector<std::string> sections{"0.0.0.0|audio 9 RTP/SAVPF 0|a=mid:a1|a=ice-ufrag:x|a=rtcp-mux",
                                          "0.0.0.0|video 9 RTP/SAVPF 96|a=mid:v1|a=ice-ufrag:x|a=rtcp-mux"};
  TwoParties call;
  call.offer(sdp(sections));
  call.answer(sdp(sections));
  EXPECT_EQ(call.trickle(Party::caller, fragment("v1", {host("192.0.2.20", 30100)})),
            "open 192.0.2.20:30100 203.0.113.5 video rtp 300 candidate\n");
  EXPECT_EQ(call.trickle(Party::caller, fragment("", {host("192.0.2.20", 30102)})),
            "open 192.0.2.20:30102 203.0.113.5 audio rtp 300 candidate\n");
  EXPECT_EQ(call.trickle(Party::caller, fragment("x9", {host("192.0.2.20", 30104)})), "")
      << "no such section";
}

// RFC 8840 section 4.4.1: candidates of a bundled section are those of the tagged one.
TEST(Trickle, ABundledSectionHasNoneOfItsOwn) {
  const std::string group = "a=group:BUNDLE a1 v1\r\n";
  const std::vector<std::string> sections{"0.0.0.0|audio 9 RTP/SAVPF 0|a=mid:a1|a=ice-ufrag:x|a=rtcp-mux",
                                          "0.0.0.0|video 9 RTP/SAVPF 96|a=mid:v1|a=ice-ufrag:x|a=rtcp-mux"};
  TwoParties call;
  call.offer(sdp(sections, group));
  call.answer("", "180");
  EXPECT_EQ(call.trickle(Party::caller, fragment("v1", {host("192.0.2.20", 30102)})),
            "open 192.0.2.20:30102 any video rtp 180 candidate\n")
      << "the offer may still become a session without BUNDLE";
  EXPECT_EQ(call.answer(sdp(sections, group)), "close 192.0.2.20:30102 video rtp replaced\n");
  EXPECT_EQ(call.trickle(Party::caller, fragment("a1", {host("192.0.2.20", 30100)})),
            "open 192.0.2.20:30100 203.0.113.5 audio rtp 300 candidate\n");
  EXPECT_EQ(call.trickle(Party::caller, fragment("v1", {host("192.0.2.20", 30104)})), "");
}

TEST(Trickle, WithoutIceInTheSessionItMeansNothing) {
  TwoParties call;
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=mid:1|a=ice-ufrag:x"}));
  call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=mid:1"}));
  EXPECT_EQ(call.trickle(Party::caller, fragment("1", {host("192.0.2.20", 30100)})), "");
  EXPECT_EQ(call.trickle(Party::callee, fragment("1", {host("203.0.113.7", 40100)})), "");
}

TEST(Trickle, ARefusedReOfferTakesItsCandidatesWithIt) {
  TwoParties call;
  call.offer(trickling_offer);
  call.answer(trickling_answer);
  call.offer(sdp({"192.0.2.10|audio 30000 UDP/TLS/RTP/SAVPF 0|a=mid:1|a=ice-ufrag:new|a=rtcp-mux",
                  "0.0.0.0|video 9 UDP/TLS/RTP/SAVPF 0|a=mid:2|a=ice-ufrag:new|a=rtcp-mux"}));
  EXPECT_EQ(call.trickle(Party::caller, fragment("2", {host("192.0.2.20", 30102)})),
            "open 192.0.2.20:30102 any video rtp 180 candidate\n");
  EXPECT_EQ(call.answer("", "488"),
            "close 192.0.2.10:30000 audio rtp rejected\n"
            "close 192.0.2.10:30001 audio rtcp rejected\n"
            "close 192.0.2.20:30102 video rtp rejected\n");
  EXPECT_EQ(call.scenario.open(), "");
}

TEST(Trickle, CandidatesAreJudgedByPolicyAsAnyOther) {
  PipelineSettings settings;
  settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24")};
  TwoParties call(settings);
  call.offer(trickling_offer);
  call.answer(trickling_answer);
  const std::string mixed =
      fragment("1", {host("fe80::1", 30100), host("203.0.113.99", 30100), host("192.0.2.20", 53),
                     host("host.local", 30100), host("192.0.2.20", 30100)});
  EXPECT_EQ(call.trickle(Party::caller, mixed),
            "open 192.0.2.20:30100 203.0.113.5 audio rtp 300 candidate\n"
            "refuse fe80::1:30100 audio rtp address\n"
            "refuse 203.0.113.99:30100 audio rtp other-side\n"
            "refuse 192.0.2.20:53 audio rtp port-policy\n");
  EXPECT_EQ(call.trickle(Party::caller, mixed), "") << "a refusal is told once";
  EXPECT_EQ(call.trickle(Party::callee, fragment("1", {host("192.0.2.77", 5060)})),
            "refuse 192.0.2.77:5060 audio rtp other-side\n")
      << "attack A2; and no source of media either";
  EXPECT_EQ(call.scenario.open(), "192.0.2.20:30100 203.0.113.5\n");
}

// Without Record-Route an INFO takes another way than the INVITE. It speaks for the side it came from, not
// for the side of the party that it says it is (attack A2).
TEST(Trickle, FromElsewhereItSpeaksForNobody) {
  PipelineSettings settings;
  settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24")};
  TwoParties call(settings);
  call.callee = {"192.0.2.50"};
  call.offer(trickling_offer);
  call.answer(trickling_answer);
  Sip info{.start = "INFO",
           .to_tag = "b",
           .branch = "z9hG4bKx",
           .cseq = 7,
           .body = fragment("1", {host("192.0.2.77", 30100), host("203.0.113.66", 30100)}),
           .content_type = "application/trickle-ice-sdpfrag"};
  EXPECT_EQ(call.scenario.send(Host{"203.0.113.66"}, call.callee, info),
            "refuse 192.0.2.77:30100 audio rtp no-request\n"
            "refuse 203.0.113.66:30100 audio rtp no-request\n");
}

TEST(Trickle, StrangersAddNothing) {
  TwoParties call;
  call.offer(trickling_offer);
  call.answer(trickling_answer);
  Sip info{.start = "INFO",
           .to_tag = "guess",
           .branch = "z9hG4bKx",
           .cseq = 7,
           .body = fragment("1", {host("192.0.2.77", 30100)}),
           .content_type = "application/trickle-ice-sdpfrag"};
  EXPECT_EQ(call.scenario.send(call.caller, call.callee, info), "") << "other tags, other dialog";
  info.to_tag = "b";
  EXPECT_EQ(call.scenario.send(Host{"198.51.100.66"}, Host{"198.51.100.67"}, info), "")
      << "shares no end with the dialog";
  info.start = "OPTIONS";
  EXPECT_EQ(call.scenario.send(call.caller, call.callee, info), "") << "only INFO trickles";
}

// Attack A5: what trickles in counts as what was announced at once.
TEST(Trickle, A5EndlessCandidatesAreRefused) {
  for (const std::string& kind : {std::string("UDP"), std::string("TCP")}) {
    for (const bool before_the_answer : {true, false}) {
      TwoParties call;
      call.offer(trickling_offer);
      call.answer(trickling_answer, before_the_answer ? "180" : "200");
      std::string happened;
      for (int info = 0; info < 50; ++info) {
        std::vector<std::string> candidates;
        for (int i = 0; i < 10; ++i) {
          const std::string address = "192.0." + std::to_string(3 + info) + "." + std::to_string(1 + i);
          candidates.push_back("1 1 " + kind + " 1 " + address + " 30000 typ host tcptype active");
        }
        happened = call.trickle(Party::caller, fragment("1", candidates));
      }
      EXPECT_NE(happened.find("limit\n"), std::string::npos) << kind << before_the_answer << happened;
      EXPECT_LE(call.scenario.pipeline().open_pinholes(), 256U);
    }
  }
}

}  // namespace
}  // namespace dpinholer::test
