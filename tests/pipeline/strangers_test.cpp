// SPDX-License-Identifier: GPL-2.0-or-later
// Attack A30: what a stranger can do to a call with the help of an accomplice, and of the parties' own
// messages. Each is a find of the random calls (attacked_calls_test.cpp).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

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
