// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon goes on with the calls of the one before it, of which nothing is left but what the kernel has
// open.
#include <gtest/gtest.h>

#include <string>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

// A message that was read before the restart is news when it comes again after it.
FlowOptions begun_before() {
  FlowOptions options;
  options.check_late_copies = false;
  options.tags_matter = false;
  return options;
}

// Who answers first is believed: the request is not there to compare with (calls.md section 5, no-request).
FlowOptions answered_after() {
  FlowOptions options = begun_before();
  options.check_stranger = false;
  options.check_closed = false;
  return options;
}

const std::string call_is_up = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string restarted = R"(
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
)";

TEST(Recovery, AByeEndsTheCall) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, video 30002]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    200 INVITE b [audio 40000, video 40002]
        bind alice:30000-30001 bob 300 answer
        bind alice:30002-30003 bob video 300 answer
        open bob:40000-40001 alice 300 answer
        open bob:40002-40003 alice video 300 answer
    alice > bob    ACK a b
    restart
        open alice:30000-30001 bob 300 recovered
        open alice:30002-30003 bob video 300 recovered
        open bob:40000-40001 alice 300 recovered
        open bob:40002-40003 alice video 300 recovered
    bob ~> alice:30000
        passes
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close alice:30002-30003 video bye
        close bob:40000-40001 bye
        close bob:40002-40003 video bye
  )",
                    begun_before()));
}

TEST(Recovery, AByeMayHaveBeenSentBefore) {
  const std::string flow = call_is_up + R"(
    bob > alice    BYE b a)" +
                           restarted;
  EXPECT_TRUE(plays(flow + R"(
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    answered_after()));
  EXPECT_TRUE(plays(flow + R"(
    alice > bob    481 BYE
    wait 33
    alice > bob    200 BYE
  )",
                    begun_before()))
      << "nobody waits longer for an answer (RFC 3261 Timer F)";
}

TEST(Recovery, AnAnswerOpensBothSides) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    restart
        open alice:30000-30001 any 180 recovered
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    answered_after()));
}

TEST(Recovery, AnEarlyAnswerMayBeFollowedByAFailure) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    restart
        open alice:30000-30001 any 180 recovered
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    486 INVITE b
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
  )",
                    answered_after()));
}

TEST(Recovery, AProvisionalResponseProlongs) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    wait 170
    restart
        open alice:30000-30001 any 180 recovered
    wait 170
    bob > alice    180 INVITE b
    wait 170
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )",
                    answered_after()));
}

TEST(Recovery, WhatNobodyAnswersCloses) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    wait 100
    restart
        open alice:30000-30001 any 180 recovered
    wait 200
        @280 close alice:30000-30001 early-timeout
  )",
                    begun_before()));
}

TEST(Recovery, AFailureWhoseInviteNobodySawClosesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    restart
        open alice:30000-30001 any 180 recovered
    bob > alice    486 INVITE b
    wait 200
        @180 close alice:30000-30001 early-timeout
  )",
                    begun_before()));
}

TEST(Recovery, AnAnswerInAnAckOpensBothSides) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    restart
        open bob:40000-40001 any 180 recovered
    bob > alice    200 INVITE b [audio 40000]
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    answered_after()));
}

TEST(Recovery, AReInviteGoesOn) {
  EXPECT_TRUE(plays(call_is_up + restarted + R"(
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    488 INVITE
        close bob:40010-40011 rejected
    bob > alice    ACK b a
    alice > bob    INVITE a b [audio 30000]
    bob > alice    200 INVITE [audio 40020]
        open bob:40020-40021 alice 300 answer
        close bob:40000-40001 replaced
    alice > bob    ACK a b
    alice > bob    BYE a b
    bob > alice    200 BYE
        close bob:40020-40021 bye
        close alice:30000-30001 bye
  )",
                    begun_before()));
}

TEST(Recovery, AReInviteMayHaveBegunBefore) {
  EXPECT_TRUE(plays(call_is_up + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    restart
        open alice:30000-30001 bob 300 recovered
        open alice:30010-30011 any 300 recovered
        open bob:40000-40001 alice 300 recovered
    bob > alice    200 INVITE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    alice > bob    ACK a b
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30010-30011 bye
        close bob:40000-40001 bye
  )",
                    answered_after()));
}

TEST(Recovery, ASecondCopyOfTheAnswerChangesNothing) {
  EXPECT_TRUE(plays(call_is_up + restarted + R"(
    bob > alice    200 INVITE b [audio 40000]
    alice > bob    ACK a b
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    answered_after()));
}

TEST(Recovery, SilenceEndsTheCall) {
  EXPECT_TRUE(plays(call_is_up + restarted + R"(
    wait 200
    alice ~> bob:40000
        passes
    wait 400
        @500 close alice:30000-30001 idle
        @500 close bob:40000-40001 idle
  )",
                    begun_before()));
}

// A proxy behind the gateway: each message crosses it twice.
TEST(Recovery, TheLegsOfACallEndTogether) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > proxy > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice,proxy 300 answer
        bind alice:30000-30001 proxy,bob 300 answer
    alice > proxy > bob    ACK a b
    restart
        open alice:30000-30001 proxy,bob 300 recovered
        open bob:40000-40001 alice,proxy 300 recovered
    alice > proxy > bob    BYE a b
    bob > proxy > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    begun_before()));
}

// Attack A8: the Call-ID alone, and not even the tags, are known to nobody who is no party.
TEST(Recovery, AStrangersByeEndsNothing) {
  EXPECT_TRUE(plays(call_is_up + restarted + R"(
    mallory > alice    BYE b a
    alice > mallory    481 BYE
    mallory > bob      BYE a b
    bob > mallory      481 BYE
  )",
                    begun_before()));
}

// Nor does one that pretends to come from a party, with made-up tags: the party that it goes to knows better.
TEST(Recovery, AByeWithMadeUpTagsEndsNothing) {
  EXPECT_TRUE(plays(call_is_up + restarted + R"(
    bob > alice    BYE x y
    alice > bob    481 BYE
    bob > alice    BYE x1 y
    alice > bob    481 BYE
    bob > alice    BYE x2 y
    alice > bob    481 BYE
    bob > alice    BYE x3 y
    alice > bob    481 BYE
    bob > alice    BYE x4 y
    alice > bob    481 BYE
    bob > alice    BYE x5 y
    alice > bob    481 BYE
    wait 20
    bob > alice    BYE x6 y
    alice > bob    481 BYE
    wait 100
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )",
                    begun_before()));
}

}  // namespace
}  // namespace dpinholer::test
