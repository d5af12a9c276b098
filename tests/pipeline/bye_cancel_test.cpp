// SPDX-License-Identifier: GPL-2.0-or-later
// What ends a call, and what only seems to (calls.md section 3; RFC 3261 sections 9, 13 and 15; attacks A8,
// A10).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

// A running call, to which the flows below are appended.
const std::string call = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string offered = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
)";
const std::string ringing = offered + "bob > alice    180 INVITE b\n";

TEST(Bye, FinalResponsesThatEndTheCall) {
  for (const std::string status : {"200", "202", "408", "481"}) {
    for (const std::string from_caller :
         {"alice > bob BYE a b\n bob > alice ", "bob > alice BYE b a\n alice > bob "}) {
      SCOPED_TRACE(from_caller + status);
      EXPECT_TRUE(plays(call + from_caller + status + R"( BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
      )"));
    }
  }
}

TEST(Bye, ResponsesThatLeaveTheCall) {
  // A forged BYE that the endpoint rejects must not end the call.
  for (const std::string status :
       {"100", "183", "301", "400", "401", "403", "404", "407", "500", "503", "603"}) {
    SCOPED_TRACE(status);
    const std::string refused = call + "alice > bob  BYE a b\n bob > alice  " + status + " BYE\n";
    EXPECT_TRUE(plays(refused + "bob ~> alice:30000\n passes\n"));
  }
}

TEST(Bye, ChallengedAndSentAgainWithCredentials) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    407 BYE
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(Bye, WithoutAFinalResponseFor64T1) {
  EXPECT_TRUE(plays(call + R"(
    wait 100
    alice > bob    BYE a b
    bob > alice    100 BYE
    wait 31
    bob ~> alice:30000
        passes
    wait 1
        @132 close alice:30000-30001 bye
        @132 close bob:40000-40001 bye
  )"));
}

TEST(Bye, FromBothSidesAtOnce) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    BYE b a
    bob > alice    481 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
    alice > bob    481 BYE
  )"));
}

TEST(Bye, OfAnEarlyDialogLeavesTheInviteToItsFinalResponse) {
  // RFC 3261 section 15: a caller may end an early dialog with BYE; the INVITE then gets its 487.
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
    bob > alice    200 BYE
        bind alice:30000-30001 any 180 bye
        close bob:40000-40001 bye
    bob > alice    487 INVITE b
        close alice:30000-30001 rejected
    alice > bob    ACK a b
  )"));
}

TEST(Bye, WhileAReOfferIsOut) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
        close alice:30010-30011 bye
    bob > alice    200 INVITE [audio 40000]
  )"));
}

TEST(Bye, NothingStartsTheCallAgain) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
    alice > bob    INVITE a b [audio 30010]
    bob > alice    481 INVITE
    bob > alice    UPDATE b a [audio 40010]
    alice > bob    481 UPDATE
  )"));
}

TEST(FinalResponse, ToTheInitialInviteClosesAllThatItOpened) {
  for (const std::string status :
       {"300", "302", "380", "400", "401", "403", "404", "407", "408", "415", "422",
        "480", "481", "486", "487", "488", "491", "500", "503", "600", "603", "606"}) {
    SCOPED_TRACE(status);
    EXPECT_TRUE(plays(offered + "bob > alice  " + status + R"( INVITE b
        close alice:30000-30001 rejected
    alice > bob    ACK a b
    )"));
  }
}

TEST(FinalResponse, AfterEarlyMedia) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    503 INVITE b
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
    alice > bob    ACK a b
  )"));
}

TEST(FinalResponse, AChallengeIsFollowedByANewOffer) {
  for (const std::string status : {"401", "407"}) {
    SCOPED_TRACE(status);
    EXPECT_TRUE(plays(offered + "bob > alice  " + status + R"( INVITE x
        close alice:30000-30001 rejected
    alice > bob    ACK a x
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    )"));
  }
}

TEST(Cancel, ByItselfDoesNothing) {
  EXPECT_TRUE(plays(ringing + R"(
    alice > bob    CANCEL
    bob > alice    200 CANCEL b
    bob ~> alice:30000
        passes
    bob > alice    487 INVITE b
        close alice:30000-30001 cancelled
    alice > bob    ACK a b
  )"));
}

TEST(Cancel, AnyRefusalAfterItIsItsDoing) {
  EXPECT_TRUE(plays(ringing + R"(
    alice > bob    CANCEL
    bob > alice    486 INVITE b
        close alice:30000-30001 cancelled
  )"));
}

TEST(Cancel, Without487For64T1) {
  EXPECT_TRUE(plays(ringing + R"(
    wait 10
    alice > bob    CANCEL
    wait 30
    bob > alice    180 INVITE b
    wait 2
        @42 close alice:30000-30001 cancelled
  )"));
}

TEST(Cancel, CrossesThe200) {
  // RFC 3261 section 9.1: too late. The caller has to send a BYE.
  EXPECT_TRUE(plays(ringing + R"(
    alice > bob    CANCEL
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    200 CANCEL b
    alice > bob    ACK a b
    wait 100
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(Cancel, AfterThe200IsTooLate) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    CANCEL
    bob > alice    481 CANCEL
    wait 100
    bob ~> alice:30000
        passes
  )"));
}

TEST(Cancel, OfTwoInvitesIsForItsOwn) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a #first [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > bob    INVITE a2 #second [audio 30010]
        open alice:30010-30011 any 180 offer
    alice > bob    CANCEL #first
    wait 31
    wait 1
        @32 close alice:30000-30001 cancelled
    bob > alice    200 INVITE b #second [audio 40000]
        bind alice:30010-30011 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )"));
}

}  // namespace
}  // namespace dpinholer::test
