// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 4 through the whole pipeline: how what is open follows re-offers, and what is not RTP.
#include <gtest/gtest.h>

#include "pipeline/two_parties.h"

namespace dpinholer::test {
namespace {

using Party = TwoParties::Party;

const std::string plain_offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string plain_answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});

TEST(RtcpMux, TheSecondPortClosesWithTheAnswer) {
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux"})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "close 192.0.2.10:30001 audio rtcp replaced\n");
}

TEST(Refused, PortZeroInTheAnswerClosesTheOffer) {
  TwoParties call;
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0", "192.0.2.10|image 30002 udptl t38"}));
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "203.0.113.5|image 0 udptl t38"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n"
            "close 192.0.2.10:30002 image data replaced\n");
}

// RFC 3264 section 8.4: the answerer stops sending, the offerer's RTP port closes; and opens again.
TEST(Hold, NarrowClosesRtpUntilANewOffer) {
  PipelineSettings settings;
  settings.negotiation.hold_narrow = true;
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=sendonly"})), "")
      << "nothing before the answer";
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=recvonly"})),
            "close 192.0.2.10:30000 audio rtp held\n");
  EXPECT_TRUE(call.scenario.media("203.0.113.5", "192.0.2.10", 30001)) << "RTCP stays";
  EXPECT_TRUE(call.scenario.media("192.0.2.10", "203.0.113.5", 40000)) << "music on hold";

  EXPECT_EQ(call.offer(plain_offer), "open 192.0.2.10:30000 any audio rtp 180 offer\n") << "the new offer";
  EXPECT_EQ(call.answer(plain_answer), "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n");
}

TEST(Hold, NarrowOfBothAndByTheOther) {
  PipelineSettings settings;
  settings.negotiation.hold_narrow = true;
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  call.offer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive"}), Party::callee);
  EXPECT_EQ(call.answer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive"})),
            "close 192.0.2.10:30000 audio rtp held\nclose 203.0.113.5:40000 audio rtp held\n");
  EXPECT_EQ(call.scenario.open(), "192.0.2.10:30001 203.0.113.5\n203.0.113.5:40001 192.0.2.10\n");
  // A resumption that is refused leaves the hold.
  call.offer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0"}), Party::callee);
  EXPECT_EQ(call.answer("", "491"), "close 203.0.113.5:40000 audio rtp rejected\n");
  EXPECT_EQ(call.scenario.open(), "192.0.2.10:30001 203.0.113.5\n203.0.113.5:40001 192.0.2.10\n");
}

TEST(Hold, KeepChangesNothing) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive"})), "");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive"})), "");
}

TEST(Hold, AFirstOfferOnHoldOpensRtcpOnly) {
  PipelineSettings settings;
  settings.negotiation.hold_narrow = true;
  for (const std::string direction : {"sendonly", "inactive"}) {
    TwoParties call(settings);
    EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=" + direction})),
              "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
    const std::string timeout = direction == "inactive" ? "3600" : "300";
    EXPECT_EQ(call.answer(plain_answer), "bind 192.0.2.10:30001 203.0.113.5 audio rtcp " + timeout +
                                             " answer\n"
                                             "open 203.0.113.5:40000 192.0.2.10 audio rtp " +
                                             timeout +
                                             " answer\n"
                                             "open 203.0.113.5:40001 192.0.2.10 audio rtcp " +
                                             timeout + " answer\n");
  }
}

TEST(Hold, NarrowKeepsAMuxedPort) {
  PipelineSettings settings;
  settings.negotiation.hold_narrow = true;
  TwoParties call(settings);
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux"}));
  call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux"}));
  const std::string before = call.scenario.open();
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux|a=sendonly"}));
  call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=recvonly"}));
  EXPECT_EQ(call.scenario.open(), before);
}

