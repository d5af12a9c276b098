// SPDX-License-Identifier: GPL-2.0-or-later
// re-INVITE and UPDATE in a running session: accepted, refused, unanswered, crossing (calls.md section 3;
// RFC 3261 section 14, RFC 3311, RFC 6141, RFC 6337 sections 3 and 4).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

// A running call, to which each flow below is appended.
const std::string call = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";

TEST(ReOffer, AcceptedReplaces) {
  for (const std::string method : {"INVITE", "UPDATE"}) {
    SCOPED_TRACE(method);
    EXPECT_TRUE(plays(call + "alice > bob  " + method + R"( a b [audio 30010]
        open alice:30010-30011 any 180 offer
    )" + "bob > alice  200 " +
                      method + R"( [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    )"));
  }
}

TEST(ReOffer, RefusedLeavesTheRunningSession) {
  for (const std::string method : {"INVITE", "UPDATE"}) {
    for (const std::string status : {"302", "401", "403", "408", "481", "488", "491", "500", "504", "606"}) {
      SCOPED_TRACE(method + " " + status);
      EXPECT_TRUE(plays(call + "bob > alice  " + method + R"( b a [audio 40010]
        open bob:40010-40011 any 180 offer
    )" + "alice > bob  " +
                        status + " " + method + R"(
        close bob:40010-40011 rejected
    )"));
    }
  }
}

TEST(ReOffer, PortsThatStayKeepTheirBinding) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    mallory ~> alice:30000
        dropped
    mallory ~> alice:30002
        passes
    bob > alice    200 INVITE [audio 40000, video 40002]
        bind alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(ReOffer, TheSameAgainChangesNothing) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000]
    bob > alice    200 INVITE [audio 40000]
    alice > bob    ACK a b
    bob > alice    UPDATE b a
    alice > bob    200 UPDATE
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(ReOffer, AnsweredProvisionallyStandsBesideTheRunningSession) {
  // RFC 6337 section 3.3: until the 2xx a refusal may still take all of it back.
  const std::string provisional = call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE rel=1 [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    bob ~> alice:30000
        passes
    bob ~> alice:30010
        passes
  )";
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    200 INVITE
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
  )"));
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    200 INVITE [audio 40010]
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
  )")) << "repeated in the 2xx";
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    200 INVITE [audio 40020]
        open bob:40020-40021 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
        close bob:40010-40011 replaced
  )")) << "a later answer that differs stands";
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    488 INVITE
        close alice:30010-30011 rejected
        close bob:40010-40011 rejected
  )"));
}

TEST(ReOffer, LateAnsweredInPrackStandsBesideTheRunningSessionToo) {
  const std::string provisional = call + R"(
    alice > bob    INVITE a b
    bob > alice    183 INVITE rel=1 [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    PRACK a b [audio 30010]
        bind bob:40010-40011 alice 300 answer
        open alice:30010-30011 bob 300 answer
    bob > alice    200 PRACK
  )";
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    200 INVITE
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
  )"));
  EXPECT_TRUE(plays(provisional + R"(
    bob > alice    500 INVITE
        close bob:40010-40011 rejected
        close alice:30010-30011 rejected
  )"));
}

TEST(ReOffer, LateInReInvite) {
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a
    alice > bob    200 INVITE [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    ACK b a [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
  )"));
}

TEST(ReOffer, LatePortsThatStayKeepTheirBinding) {
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a
    alice > bob    200 INVITE [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    ACK b a [audio 40000, video 0]
        close alice:30002-30003 video replaced
  )"));
}

TEST(ReOffer, AnUpdateWithinAReInvite) {
  // RFC 6141 section 3.4: what an UPDATE settled holds, whatever becomes of the re-INVITE around it; and the
  // re-INVITE's own answer is older.
  const std::string update = call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE rel=1 [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    UPDATE a b [audio 30020]
        open alice:30020-30021 any 180 offer
    bob > alice    200 UPDATE [audio 40010]
        bind alice:30020-30021 bob 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
        close alice:30010-30011 replaced
  )";
  EXPECT_TRUE(plays(update + "bob > alice  200 INVITE\n"));
  EXPECT_TRUE(plays(update + "bob > alice  200 INVITE [audio 40010]\n"));
  EXPECT_TRUE(plays(update + "bob > alice  488 INVITE\n"));
}

TEST(ReOffer, GlareIs491) {
  // RFC 6337 section 4.2, RFC 3261 section 14.1: both refuse, one tries again.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    bob > alice    491 INVITE
        close alice:30010-30011 rejected
    alice > bob    491 INVITE
        close bob:40010-40011 rejected
    alice > bob    ACK a b
    bob > alice    ACK b a
    wait 2
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    200 INVITE [audio 30000]
        bind bob:40010-40011 alice 300 answer
        close bob:40000-40001 replaced
    bob > alice    ACK b a
  )"));
}

TEST(ReOffer, ThatAnotherAnswerOvertakesKeepsItsPorts) {
  // Alice offers the port that she has; before Bob's answer is here, his own offer moves her away from it.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    UPDATE a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    UPDATE b a [audio 40000]
    alice > bob    200 UPDATE [audio 30010]
        open alice:30010-30011 bob 300 answer
        bind alice:30000-30001 any 180 answer
    bob > alice    200 UPDATE [audio 40000, video 40002]
        bind alice:30000-30001 bob 300 answer
        bind alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
        close alice:30010-30011 replaced
  )"));
}

TEST(ReOffer, CancelledLeavesTheRunningSession) {
  const std::string cancelled = call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    180 INVITE
    alice > bob    CANCEL
    bob > alice    200 CANCEL
  )";
  EXPECT_TRUE(plays(cancelled + R"(
    bob > alice    487 INVITE
        close alice:30010-30011 cancelled
    alice > bob    ACK a b
  )"));
  EXPECT_TRUE(plays(cancelled + R"(
    wait 31
    wait 1
        @32 close alice:30010-30011 cancelled
  )"));
  EXPECT_TRUE(plays(cancelled + R"(
    bob > alice    200 INVITE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    wait 100
  )")) << "the CANCEL came too late";
}

TEST(ReOffer, UnansweredClosesWhatItOpened) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    wait 179
    bob ~> alice:30000
        passes
    wait 1
        @180 close alice:30010-30011 early-timeout
  )"));
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    wait 100
    bob > alice    180 INVITE
    wait 179
    wait 1
        @280 close alice:30010-30011 early-timeout
  )")) << "prolonged by a provisional response";
}

TEST(ReOffer, A2xxWithoutAnAnswerLeavesTheOfferOpen) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE
    wait 179
    wait 1
        @180 close alice:30010-30011 early-timeout
  )"));
}

TEST(ReOffer, ALateProvisionalResponseAfterThe2xxIsIgnored) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 INVITE [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    bob > alice    183 INVITE [audio 40020]
    alice > bob    ACK a b
  )"));
}

}  // namespace
}  // namespace dpinholer::test
