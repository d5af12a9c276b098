// SPDX-License-Identifier: GPL-2.0-or-later
// The gateway starts in the middle of a call (calls.md section 2).
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

TEST(PickUp, AReInviteOfAnUnknownDialogStartsItsState) {
  EXPECT_TRUE(plays(R"(
    bob > alice    INVITE b a [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    200 INVITE [audio 30000]
        bind bob:40000-40001 alice 300 answer
        open alice:30000-30001 bob 300 answer
    bob > alice    ACK b a
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    alice > bob    BYE a b
    bob > alice    200 BYE
        close bob:40000-40001 bye
        close alice:30010-30011 bye
  )"));
}

TEST(PickUp, AnUpdateOfAnUnknownDialogStartsItsState) {
  EXPECT_TRUE(plays(R"(
    alice > bob    UPDATE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
    wait 32
        @32 close alice:30000-30001 bye
        @32 close bob:40000-40001 bye
  )"));
}

TEST(PickUp, ALateOffer) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a b
    bob > alice    200 INVITE [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(PickUp, BothCrossingsOfAHairpinnedCall) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a b [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  200 INVITE [audio 31000] [audio 50010@relay]
        bind relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    carol > proxy > alice  BYE b a
    alice > proxy > carol  200 BYE
        close alice:30000-30001 bye
        close relay:50010-50011 bye
        close relay:50000-50001 bye
        close carol:31000-31001 bye
  )"));
}

TEST(PickUp, RefusedLeavesNothing) {
  EXPECT_TRUE(plays(R"(
    bob > alice    INVITE b a [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    481 INVITE
        close bob:40000-40001 rejected
    bob > alice    ACK b a
    alice > bob    BYE a b
    bob > alice    481 BYE
  )"));
}

TEST(PickUp, OfTwoDialogsWithOneCallId) {
  // A B2BUA that keeps the Call-ID but not the tags.
  EXPECT_TRUE(plays(R"(
    alice > pbx    INVITE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    pbx > bob      INVITE c d [audio 50000]
        open pbx:50000-50001 any 180 offer
    bob > pbx      200 INVITE [audio 40000]
        bind pbx:50000-50001 bob 300 answer
        open bob:40000-40001 pbx 300 answer
    pbx > alice    200 INVITE [audio 50010]
        bind alice:30000-30001 pbx 300 answer
        open pbx:50010-50011 alice 300 answer
    alice > pbx    BYE a b
    pbx > alice    200 BYE
        close alice:30000-30001 bye
        close pbx:50010-50011 bye
    pbx > bob      BYE c d
    bob > pbx      200 BYE
        close pbx:50000-50001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(PickUp, NothingElseStartsState) {
  for (const std::string message :
       {"BYE a b", "ACK a b", "PRACK a b [audio 30000]", "OPTIONS a b", "INFO a b ice[audio 9]"}) {
    SCOPED_TRACE(message);
    EXPECT_TRUE(plays("alice > bob  " + message + "\n"));
  }
}

TEST(PickUp, AnAnswerNeedsItsRequest) {
  Scenario s;
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  const std::string answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});
  const std::string refused =
      "refuse 203.0.113.5:40000 audio rtp no-request\n"
      "refuse 203.0.113.5:40001 audio rtcp no-request\n";
  for (const char* start : {"200 INVITE", "183 INVITE", "200 UPDATE", "200 PRACK", "ACK"}) {
    EXPECT_EQ(s.send(bob, alice, {.start = start, .to_tag = "b", .body = answer}), refused) << start;
  }
  // nor in a call that is known otherwise
  s.send(alice, bob, {.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
  EXPECT_EQ(s.send(bob, alice, {.start = "200 UPDATE", .to_tag = "b", .cseq = 2, .body = answer}), refused);
  EXPECT_EQ(s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .cseq = 2, .body = answer}), refused);
  EXPECT_EQ(s.send(bob, alice, {.start = "ACK", .from_tag = "x", .to_tag = "y", .body = answer}), refused);
}

}  // namespace
}  // namespace dpinholer::test