// The hold of RFC 2543: c=0.0.0.0. The party has no address to open any more, nor one that media comes from.
TEST(Hold, TheOldWayClosesTheOfferersPorts) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.offer(sdp({"0.0.0.0|audio 30000 RTP/AVP 0"})), "");
  EXPECT_EQ(call.answer(plain_answer),
            "close 192.0.2.10:30000 audio rtp replaced\nclose 192.0.2.10:30001 audio rtcp replaced\n");
  EXPECT_EQ(call.offer(plain_offer),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
  EXPECT_EQ(call.answer(plain_answer),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n");
}

// RFC 3362, ITU-T T.38 annex D: the called fax switches over, and back when the page is through.
TEST(Fax, SwitchesFromAudioToT38AndBack) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.offer(sdp({"203.0.113.5|image 40010 udptl t38|a=T38FaxVersion:0"}), Party::callee),
            "open 203.0.113.5:40010 any image data 180 offer\n");
  EXPECT_EQ(call.answer(sdp({"192.0.2.10|image 30010 udptl t38"})),
            "open 192.0.2.10:30010 203.0.113.5 image data 300 answer\n"
            "bind 203.0.113.5:40010 192.0.2.10 image data 300 answer\n"
            "close 192.0.2.10:30000 audio rtp replaced\n"
            "close 192.0.2.10:30001 audio rtcp replaced\n"
            "close 203.0.113.5:40000 audio rtp replaced\n"
            "close 203.0.113.5:40001 audio rtcp replaced\n");
  EXPECT_EQ(call.offer(plain_offer),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
  EXPECT_EQ(call.answer(plain_answer),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n"
            "close 192.0.2.10:30010 image data replaced\n"
            "close 203.0.113.5:40010 image data replaced\n");
}

// The other habit: audio with port 0 beside the image, and the same port for both.
TEST(Fax, T38OnThePortOfTheAudio) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(
      call.offer(sdp({"203.0.113.5|audio 0 RTP/AVP 0", "203.0.113.5|image 40000 udptl t38"}), Party::callee),
      "")
      << "the port is open and stays bound";
  EXPECT_EQ(call.answer(sdp({"192.0.2.10|audio 0 RTP/AVP 0", "192.0.2.10|image 30000 udptl t38"})),
            "close 192.0.2.10:30001 audio rtcp replaced\nclose 203.0.113.5:40001 audio rtcp replaced\n");
}

TEST(Fax, ARefusedSwitchOverLeavesTheAudio) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  const std::string before = call.scenario.open();
  call.offer(sdp({"203.0.113.5|image 40010 udptl t38"}), Party::callee);
  EXPECT_EQ(call.answer("", "488"), "close 203.0.113.5:40010 image data rejected\n");
  EXPECT_EQ(call.scenario.open(), before);
}

PipelineSettings with_tcp() {
  PipelineSettings settings;
  settings.negotiation.tcp = true;
  return settings;
}

// RFC 4975: the offerer connects to the answerer.
TEST(TcpMedia, MsrpWithoutSetup) {
  TwoParties call(with_tcp());
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|message 7394 TCP/MSRP *|a=path:msrp://192.0.2.10:7394/2s93;tcp"})),
            "");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|message 8493 TCP/MSRP *|a=path:msrp://203.0.113.5:8493/si43;tcp"})),
            "open tcp 203.0.113.5:8493 192.0.2.10 message data 300 answer\n");
  EXPECT_EQ(call.bye(), "close tcp 203.0.113.5:8493 message data bye\n");
}

// RFC 6135, RFC 4145 section 4.1.
TEST(TcpMedia, AnActpassOfferAnsweredPassiveCloses) {
  TwoParties call(with_tcp());
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|message 7394 TCP/MSRP *|a=setup:actpass"})),
            "open tcp 192.0.2.10:7394 any message data 180 offer\n");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|message 8493 TCP/MSRP *|a=setup:passive"})),
            "open tcp 203.0.113.5:8493 192.0.2.10 message data 300 answer\n"
            "close tcp 192.0.2.10:7394 message data replaced\n");
}

