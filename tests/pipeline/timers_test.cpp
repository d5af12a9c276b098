// SPDX-License-Identifier: GPL-2.0-or-later
// What time does to a call (calls.md sections 3 and 7 "Time"; RFC 3261 section 16.6 Timer C, RFC 4028).
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const std::string offered = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
)";
const std::string answered_early = offered + R"(
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
)";
const std::string call = offered + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";

TEST(Early, WithoutAFinalResponseTheInviteIsOver) {
  EXPECT_TRUE(plays(offered + R"(
    wait 179
    wait 1
        @180 close alice:30000-30001 early-timeout
    # too late
    bob > alice    200 INVITE b [audio 40000]
  )"));
}

TEST(Early, AProvisionalResponseProlongs) {
  // RFC 3261 section 16.7 step 2: Timer C, for 101 to 199.
  for (const std::string status : {"101", "180", "181", "182", "183", "199"}) {
    SCOPED_TRACE(status);
    EXPECT_TRUE(plays(offered + "wait 100\n bob > alice  " + status + R"( INVITE b
    wait 179
    mallory ~> alice:30000
        passes
    wait 1
        @280 close alice:30000-30001 early-timeout
    )"));
  }
}

TEST(Early, TryingDoesNotProlong) {
  EXPECT_TRUE(plays(offered + R"(
    wait 100
    bob > alice    100 INVITE
    wait 79
    wait 1
        @180 close alice:30000-30001 early-timeout
  )"));
}

TEST(Early, RingingForAnHour) {
  std::string flow = offered;
  for (int minute = 1; minute <= 60; ++minute) flow += "bob > alice  180 INVITE b\n wait 60\n";
  EXPECT_TRUE(plays(flow + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )"));
}

TEST(EarlyMedia, AnsweredButUnconfirmedStillEndsWithEarly) {
  EXPECT_TRUE(plays(answered_early + R"(
    wait 100
    bob > alice    180 INVITE b
    wait 179
    wait 1
        @280 close alice:30000-30001 early-timeout
        @280 close bob:40000-40001 early-timeout
  )"));
}

TEST(EarlyMedia, UnlessMediaFlows) {
  // Announcements and queues: no provisional response for longer than Timer C, but somebody talks.
  EXPECT_TRUE(plays(answered_early + R"(
    wait 170
    bob ~> alice:30000
        passes
    wait 170
    bob ~> alice:30000
        passes
    wait 179
    wait 1
        @520 close alice:30000-30001 early-timeout
        @520 close bob:40000-40001 early-timeout
  )"));
}

TEST(EarlyMedia, MediaDoesNotProlongWhatIsNotAnswered) {
  EXPECT_TRUE(plays(offered + R"(
    wait 170
    mallory ~> alice:30000
        passes
    wait 10
        @180 close alice:30000-30001 early-timeout
  )"));
}

TEST(LateOffer, WithoutAnAnswer) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b
    wait 179
    wait 1
        @180 close bob:40000-40001 early-timeout
  )"));
}

TEST(Idle, ASilentCallCloses) {
  EXPECT_TRUE(plays(call + R"(
    wait 299
    wait 1
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Idle, AnyMediaKeepsAllPinholes) {
  EXPECT_TRUE(plays(call + R"(
    wait 299
    alice ~> bob:40001
        passes
    wait 299
    bob ~> alice:30000
        passes
    wait 299
    wait 1
        @898 close alice:30000-30001 idle
        @898 close bob:40000-40001 idle
  )"));
}

TEST(Idle, MediaThatIsDroppedIsNoLife) {
  EXPECT_TRUE(plays(call + R"(
    wait 299
    mallory ~> alice:30000
        dropped
    wait 1
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Idle, AnyMessageInTheDialogIsLife) {
  for (const std::string method : {"OPTIONS", "INFO", "MESSAGE", "NOTIFY", "REFER", "UPDATE"}) {
    SCOPED_TRACE(method);
    EXPECT_TRUE(plays(call + "wait 290\n bob > alice  " + method + " b a\n wait 290\n alice > bob  200 " +
                      method + R"(
    wait 299
    alice ~> bob:40000
        passes
    )"));
  }
}

TEST(Idle, MessagesElsewhereAreNot) {
  // Another dialog of no one's, and messages on the way of a stranger.
  EXPECT_TRUE(plays(call + R"(
    wait 290
    bob > alice    OPTIONS b x
    alice > bob    481 OPTIONS
    mallory > dave OPTIONS a b
    dave > mallory 200 OPTIONS
    wait 10
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Idle, AForgottenCallIsPickedUpByAReInvite) {
  EXPECT_TRUE(plays(call + R"(
    wait 300
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
    bob > alice    INVITE b a [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    200 INVITE [audio 30000]
        bind bob:40000-40001 alice 300 answer
        open alice:30000-30001 bob 300 answer
    bob > alice    ACK b a
  )"));
}

TEST(MaxCall, EndsWhateverKeepsItAlive) {
  PipelineSettings settings;
  settings.negotiation.max_call = base::seconds{1000};
  EXPECT_TRUE(plays(call + R"(
    wait 290
    bob ~> alice:30000
        passes
    wait 290
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    200 INVITE [audio 30000]
        bind bob:40010-40011 alice 300 answer
        close bob:40000-40001 replaced
    wait 290
    bob ~> alice:30000
        passes
    wait 129
    bob ~> alice:30000
        passes
    wait 1
        @1000 close alice:30000-30001 session-expired
        @1000 close bob:40010-40011 session-expired
  )",
                    {.settings = settings}));
}

TEST(MaxCall, ZeroIsNoLimit) {
  PipelineSettings settings;
  settings.negotiation.max_call = base::seconds{0};
  settings.negotiation.media_idle = base::seconds{100000};
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 100000 answer
        open bob:40000-40001 alice 100000 answer
    wait 99999
    wait 1
        @100000 close alice:30000-30001 idle
        @100000 close bob:40000-40001 idle
  )",
                    {.settings = settings}));
}

TEST(Timers, OneLateLookTellsEachAtItsMoment) {
  // A replay that jumps: the events come in the order of time, over several calls.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    wait 10
    alice > bob    INVITE a call=2 [audio 30010]
        open alice:30010-30011 any 180 offer
    alice > bob    CANCEL call=2
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    INVITE a call=3 [audio 30020]
        open alice:30020-30021 any 180 offer
    wait 10
    alice > bob    BYE a b call=1
    wait 1000
        @42 close alice:30010-30011 cancelled
        @52 close alice:30000-30001 bye
        @52 close bob:40000-40001 bye
        @190 close alice:30020-30021 early-timeout
  )"));
}

TEST(Timers, ShortTimeoutsDoNotSpin) {
  PipelineSettings settings;
  settings.negotiation.early = base::seconds{1};
  settings.negotiation.media_idle = base::seconds{1};
  settings.negotiation.terminating = base::seconds{1};
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 1 offer
    wait 1
        @1 close alice:30000-30001 early-timeout
  )",
                    {.settings = settings}));
}

}  // namespace
}  // namespace dpinholer::test
