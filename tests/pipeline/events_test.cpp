// SPDX-License-Identifier: GPL-2.0-or-later
// The table of calls.md section 3, row by row; each has more to it in the file that is named.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Event, OfferSeen) {
  // Toward the offerer, from any source, for timeouts.early.
  PipelineSettings settings;
  settings.negotiation.early = base::seconds{60};
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 60 offer
    mallory ~> alice:30000
        passes
    alice ~> bob:40000
        dropped
    wait 60
        @60 close alice:30000-30001 early-timeout
  )",
                    {.settings = settings}));
}

TEST(Event, AnswerSeen) {
  // In an unreliable or reliable 18x, a 2xx, an ACK, a PRACK, a 2xx to UPDATE (or to PRACK): the same comes
  // of it.
  const std::string opened = "open alice:30000-30001 any 180 offer\n";
  const std::string bound = "bind alice:30000-30001 bob 300 answer\n open bob:40000-40001 alice 300 answer\n";
  for (const std::string answer : {"183 INVITE b", "180 INVITE b rel=1", "200 INVITE b"}) {
    EXPECT_TRUE(plays("alice > bob  INVITE a [audio 30000]\n" + opened + "bob > alice  " + answer +
                      " [audio 40000]\n" + bound));
  }
  const std::string late_opened = "open bob:40000-40001 any 180 offer\n";
  const std::string late_bound =
      "open alice:30000-30001 bob 300 answer\n bind bob:40000-40001 alice 300 answer\n";
  EXPECT_TRUE(plays("alice > bob  INVITE a\n bob > alice  200 INVITE b [audio 40000]\n" + late_opened +
                    "alice > bob  ACK a b [audio 30000]\n" + late_bound));
  EXPECT_TRUE(plays("alice > bob  INVITE a\n bob > alice  183 INVITE b rel=1 [audio 40000]\n" + late_opened +
                    "alice > bob  PRACK a b [audio 30000]\n" + late_bound));
  EXPECT_TRUE(plays("alice > bob  UPDATE a b [audio 30000]\n" + opened +
                    "bob > alice  200 UPDATE [audio 40000]\n bind alice:30000-30001 bob 300 answer\n"
                    " open bob:40000-40001 alice 300 answer\n"));
}

// forking_test.cpp
TEST(Event, SuccessToInvite) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    wait 32
        @32 bind alice:30000-30001 proxy,bob2 300 fork
        @32 close bob:40000-40001 fork
    # confirmed: no longer bound to end with timeouts.early
    wait 200
    bob2 ~> alice:30000
        passes
  )"));
}

// timers_test.cpp
TEST(Event, ProvisionalResponseWithoutSdp) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    wait 179
    bob > alice    180 INVITE b
    wait 180
        @359 close alice:30000-30001 early-timeout
  )"));
}

// bye_cancel_test.cpp
TEST(Event, RefusalOfTheInitialInvite) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, video 30002]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    183 INVITE b [audio 40000, video 0]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
        close alice:30002-30003 video replaced
    bob > alice    401 INVITE b
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
  )"));
}

// bye_cancel_test.cpp
TEST(Event, Cancel) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > bob    CANCEL
    bob > alice    487 INVITE b
        close alice:30000-30001 cancelled
  )"));
}