TEST(TcpMedia, BfcpBesideAudio) {
  for (const bool tcp : {false, true}) {
    TwoParties call(tcp ? with_tcp() : PipelineSettings{});
    call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux",
                    "192.0.2.10|application 5070 TCP/BFCP *|a=setup:passive"}));
    call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux",
                     "203.0.113.5|application 9 TCP/BFCP *|a=setup:active"}));
    EXPECT_EQ(call.scenario.open(),
              std::string("192.0.2.10:30000 203.0.113.5\n203.0.113.5:40000 192.0.2.10\n") +
                  (tcp ? "tcp 192.0.2.10:5070 203.0.113.5\n" : ""));
  }
}

// calls.md section 5, tcp-off: what would have opened is refused, and the rest opens.
TEST(TcpMedia, OffItIsRefusedWhereItWouldHaveOpened) {
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|message 7394 TCP/MSRP *|a=setup:actpass",
                            "192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only"})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "refuse 192.0.2.10:7394 message data tcp-off\n");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|message 8493 TCP/MSRP *|a=setup:passive",
                             "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "refuse 203.0.113.5:8493 message data tcp-off\n");
}

TEST(TcpMedia, OffAnEndThatListensNowhereIsNotRefused) {
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|message 7394 TCP/MSRP *|a=setup:active"})), "");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|message 0 TCP/MSRP *"})), "");
}

// A browser offers some dozen of them, and does without.
TEST(TcpMedia, OffCandidatesBesideUdpAreNotRefused) {
  TwoParties call;
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only|a=candidate:1 1 TCP 1 "
                            "192.0.2.10 30010 typ host tcptype passive"})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n");
}

TEST(TcpMedia, SwitchedOffWhatWasOpenClosesAtTheNextStart) {
  TwoParties call(with_tcp());
  call.offer(sdp({"192.0.2.10|message 7394 TCP/MSRP *|a=setup:passive"}));
  call.answer(sdp({"203.0.113.5|message 9 TCP/MSRP *|a=setup:active"}));
  EXPECT_EQ(call.scenario.open(), "tcp 192.0.2.10:7394 203.0.113.5\n");
  Pipeline without({});
  Outcome outcome;
  without.recover({{{base::Protocol::tcp, {*base::Address::parse("192.0.2.10"), 7394}},
                    {*base::Address::parse("203.0.113.5")},
                    negotiation::Media::message,
                    negotiation::Component::data,
                    "c",
                    7,
                    base::seconds{300}}},
                  base::TimePoint{}, outcome);
  EXPECT_TRUE(outcome.changes.empty());
}

// Over both protocols the same number is two pinholes (RFC 6544).
TEST(TcpMedia, CandidatesBesideUdp) {
  TwoParties call(with_tcp());
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only"
                            "|a=candidate:1 1 TCP 1 192.0.2.10 30000 typ host tcptype passive"
                            "|a=candidate:2 1 TCP 1 192.0.2.10 9 typ host tcptype active"})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open tcp 192.0.2.10:30000 any audio rtp 180 offer\n");
}

// RFC 8839 section 4.4: when ICE has concluded, a re-offer names what it chose.
TEST(Ice, TheOfferAfterTheChecksLeavesTheChosenPair) {
  const std::string host = "|a=candidate:1 1 UDP 2130706431 192.0.2.10 30000 typ host";
  const std::string relay =
      "|a=candidate:2 1 UDP 16777215 192.0.2.99 50000 typ relay raddr 192.0.2.10 rport 30000";
  TwoParties call;
  call.offer(sdp({"192.0.2.99|audio 50000 RTP/AVP 0|a=rtcp-mux-only" + host + relay}));
  call.answer(
      sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=candidate:1 1 UDP 1 203.0.113.5 40000 typ host"}));
  EXPECT_EQ(call.scenario.open(),
            "192.0.2.10:30000 203.0.113.5\n192.0.2.99:50000 203.0.113.5\n203.0.113.5:40000 "
            "192.0.2.10,192.0.2.99\n");
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only" + host +
                            "|a=remote-candidates:1 203.0.113.5 40000"})),
            "");
  EXPECT_EQ(
      call.answer(sdp(
          {"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=candidate:1 1 UDP 1 203.0.113.5 40000 typ host"})),
      "bind 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
      "close 192.0.2.99:50000 audio rtp replaced\n");
}

