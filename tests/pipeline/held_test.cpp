// SPDX-License-Identifier: GPL-2.0-or-later
// timeouts.held (calls.md section 3): the time that a call may be silent while nobody is to send.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

const std::string call = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string held = call + R"(
    wait 10
    alice > bob    INVITE a b [audio 30000 inactive]
    bob > alice    200 INVITE [audio 40000 inactive]
    alice > bob    ACK a b
)";

TEST(Held, InactiveBothWaysClosesAfterItsOwnTime) {
  EXPECT_TRUE(plays(held + R"(
    wait 3599
    wait 1
        @3610 close alice:30000-30001 idle
        @3610 close bob:40000-40001 idle
  )"));
}

TEST(Held, MediaFromThePeerPassesAllTheTime) {
  // RTCP goes on (RFC 3264 section 8.4), and nobody else gets in.
  EXPECT_TRUE(plays(held + R"(
    wait 3000
    bob ~> alice:30001
        passes
    mallory ~> alice:30001
        dropped
    wait 3600
        @6610 close alice:30000-30001 idle
        @6610 close bob:40000-40001 idle
  )"));
}

TEST(Held, ResumedItIsAsItWas) {
  EXPECT_TRUE(plays(held + R"(
    wait 1000
    alice > bob    INVITE a b [audio 30000]
    bob > alice    200 INVITE [audio 40000]
    alice > bob    ACK a b
    wait 300
        @1310 close alice:30000-30001 idle
        @1310 close bob:40000-40001 idle
  )"));
}

TEST(Held, ARefusedResumptionLeavesItOnHold) {
  EXPECT_TRUE(plays(held + R"(
    wait 1000
    bob > alice    INVITE b a [audio 40000]
    alice > bob    488 INVITE
    bob > alice    ACK b a
    wait 3600
        @4610 close alice:30000-30001 idle
        @4610 close bob:40000-40001 idle
  )"));
}

TEST(Held, FromTheFirstAnswerOn) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000 inactive]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000 inactive]
        bind alice:30000-30001 bob 3600 answer
        open bob:40000-40001 alice 3600 answer
    alice > bob    ACK a b
    wait 3600
        @3600 close alice:30000-30001 idle
        @3600 close bob:40000-40001 idle
  )"));
}

TEST(Held, MusicOnHoldIsMedia) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000 sendonly]
    bob > alice    200 INVITE [audio 40000 recvonly]
    alice > bob    ACK a b
    wait 300
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Held, OneMediaLineThatFlowsIsEnough) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, video 30002 inactive]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    200 INVITE b [audio 40000, video 40002 inactive]
        bind alice:30000-30001 bob 300 answer
        bind alice:30002-30003 bob video 300 answer
        open bob:40000-40001 alice 300 answer
        open bob:40002-40003 alice video 300 answer
    alice > bob    ACK a b
    wait 300
        @300 close alice:30000-30001 idle
        @300 close alice:30002-30003 video idle
        @300 close bob:40000-40001 idle
        @300 close bob:40002-40003 video idle
  )"));
}

// RFC 2543 appendix B: c=0.0.0.0. Nothing is open, and yet the call is known for as long: an offer that only
// comes now finds it.
TEST(Held, OldHoldOfBothParties) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000@0.0.0.0]
    bob > alice    200 INVITE [audio 40000@0.0.0.0]
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
    wait 3000
    alice > bob    INVITE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    wait 300
        @3300 close alice:30000-30001 idle
        @3300 close bob:40000-40001 idle
  )"));
}

TEST(Held, OldHoldOfOnePartyIsMusicForTheOther) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000@0.0.0.0]
    bob > alice    200 INVITE [audio 40000]
        close alice:30000-30001 replaced
    alice > bob    ACK a b
    wait 300
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Held, ADaemonThatStartsAgainKnowsItByTheElements) {
  EXPECT_TRUE(plays(held + R"(
    restart
        open alice:30000-30001 bob 3600 recovered
        open bob:40000-40001 alice 3600 recovered
    wait 3600
        @3610 close alice:30000-30001 idle
        @3610 close bob:40000-40001 idle
  )",
                    {.check_late_copies = false, .check_closed = false, .tags_matter = false}));
}

TEST(Held, AfterARestartAsBeforeOnceItIsResumed) {
  EXPECT_TRUE(plays(held + R"(
    restart
        open alice:30000-30001 bob 3600 recovered
        open bob:40000-40001 alice 3600 recovered
    alice > bob    INVITE a b [audio 30000]
    bob > alice    200 INVITE [audio 40000]
    alice > bob    ACK a b
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
    wait 300
        @310 close alice:30000-30001 idle
        @310 close bob:40000-40001 idle
  )",
                    {.check_late_copies = false, .check_closed = false, .tags_matter = false}));
}

TEST(Held, AShorterTimeThanMediaIdleCountsAsWell) {
  PipelineSettings settings;
  settings.negotiation.held = base::seconds{100};
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000 inactive]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000 inactive]
        bind alice:30000-30001 bob 100 answer
        open bob:40000-40001 alice 100 answer
    alice > bob    ACK a b
    wait 100
        @100 close alice:30000-30001 idle
        @100 close bob:40000-40001 idle
  )",
                    {.settings = settings}));
}

// A stranger who has learned the tags agrees with an accomplice that nothing flows: that is not the parties'.
TEST(Held, AStrangersHoldKeepsNothingOfTheParties) {
  EXPECT_TRUE(plays(call + R"(
    mallory > dave    INVITE a b [audio 6000 inactive]
        open mallory:6000-6001 any 180 offer
    dave > mallory    200 INVITE [audio 7000 inactive]
        bind mallory:6000-6001 dave 3600 answer
        open dave:7000-7001 mallory 3600 answer
    wait 300
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
        @300 close mallory:6000-6001 idle
        @300 close dave:7000-7001 idle
  )"));
}

}  // namespace
}  // namespace dpinholer::test