// reoffer_test.cpp
TEST(Event, ReInviteOrUpdateOffer) {
  EXPECT_TRUE(plays(R"(
    alice > bob    UPDATE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice ~> bob:40000
        passes
    alice > bob    200 INVITE [audio 30000]
        bind bob:40010-40011 alice 300 answer
        close bob:40000-40001 replaced
  )"));
}

// reoffer_test.cpp
TEST(Event, ReInviteOrUpdateRefusedOrUnanswered) {
  EXPECT_TRUE(plays(R"(
    alice > bob    UPDATE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    INVITE b a [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    488 INVITE
        close bob:40010-40011 rejected
    bob > alice    UPDATE b a [audio 40020]
        open bob:40020-40021 any 180 offer
    wait 180
        @180 close bob:40020-40021 early-timeout
    alice ~> bob:40000
        passes
  )"));
}

// bye_cancel_test.cpp
TEST(Event, Bye) {
  const std::string call = R"(
    alice > bob    UPDATE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
  )";
  const std::string closed = "close alice:30000-30001 bye\n close bob:40000-40001 bye\n";
  for (const std::string status : {"200", "481", "408"})
    EXPECT_TRUE(plays(call + "bob > alice  " + status + " BYE\n" + closed));
  EXPECT_TRUE(plays(call + "wait 32\n @32 close alice:30000-30001 bye\n @32 close bob:40000-40001 bye\n"));
  EXPECT_TRUE(plays(call + "bob > alice  401 BYE\n wait 40\n bob ~> alice:30000\n passes\n"));
}

// rfc4028_test.cpp
TEST(Event, SessionExpires) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a expires=200 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b expires=200 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 199
    wait 1
        @200 close alice:30000-30001 session-expired
        @200 close bob:40000-40001 session-expired
  )"));
}

// timers_test.cpp
TEST(Event, TheWholeCallSilent) {
  PipelineSettings settings;
  settings.negotiation.media_idle = base::seconds{120};
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 120 answer
        open bob:40000-40001 alice 120 answer
    wait 110
    bob ~> alice:30001
        passes
    wait 119
    wait 1
        @230 close alice:30000-30001 idle
        @230 close bob:40000-40001 idle
  )",
                    {.settings = settings}));
}

// prack_update_test.cpp, reoffer_test.cpp
TEST(Event, LateOffer) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000, video 40002]
        open bob:40000-40001 any 180 offer
        open bob:40002-40003 any video 180 offer
    alice > bob    ACK a b [audio 30000, video 0]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
        close bob:40002-40003 video replaced
  )"));
}

TEST(BeforeAnswer, ClosedOpensBothSidesWithTheAnswer) {
  PipelineSettings settings;
  settings.negotiation.open_before_answer = false;
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
    bob ~> alice:30000
        dropped
    bob > alice    180 INVITE b
    bob > alice    183 INVITE b [audio 40000]
        open alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    200 INVITE b [audio 40000]
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 30010]
    bob > alice    183 INVITE rel=1 [audio 40000]
        open alice:30010-30011 bob 300 answer
    bob > alice    200 INVITE
        close alice:30000-30001 replaced
    bob > alice    INVITE b a
    alice > bob    200 INVITE [audio 30020]
    bob > alice    ACK b a [audio 40000]
        open alice:30020-30021 bob 300 answer
        close alice:30010-30011 replaced
    bob > alice    UPDATE b a [audio 40010]
    alice > bob    488 UPDATE
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30020-30021 bye
        close bob:40000-40001 bye
  )",
                    {.settings = settings}));
}

TEST(BeforeAnswer, ClosedIsBoundToAllForks) {
  PipelineSettings settings;
  settings.negotiation.open_before_answer = false;
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        open alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    alice > proxy  BYE a b1
    proxy > alice  200 BYE
        bind alice:30000-30001 proxy,bob2 300 bye
        close bob:40000-40001 bye
    proxy > alice  486 INVITE b2
        close alice:30000-30001 rejected
        close bob2:41000-41001 rejected
  )",
                    {.settings = settings}));
}

TEST(Sources, AnyMeansTheDestinationAlone) {
  PipelineSettings settings;
  settings.policy.bind_to_peer = false;  // media.source = "any"
  EXPECT_TRUE(plays(R"(
    alice > bob    UPDATE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    mallory ~> alice:30000
        passes
  )",
                    {.settings = settings}));
}

TEST(Sources, APhoneBehindNatIsHeardFromWhereItsSignallingComesFrom) {
  EXPECT_TRUE(plays(R"(
    bob > alice    INVITE b [audio 40000@10.1.2.3]
        open 10.1.2.3:40000-40001 any 180 offer
    alice > bob    200 INVITE a [audio 30000]
        bind 10.1.2.3:40000-40001 alice 300 answer
        open alice:30000-30001 10.1.2.3,bob 300 answer
    bob ~> alice:30000
        passes
  )"));
}

}  // namespace
}  // namespace dpinholer::test