// RFC 8839 appendix A as a call: of the offer's addresses the link-local one is refused.
TEST(Ice, Rfc8839AppendixA) {
  TwoParties call;
  call.caller = {"2001:db8:8101:3a55:4858:a2a9:22ff:99b9"};
  call.callee = {"2001:db8:42::1"};
  EXPECT_EQ(call.offer(
                "v=0\r\no=jdoe 2890844526 2890842807 IN IP6 fe80::6676:baff:fe9c:ee4a\r\ns=\r\n"
                "c=IN IP6 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9\r\nt=0 0\r\n"
                "a=ice-options:ice2\r\na=ice-pacing:50\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
                "a=ice-ufrag:8hhY\r\nm=audio 45664 RTP/AVP 0\r\nb=RS:0\r\nb=RR:0\r\na=rtpmap:0 PCMU/8000\r\n"
                "a=candidate:1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host\r\n"
                "a=candidate:2 1 UDP 1694498815 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9 45664 typ srflx raddr "
                "fe80::6676:baff:fe9c:ee4a rport 8998\r\n"),
            "open [2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45664 any audio rtp 180 offer\n"
            "open [2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45665 any audio rtcp 180 offer\n"
            "refuse fe80::6676:baff:fe9c:ee4a:8998 audio rtp address\n");
  EXPECT_EQ(
      call.answer(
          "v=0\r\no=bob 2808844564 2808844564 IN IP6 2001:db8:42::1\r\ns=\r\nc=IN IP6 2001:db8:42::1\r\n"
          "t=0 0\r\na=ice-options:ice2\r\na=ice-pwd:YH75Fviy6338Vbrhrlp8Yh\r\na=ice-ufrag:9uB6\r\n"
          "m=audio 3478 RTP/AVP 0\r\nb=RS:0\r\nb=RR:0\r\na=rtpmap:0 PCMU/8000\r\n"
          "a=candidate:1 1 UDP 2130706431 2001:db8:42::1 3478 typ host\r\n"),
      "bind [2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45664 2001:db8:42::1 audio rtp 300 answer\n"
      "bind [2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45665 2001:db8:42::1 audio rtcp 300 answer\n"
      "open [2001:db8:42::1]:3478 2001:db8:8101:3a55:4858:a2a9:22ff:99b9 audio rtp 300 answer\n"
      "open [2001:db8:42::1]:3479 2001:db8:8101:3a55:4858:a2a9:22ff:99b9 audio rtcp 300 answer\n");
}

TEST(Bundle, OnlyTheTaggedTransportStays) {
  const std::string group = "a=group:BUNDLE foo bar\r\n";
  TwoParties call;
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=mid:foo|a=rtcp-mux",
                  "192.0.2.10|video 30002 RTP/AVP 31|a=mid:bar|a=rtcp-mux"},
                 group));
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=mid:foo|a=rtcp-mux",
                             "203.0.113.5|video 40000 RTP/AVP 31|a=mid:bar|a=rtcp-mux"},
                            group)),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "close 192.0.2.10:30001 audio rtcp replaced\n"
            "close 192.0.2.10:30002 video rtp replaced\n"
            "close 192.0.2.10:30003 video rtcp replaced\n");
  // A later offer gives the shared address to all of them (RFC 9143 section 7.5), or to the first (RFC 8843).
  for (const char* video :
       {"video 30000 RTP/AVP 31|a=mid:bar|a=rtcp-mux", "video 0 RTP/AVP 31|a=mid:bar|a=bundle-only"}) {
    EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=mid:foo|a=rtcp-mux-only|a=rtcp-mux",
                              "192.0.2.10|" + std::string(video) + "|a=rtcp-mux-only"},
                             group)),
              "");
    EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=mid:foo|a=rtcp-mux",
                               "203.0.113.5|video 40000 RTP/AVP 31|a=mid:bar|a=rtcp-mux"},
                              group)),
              "");
  }
}

