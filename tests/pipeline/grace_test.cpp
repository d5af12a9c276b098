// SPDX-License-Identifier: GPL-2.0-or-later
// timeouts.grace (calls.md section 3): what a BYE closes stays bound for a while.
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

FlowOptions with_grace(int seconds) {
  FlowOptions options;
  options.settings.negotiation.grace = base::seconds{seconds};
  return options;
}

const std::string offered = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
)";
const std::string call = offered + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";

TEST(Grace, TheTailPassesFromThePeerAlone) {
  EXPECT_TRUE(plays(call + R"(
    wait 10
    alice > bob    BYE a b
    bob > alice    200 BYE
    wait 19
    bob ~> alice:30000
        passes
    mallory ~> alice:30000
        dropped
    wait 1
        @30 close alice:30000-30001 bye
        @30 close bob:40000-40001 bye
    bob ~> alice:30000
        dropped
  )",
                    with_grace(20)));
}

TEST(Grace, AfterABye481Too) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    481 BYE
    wait 20
        @20 close alice:30000-30001 bye
        @20 close bob:40000-40001 bye
  )",
                    with_grace(20)));
}

TEST(Grace, AfterAByeThatNobodyAnswers) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    wait 62
        @52 close alice:30000-30001 bye
        @52 close bob:40000-40001 bye
  )",
                    with_grace(20)));
}

TEST(Grace, LongerThanTheCallIsKeptToKnowLateMessages) {
  FlowOptions options = with_grace(30);
  options.settings.negotiation.terminating = base::seconds{1};
  options.check_late_copies = false;
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
    wait 29
    bob ~> alice:30000
        passes
    wait 1
        @30 close alice:30000-30001 bye
        @30 close bob:40000-40001 bye
  )",
                    options));
}

TEST(Grace, WhatWasOnlyOfferedClosesAtOnce) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30002-30003 video bye
    wait 20
        @20 close alice:30000-30001 bye
        @20 close bob:40000-40001 bye
  )",
                    with_grace(20)));
}

TEST(Grace, NotForACallThatWasRefused) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    486 INVITE b
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
  )",
                    with_grace(20)));
}

TEST(Grace, EachOfTwoDialogsHasItsOwn) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    bob > alice    200 INVITE c [audio 40010]
        open bob:40010-40011 alice 300 answer
    alice > bob    ACK a c
    alice > bob    BYE a b
    bob > alice    200 BYE b
    wait 5
    alice > bob    BYE a c
    bob > alice    200 BYE c
    wait 20
        @20 close bob:40000-40001 bye
        @25 close alice:30000-30001 bye
        @25 close bob:40010-40011 bye
  )",
                    with_grace(20)));
}

TEST(Grace, TheNextCallGetsItsPortsAtOnce) {
  // The port is bound until somebody answers (attack A27).
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
    wait 5
    alice > dave   INVITE a call=2 [audio 30000]
    dave > alice   200 INVITE d call=2 [audio 50000]
        bind alice:30000-30001 bob,dave 300 answer
        open dave:50000-50001 alice 300 answer
    alice > dave   ACK a d call=2
    wait 20
        @20 bind alice:30000-30001 dave 300 bye
        @20 close bob:40000-40001 bye
    alice > dave   BYE a d call=2
    dave > alice   200 BYE call=2
    wait 20
        @45 close alice:30000-30001 bye
        @45 close dave:50000-50001 bye
  )",
                    with_grace(20)));
}

TEST(Grace, TheOperatorClosesItAtOnce) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
    operator closes 1
        close alice:30000-30001 requested
        close bob:40000-40001 requested
    operator closes 1
        not found
  )",
                    with_grace(20)));
}

TEST(Grace, OfACallThatAnotherDaemonKnew) {
  FlowOptions options = with_grace(20);
  options.check_late_copies = options.check_closed = options.tags_matter = false;
  EXPECT_TRUE(plays(call + R"(
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
    alice > bob    BYE a b
    bob > alice    200 BYE
    wait 20
        @20 close alice:30000-30001 bye
        @20 close bob:40000-40001 bye
  )",
                    options));
}

TEST(Grace, WhenOnlyTheAnswerToTheByeIsSeen) {
  FlowOptions options = with_grace(20);
  options.check_late_copies = options.check_closed = options.tags_matter = false;
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
    bob > alice    200 BYE
    wait 20
        @20 close alice:30000-30001 bye
        @20 close bob:40000-40001 bye
  )",
                    options));
}

TEST(Grace, AnotherCallTakesItsPlaceWhenThereIsNoRoom) {
  FlowOptions options = with_grace(20);
  options.settings.negotiation.calls = 1;
  options.check_late_copies = options.check_stranger = options.check_closed = false;
  EXPECT_TRUE(plays(call + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
    wait 5
    alice > dave   INVITE a call=2 [audio 30010]
        close alice:30000-30001 bye
        close bob:40000-40001 bye
        open alice:30010-30011 any 180 offer
  )",
                    options));
}

}  // namespace
}  // namespace dpinholer::test
