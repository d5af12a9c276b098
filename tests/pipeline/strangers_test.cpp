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

}  // namespace
}  // namespace dpinholer::test