TEST(Sources, NatAndAnnouncedAddressBoth) {
  TwoParties call;
  call.offer(plain_offer);
  EXPECT_EQ(call.answer(sdp({"10.1.1.7|audio 40000 RTP/AVP 0|a=rtcp:40009 IN IP4 10.1.1.8"})),
            "bind 192.0.2.10:30000 10.1.1.7,10.1.1.8,203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 10.1.1.7,10.1.1.8,203.0.113.5 audio rtcp 300 answer\n"
            "open 10.1.1.7:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 10.1.1.8:40009 192.0.2.10 audio rtcp 300 answer\n"
            "nat 10.1.1.7 from 203.0.113.5 call@pbx\n"
            "nat 10.1.1.8 from 203.0.113.5 call@pbx\n");
}

TEST(Sources, MixedFamiliesBindToTheirOwnOrToNobody) {
  TwoParties call;
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only",
                  "2001:db8::10|video 30002 RTP/AVP 31|a=rtcp-mux-only"}));
  EXPECT_EQ(call.answer(sdp({"2001:db8:9::5|audio 40000 RTP/AVP 0|a=rtcp-mux",
                             "203.0.113.5|video 40002 RTP/AVP 31|a=rtcp-mux"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40002 192.0.2.10 video rtp 300 answer\n"
            "close [2001:db8::10]:30002 video rtp replaced\n")
      << "the address of the signalling is all that is known in the other family, or nothing is";
}

TEST(Sources, A14_ManyOfThemDoNotOpenItToAnybody) {
  PipelineSettings settings;
  settings.descriptions.candidates = 100;
  std::string many = "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=ice-ufrag:x";
  for (int i = 0; i < 70; ++i)
    many += "|a=candidate:1 1 UDP 1 198.51.100." + std::to_string(1 + i) + " 41000 typ host";
  TwoParties call(settings);
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux|a=ice-ufrag:y",
                  "192.0.2.10|video 30002 RTP/AVP 31|a=rtcp-mux-only"}));
  call.answer(sdp({many, "203.0.113.5|video 40002 RTP/AVP 31|a=rtcp-mux"}));
  EXPECT_EQ(call.scenario.open().find("any"), std::string::npos);
  EXPECT_NE(call.scenario.open().find("198.51.100.63,203.0.113.5\n"), std::string::npos)
      << call.scenario.open() << "64 of them, the first ones";
  EXPECT_NE(call.scenario.open().find("192.0.2.10:30002 203.0.113.5\n"), std::string::npos)
      << "each m-line by itself";
  EXPECT_NE(call.scenario.open().find("203.0.113.5:40002 192.0.2.10\n"), std::string::npos);
}

TEST(Sources, AnyIsForThoseWhoWantNoBinding) {
  PipelineSettings settings;
  settings.policy.bind_to_peer = false;
  TwoParties call(settings);
  call.offer(plain_offer);
  EXPECT_EQ(call.answer(plain_answer),
            "open 203.0.113.5:40000 any audio rtp 300 answer\n"
            "open 203.0.113.5:40001 any audio rtcp 300 answer\n");
  EXPECT_TRUE(call.scenario.media("198.51.100.66", "192.0.2.10", 30000));
}

