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
    wait 3640
    # too late
    bob > alice    200 INVITE b [audio 40000]
        refuse bob:40000-40001 no-request
  )"));
}

TEST(Late, AnAnswerAfterAllOpensBothSides) {
  // One 180, and nobody picks up for four minutes.
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    180 INVITE b
    wait 240
        @180 close alice:30000-30001 early-timeout
    bob > alice    200 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
    mallory ~> alice:30000
        dropped
    wait 200
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(Late, WithoutAnyResponse) {
  EXPECT_TRUE(plays(offered + R"(
    wait 3700
        @180 close alice:30000-30001 early-timeout
    bob > alice    200 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )"));
}

TEST(Late, RingingGoesOnMeanwhile) {
  // A 180 that comes late opens nothing; nor does it shorten the hour.
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    180 INVITE b
    wait 200
        @180 close alice:30000-30001 early-timeout
    bob > alice    180 INVITE b
    wait 2000
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )"));
}

TEST(Late, AnEarlyAnswerComesBackWithAnEmpty200) {
  EXPECT_TRUE(plays(answered_early + R"(
    wait 240
        @180 close alice:30000-30001 early-timeout
        @180 close bob:40000-40001 early-timeout
    bob > alice    200 INVITE b
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    wait 299
    bob ~> alice:30000
        passes
  )"));
}

TEST(Late, EarlyMediaAfterAllAndSilenceAgain) {
  EXPECT_TRUE(plays(offered + R"(
    wait 240
        @180 close alice:30000-30001 early-timeout
    bob > alice    183 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 180
        @420 close alice:30000-30001 early-timeout
        @420 close bob:40000-40001 early-timeout
    bob > alice    183 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    200 INVITE b [audio 40000]
    wait 200
    bob ~> alice:30000
        passes
  )"));
}

TEST(Late, ALateOfferInALate200) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    180 INVITE b
    wait 240
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
  )"));
}

TEST(Late, RefusedOrCancelled) {
  for (const std::string end : {"bob > alice  486 INVITE b", "bob > alice  500 INVITE x",
                                "alice > bob  CANCEL\n bob > alice  487 INVITE b", "alice > bob  CANCEL\n wait 32"}) {
    EXPECT_TRUE(plays(offered + "bob > alice  180 INVITE b\n wait 240\n @180 close alice:30000-30001 early-timeout\n" +
                      end + "\n bob > alice  200 INVITE b [audio 40000]\n"))
        << end;
  }
}

TEST(Late, OnEveryLeg) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  180 INVITE b
    wait 240
        @180 close alice:30000-30001 early-timeout
        @180 close relay:50000-50001 early-timeout
    carol > proxy > alice  200 INVITE b [audio 31000] [audio 50010@relay]
        open relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
        open alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
  )"));
}

TEST(Late, AReInvite) {
  // Somebody is asked whether he wants to be seen. Media flows meanwhile.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    180 INVITE b
    wait 170
    bob ~> alice:30000
        passes
    wait 70
        @180 close alice:30002-30003 video early-timeout
    bob > alice    200 INVITE b [audio 40000, video 40002]
        open alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
    alice > bob    ACK a b
    bob ~> alice:30002
        passes
  )"));
}

TEST(Late, GivesWayFirstAndCountsForNobody) {
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  PipelineSettings settings;
  settings.negotiation.calls = 2;
  settings.negotiation.calls_per_source = 1;
  Scenario s(settings);
  auto invite = [&](const Host& from, const std::string& call_id) {
    return s.send(
        from, bob,
        {.start = "INVITE", .call_id = call_id, .body = sdp({from.address + "|image 30000 udptl t38"})});
  };
  EXPECT_NE(invite(Host{"192.0.2.11"}, "ringing"), "");
  s.wait(base::seconds{100});
  s.send(bob, Host{"192.0.2.11"}, {.start = "180 INVITE", .call_id = "ringing", .to_tag = "b"});
  EXPECT_NE(invite(alice, "late"), "");
  s.send(bob, alice, {.start = "180 INVITE", .call_id = "late", .to_tag = "b"});
  s.wait(base::seconds{100});
  s.send(bob, Host{"192.0.2.11"}, {.start = "180 INVITE", .call_id = "ringing", .to_tag = "b"});
  s.wait(base::seconds{100});
  EXPECT_EQ(invite(alice, "next"), "open 192.0.2.10:30000 any image data 180 offer\n");
  const std::string answer = sdp({"203.0.113.5|image 40000 udptl t38"});
  EXPECT_EQ(s.send(bob, alice, {.start = "200 INVITE", .call_id = "late", .to_tag = "b", .body = answer}),
            "refuse 203.0.113.5:40000 image data no-request\n");
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
