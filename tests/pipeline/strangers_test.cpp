// SPDX-License-Identifier: GPL-2.0-or-later
// Attack A30: what a stranger can do to a call with the help of an accomplice, and of the parties' own
// messages. Each is a find of the random calls (attacked_calls_test.cpp).
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

// He offers to one end in the name of the other, which gives him a leg there; the accomplice accepts what he
// offers over his own way, as if that were the answer.
TEST(Strangers, A30_AnAccomplicesAnswerDoesNotMoveTheCall) {
  for (const std::string offer : {"UPDATE", "INVITE"}) {
    EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    mallory > bob  )" +
                      offer +
                      R"( a b cseq=9 [audio 6000]
        open mallory:6000-6001 any 180 offer
    mallory > dave    PRACK a b cseq=10 [audio 6002]
    dave > mallory    200 PRACK [audio 7000]
        refuse dave:7000-7001 no-request
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        passes
  )")) << offer;
  }
}

// In a call that is met in the middle the first who answers becomes a party by it, and strangers give way to
// parties: at once, and not when a copy of the answer comes.
TEST(Strangers, A30_ACopyOfTheAnswerThatMakesPartiesChangesNothing) {
  PipelineSettings settings;
  settings.negotiation.pinholes_per_call = 6;
  settings.negotiation.tcp = true;
  settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value()};
  Scenario gateway(settings);
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  const Host relay{"203.0.113.7"};
  Sip strange{.start = "UPDATE", .from_tag = "m", .to_tag = "n", .branch = "z9hG4bKm", .cseq = 4};
  strange.body = sdp(
      {"192.0.2.10|audio 30000 udptl t38",
       "203.0.113.7|audio 30002 RTP/SAVPF 96|a=candidate:2 2 UDP 1 203.0.113.7 31001 typ host|a=rtcp:30001"});
  EXPECT_NE(gateway.send(relay, bob, strange), "");
  const std::string of_strangers = gateway.open();

  Sip update{.start = "UPDATE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 3};
  update.body =
      sdp({"2001:db8::5|audio 30000 TCP/MSRP *", "0.0.0.0|audio 9 udptl t38|a=setup:passive|a=ice-ufrag:x"});
  gateway.send(bob, alice, update);
  Sip answer = update;
  answer.start = "200 UPDATE";
  answer.body = sdp(
      {"192.0.2.20|audio 30000 TCP/MSRP *", "203.0.113.5|audio 30003 RTP/SAVPF 96|a=setup:actpass|a=mid:1"},
      "a=group:BUNDLE 1 2\r\n");
  const std::string done = gateway.send(alice, bob, answer);
  EXPECT_NE(done.find("open tcp 192.0.2.20:30000"), std::string::npos) << done;
  EXPECT_NE(done.find("close 203.0.113.7:30002 audio rtp replaced"), std::string::npos)
      << done << of_strangers;
  const std::string again = gateway.send(alice, bob, answer);
  EXPECT_EQ(again.find("close"), std::string::npos) << again;
}

// A late response to the INVITE belongs to the parties' dialog, on whatever leg he made an offer with its
// tags.
TEST(Strangers, A30_TheAnswerIsNotTakenForOneToHisOffer) {
  EXPECT_TRUE(plays(R"(
    alice > proxy    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > bob      INVITE a [audio 30000@alice]
    bob > proxy      180 INVITE b
    mallory > alice  UPDATE b a cseq=2 [audio 6000]
        open mallory:6000-6001 any 180 offer
    alice > mallory  403 UPDATE
        close mallory:6000-6001 rejected
    proxy > alice    180 INVITE b
    mallory > alice  UPDATE b a cseq=3 [audio 6002]
        open mallory:6002-6003 any 180 offer
    bob > proxy      200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice,proxy 300 answer
    proxy > alice    200 INVITE b [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
    alice > proxy    ACK a b
    alice > proxy    BYE a b
    proxy > alice    481 BYE
        bind alice:30000-30001 bob 300 bye
    proxy > bob      BYE a b
    bob > proxy      481 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
        close mallory:6002-6003 bye
  )"));
}

// A call that is met in the middle, on two legs at once: both are the parties'.
TEST(Strangers, A30_BothLegsOfACallThatIsMetInTheMiddle) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > bob  UPDATE a b [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    bob > proxy          200 UPDATE [audio 40000]
        bind relay:50000-50001 bob 300 answer
        open bob:40000-40001 proxy,relay 300 answer
    proxy > alice        200 UPDATE [audio 50002@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50002-50003 alice 300 answer
    proxy > bob          BYE a b
    bob > proxy          200 BYE
        close relay:50000-50001 bye
        close bob:40000-40001 bye
    bob ~> alice:30000
        dropped
    relay ~> alice:30000
        passes
  )"));
}

// An ACK or PRACK that goes directly may be the answer to a late offer, and may be his: beside what the
// parties have.
TEST(Strangers, A30_HisAnswerToALateOfferClosesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a
    bob > alice      183 INVITE b rel=1 [audio 40000, video 40100]
        open bob:40000-40001 any 180 offer
        open bob:40100-40101 any video 180 offer
    mallory > bob    PRACK a b cseq=2 [audio 6000]
        bind bob:40000-40001 mallory 300 answer
        open mallory:6000-6001 bob 300 answer
    alice ~> bob:40100
        passes
    alice > bob      PRACK a b cseq=2 [audio 30000, video 30100]
        open alice:30000-30001 bob 300 answer
        open alice:30100-30101 bob video 300 answer
        bind bob:40000-40001 alice 300 answer
        bind bob:40100-40101 alice video 300 answer
        close mallory:6000-6001 replaced
  )"));
}

TEST(Strangers, A30_HisAnswerToALateReOfferClosesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob      ACK a b
    alice > bob      INVITE a b cseq=2
    bob > alice      200 INVITE [audio 40000]
    mallory > bob    ACK a b cseq=2 [audio 6000]
        bind bob:40000-40001 alice,mallory 300 answer
        open mallory:6000-6001 bob 300 answer
    bob ~> alice:30000
        passes
    alice > bob      ACK a b cseq=2 [audio 30000]
        bind bob:40000-40001 alice 300 answer
        close mallory:6000-6001 replaced
  )"));
}

// A phone that is heard for the first time when it answers, and nobody else answers.
TEST(Strangers, A30_ADirectAnswerStaysWhenThereIsNoOther) {
  EXPECT_TRUE(plays(R"(
    proxy > bob      INVITE a
    bob > proxy      200 INVITE b [audio 40000, video 40100]
        open bob:40000-40001 any 180 offer
        open bob:40100-40101 any video 180 offer
    alice > bob      ACK a b [audio 30000]
        bind bob:40000-40001 alice 300 answer
        open alice:30000-30001 bob 300 answer
    wait 200
        @180 close bob:40100-40101 video early-timeout
    alice ~> bob:40000
        passes
    wait 200
    bob ~> alice:30000
        passes
  )"));
}

TEST(Strangers, A30_HisDirectAnswerIsNotBeforeThatOfAParty) {
  EXPECT_TRUE(plays(R"(
    alice > proxy    INVITE a
    proxy > alice    200 INVITE b [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    mallory > proxy  ACK a b cseq=1 [audio 6000]
        bind bob:40000-40001 mallory 300 answer
        open mallory:6000-6001 proxy,bob 300 answer
    alice > bob      ACK a b [audio 30000]
        open alice:30000-30001 proxy,bob 300 answer
        bind bob:40000-40001 alice 300 answer
        close mallory:6000-6001 replaced
  )"));
}

}  // namespace
}  // namespace dpinholer::test