// calls.md section 7, bodies.
TEST(Bodies, WhatIsReadableOfThemCounts) {
  const std::string fax = "m=image 30000 udptl t38\r\n";
  const struct {
    const char* what;
    std::string body;
    const char* happened;
  } rows[] = {
      {"no v= o= s= t=", "c=IN IP4 192.0.2.10\r\n" + fax, "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"LF line ends", "v=0\nc=IN IP4 192.0.2.10\nm=image 30000 udptl t38\n",
       "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"no line end at all", "c=IN IP4 192.0.2.10\r\nm=image 30000 udptl t38",
       "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"case of addrtype and protocol", "c=in ip4 192.0.2.10\r\nm=image 30000 UDPTL t38\r\n",
       "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"case of type letters", "C=IN IP4 192.0.2.10\r\n" + fax, ""},
      {"case of attribute names",
       "c=IN IP4 192.0.2.10\r\nm=audio 30000 RTP/AVP 0\r\na=RTCP:30009\r\na=Rtcp-Mux-Only\r\n",
       "open 192.0.2.10:30000 any audio rtp 180 offer\nopen 192.0.2.10:30001 any audio rtcp 180 offer\n"},
      {"zeros before a port", "c=IN IP4 192.0.2.10\r\nm=image 00030000 udptl t38\r\n",
       "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"a line nobody can read", "nonsense\r\nx\r\n=\r\nc=IN IP4 192.0.2.10\r\nb=\r\n" + fax,
       "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"a slash on a unicast address", "c=IN IP4 192.0.2.10/127\r\n" + fax, ""},
      {"not an SDP", "hello", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(TwoParties().offer(row.body), row.happened) << row.what;
}

TEST(Bodies, ContentLengthCutsThemAndCanDenyThem) {
  const std::string body = "c=IN IP4 192.0.2.10\r\nm=image 30000 udptl t38\r\nm=image 30002 udptl t38\r\n";
  const std::string head =
      "INVITE sip:callee@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: "
      "<sip:a@h>;tag=a\r\n"
      "To: <sip:b@h>\r\nCall-ID: 1@h\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\n";
  const struct {
    std::string length;
    const char* happened;
  } rows[] = {
      {"",
       "open 192.0.2.10:30000 any image data 180 offer\nopen 192.0.2.10:30002 any image data 180 offer\n"},
      {"l: 5000\r\n",
       "open 192.0.2.10:30000 any image data 180 offer\nopen 192.0.2.10:30002 any image data 180 offer\n"},
      {"l: 46\r\n", "open 192.0.2.10:30000 any image data 180 offer\n"},
      {"l: 0\r\n", ""},
  };
  for (const auto& row : rows) {
    Scenario s;
    EXPECT_EQ(s.send_raw(Host{"192.0.2.10"}, Host{"203.0.113.5"}, head + row.length + "\r\n" + body),
              row.happened)
        << row.length;
  }
}

TEST(Bodies, EncodedOrOfAnotherTypeTheyOpenNothing) {
  for (const auto& [headers, type] :
       {std::pair{"Content-Encoding: gzip\r\n", "application/sdp"},
        std::pair{"e: deflate\r\n", "application/sdp"}, std::pair{"", "text/plain"},
        std::pair{"Content-Disposition: render\r\n", "application/sdp"},
        std::pair{"", "application/trickle-ice-sdpfrag"}}) {
    Scenario s;
    EXPECT_EQ(s.send(Host{"192.0.2.10"}, Host{"203.0.113.5"},
                     {.start = "INVITE", .headers = headers, .body = plain_offer, .content_type = type}),
              "")
        << headers << type;
  }
}

TEST(Bodies, MultipartInMultipart) {
  const std::string body =
      "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\nContent-Type: "
      "text/plain\r\n\r\nm=image 9 udptl\r\n"
      "--i\r\nContent-Type: application/sdp\r\n\r\n" +
      sdp({"192.0.2.10|image 30000 udptl t38"}) +
      "--i--\r\n--o\r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n--o--\r\n";
  Scenario s;
  EXPECT_EQ(s.send(Host{"192.0.2.10"}, Host{"203.0.113.5"},
                   {.start = "INVITE", .body = body, .content_type = "multipart/mixed;boundary=o"}),
            "open 192.0.2.10:30000 any image data 180 offer\n");
}

}  // namespace
}  // namespace dpinholer::test
