// SPDX-License-Identifier: GPL-2.0-or-later
// Offers that are declined, cross an answer or cross each other: RFC 6337 sections 2.3, 3.3, 4 and 5.3. The
// patterns of its table 1 are in prack_update_test.cpp, more of its sections 3 and 4 is in reoffer_test.cpp.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

FlowOptions narrow() {
  FlowOptions options;
  options.settings.negotiation.hold_narrow = true;
  return options;
}

const std::string call = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";

TEST(Rfc6337, Section2_3_AnOfferInThe2xxIsDeclinedInTheAck) {
  // The 2xx can't be refused any more: the ACK declines each stream, and a BYE follows.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000, video 40002]
        open bob:40000-40001 any 180 offer
        open bob:40002-40003 any video 180 offer
    alice > bob    ACK a b [audio 0, video 0]
        close bob:40000-40001 replaced
        close bob:40002-40003 video replaced
    alice > bob    BYE a b
    bob > alice    200 BYE
  )"));
}

TEST(Rfc6337, Section2_3_AnOfferInAReliable1xxIsDeclinedInThePrack) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    183 INVITE b rel=1 [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    PRACK a b [audio 0]
        close bob:40000-40001 replaced
    bob > alice    200 PRACK
    bob > alice    UPDATE b a [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    200 UPDATE [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(Rfc6337, Section2_3_AnOfferInAPrackIsDeclinedInIts2xx) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    200 PRACK [audio 40000, video 0]
        close alice:30002-30003 video replaced
    bob > alice    200 INVITE b
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
  )"));
}

TEST(Rfc6337, Section2_3_AFirstInviteThatIsRefused) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, video 30002]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    488 INVITE b
        close alice:30000-30001 rejected
        close alice:30002-30003 video rejected
    alice > bob    ACK a b
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc6337, Section4_1_AnUpdateOvertakesThe2xxToAReInvite) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    UPDATE b a [audio 40020]
        open bob:40020-40021 any 180 offer
    alice > bob    491 UPDATE
        close bob:40020-40021 rejected
    bob > alice    200 INVITE [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
    bob > alice    UPDATE b a [audio 40020]
        open bob:40020-40021 any 180 offer
    alice > bob    200 UPDATE [audio 30010]
        bind bob:40020-40021 alice 300 answer
        close bob:40010-40011 replaced
  )"));
}

TEST(Rfc6337, Section4_1_AReInviteOvertakesThe2xxToAnUpdate) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    INVITE b a [audio 40020]
        open bob:40020-40021 any 180 offer
    alice > bob    491 INVITE
        close bob:40020-40021 rejected
    bob > alice    200 UPDATE [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    bob > alice    ACK b a
  )"));
}

TEST(Rfc6337, Section4_1_AnUpdateOvertakesThe2xxToAPrack) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    UPDATE b a [audio 40020]
        open bob:40020-40021 any 180 offer
    alice > bob    500 UPDATE
        close bob:40020-40021 rejected
    bob > alice    200 PRACK [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(Rfc6337, Section4_1_AReInviteOvertakesTheAckThatAnswers) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a #late
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    INVITE a b #next [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    500 INVITE #next
        close alice:30010-30011 rejected
    alice > bob    ACK a b #next
    alice > bob    ACK a b cseq=1 #late [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        passes
  )"));
}

TEST(Rfc6337, Section4_1_AnUpdateOvertakesTheAckThatAnswers) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    500 UPDATE
        close alice:30010-30011 rejected
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        passes
  )"));
}

TEST(Rfc6337, Section4_2_GlareOfTwoUpdates) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    UPDATE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    491 UPDATE
        close bob:40010-40011 rejected
    bob > alice    491 UPDATE
        close alice:30010-30011 rejected
    bob ~> alice:30000
        passes
    wait 2
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
  )"));
}

TEST(Rfc6337, Section4_2_GlareOfAnUpdateAndAReInvite) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    bob > alice    491 UPDATE
        close alice:30010-30011 rejected
    alice > bob    491 INVITE
        close bob:40010-40011 rejected
    bob > alice    ACK b a
    alice ~> bob:40000
        passes
  )"));
}

TEST(Rfc6337, Section4_2_GlareOfALateReInviteAndAReInvite) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    491 INVITE
        close bob:40010-40011 rejected
    bob > alice    491 INVITE
    bob > alice    ACK b a
    alice > bob    ACK a b
    alice ~> bob:40000
        passes
  )"));
}

TEST(Rfc6337, Section3_3_AnUpdateInALateReInvite) {
  // Before the re-INVITE's own offer the UPDATE is an exchange by itself.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    bob > alice    200 INVITE [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    ACK a b [audio 30010]
        bind bob:40010-40011 alice 300 answer
        close bob:40000-40001 replaced
  )"));
}

TEST(Rfc6337, Section5_3_ALateReInviteLeavesTheHold) {
  // Asked for an offer, whoever holds the other goes on holding.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a [audio 40000 sendonly]
    alice > bob    200 INVITE [audio 30000 recvonly]
        close bob:40000 held
    bob > alice    ACK b a
    alice > bob    INVITE a b
    bob > alice    200 INVITE [audio 40000 sendonly]
    alice > bob    ACK a b [audio 30000 recvonly]
    alice ~> bob:40000
        dropped
    alice > bob    INVITE a b
    bob > alice    200 INVITE [audio 40000]
        open bob:40000 any 180 offer
    alice > bob    ACK a b [audio 30000]
        bind bob:40000 alice 300 answer
    alice ~> bob:40000
        passes
  )",
                    narrow()));
}

TEST(Rfc6337, Section5_3_TheHoldOfOneOutlastsThatOfTheOther) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000 sendonly]
    bob > alice    200 INVITE [audio 40000 recvonly]
        close alice:30000 held
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 40000 sendonly]
    alice > bob    200 INVITE [audio 30000 inactive]
        close bob:40000 held
    bob > alice    ACK b a
    alice > bob    INVITE a b [audio 30000]
        open alice:30000 any 180 offer
    bob > alice    200 INVITE [audio 40000 sendonly]
        bind alice:30000 bob 300 answer
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        dropped
  )",
                    narrow()));
}

}  // namespace
}  // namespace dpinholer::test
