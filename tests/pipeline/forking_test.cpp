// SPDX-License-Identifier: GPL-2.0-or-later
// Several dialogs for one INVITE, each with its own answer (calls.md sections 2 and 3; RFC 3261
// sections 12.1, 13.2.2.4, 16.7; RFC 6228).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Forking, TheOffererIsBoundToAllAnswerersAndLosersCloseAfter64T1) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    bob ~> alice:30000
        passes
    bob2 ~> alice:30001
        passes
    mallory ~> alice:30000
        dropped
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
    alice > proxy  ACK a b2
    wait 31
    bob ~> alice:30000
        passes
    wait 1
        @32 bind alice:30000-30001 proxy,bob2 300 fork
        @32 close bob:40000-40001 fork
    bob ~> alice:30000
        dropped
    alice > proxy  BYE a b2
    proxy > alice  200 BYE
        close alice:30000-30001 bye
        close bob2:41000-41001 bye
  )"));
}

TEST(Forking, ALoserClosesWithItsOwnFinalResponse) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
    proxy > alice  480 INVITE b1
        bind alice:30000-30001 proxy,bob2 300 rejected
        close bob:40000-40001 rejected
  )"));
}

TEST(Forking, ALoserClosesWithItsOwnBye) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    alice > proxy  BYE a b1
    proxy > alice  200 BYE
        bind alice:30000-30001 proxy,bob2 300 bye
        close bob:40000-40001 bye
    bob2 ~> alice:30000
        passes
  )"));
}

TEST(Forking, ALoserThatAnswersToo) {
  // RFC 3261 section 13.2.2.4: each 2xx makes a dialog; the caller ends those that it does not want.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  180 INVITE b1
    proxy > alice  180 INVITE b2
    proxy > alice  200 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > proxy  ACK a b1
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    alice > proxy  ACK a b2
    wait 60
    alice > proxy  BYE a b2
    proxy > alice  200 BYE
        bind alice:30000-30001 proxy,bob 300 bye
        close bob2:41000-41001 bye
    bob ~> alice:30000
        passes
    alice > proxy  BYE a b1
    proxy > alice  200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(Forking, AForkThatRangLateGetsNoLongerThanTheOthers) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 30
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    wait 2
        @32 bind alice:30000-30001 proxy,bob 300 fork
        @32 close bob2:41000-41001 fork
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
    proxy > alice  183 INVITE b3 [audio 42000@bob3]
    # but a phone that was picked up at the same moment is heard
    proxy > alice  200 INVITE b3 [audio 42000@bob3]
        bind alice:30000-30001 proxy,bob,bob3 300 answer
        open bob3:42000-42001 alice 300 answer
    wait 32
  )"));
}

TEST(Forking, WithoutItsOnlyAnswererTheOfferStandsAsBefore) {
  // The INVITE is still out: another phone may answer, and may send media before its answer is here.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  180 INVITE b2
    alice > proxy  BYE a b1
    proxy > alice  200 BYE
        bind alice:30000-30001 any 180 bye
        close bob:40000-40001 bye
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
  )"));
}

TEST(Forking, AnEarlyDialogThatTheProxySaysIsOver) {
  // RFC 6228: 199 tells that the fork of this tag was refused, while others still ring.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    proxy > alice  199 INVITE b1
        bind alice:30000-30001 proxy,bob2 300 rejected
        close bob:40000-40001 rejected
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
  )"));
}

TEST(Forking, OneRefusalEndsAllThatWereNotAnswered) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    proxy > alice  603 INVITE b2
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
        close bob2:41000-41001 rejected
  )"));
}

TEST(Forking, TwoBranchesOnOneAddressPair) {
  // A proxy that forks to two phones behind one next hop: two INVITEs that differ in their branch alone.
  EXPECT_TRUE(plays(R"(
    proxy > pbx    INVITE a cseq=1 #left [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    proxy > pbx    INVITE a cseq=1 #right [audio 40000@bob]
    pbx > proxy    183 INVITE left #left [audio 30000@alice]
        bind bob:40000-40001 pbx,alice 300 answer
        open alice:30000-30001 proxy,bob 300 answer
    pbx > proxy    183 INVITE right #right [audio 30100@carol]
        bind bob:40000-40001 pbx,alice,carol 300 answer
        open carol:30100-30101 proxy,bob 300 answer
    pbx > proxy    200 INVITE left #left [audio 30000@alice]
    proxy > pbx    CANCEL #right
    pbx > proxy    200 CANCEL #right
    pbx > proxy    487 INVITE right #right
        bind bob:40000-40001 pbx,alice 300 cancelled
        close carol:30100-30101 cancelled
  )"));
}

TEST(Forking, TwoLegsOfOneInviteStandBesideEachOther) {
  // A proxy inside forks to two gateways: same CSeq, so neither gives up the other.
  EXPECT_TRUE(plays(R"(
    pbx > gateway   INVITE a cseq=1 [audio 30000@alice]
        open alice:30000-30001 any 180 offer
    pbx > gateway2  INVITE a cseq=1 [audio 30000@alice]
    gateway2 ~> alice:30000
        passes
    gateway > pbx   183 INVITE g [audio 40000]
        bind alice:30000-30001 gateway 300 answer
        open gateway:40000-40001 pbx,alice 300 answer
    gateway2 ~> alice:30000
        dropped
    gateway2 > pbx  200 INVITE h [audio 41000]
        bind alice:30000-30001 gateway,gateway2 300 answer
        open gateway2:41000-41001 pbx,alice 300 answer
    pbx > gateway   CANCEL
    gateway > pbx   487 INVITE g
        bind alice:30000-30001 gateway2 300 cancelled
        close gateway:40000-40001 cancelled
  )"));
}

TEST(Forking, ANewInviteOfTheCallerGivesUpTheOlderOne) {
  EXPECT_TRUE(plays(R"(
    alice > proxy   INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice   183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > proxy2  INVITE a [audio 30010]
        open alice:30010-30011 any 180 offer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    proxy > alice   487 INVITE b1
    proxy2 > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30010-30011 proxy2,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
  )"));
}

TEST(Forking, SequentialForkingTriesTheNextPhone) {
  // RFC 5359 section 2.12 (find-me): the first phone's early dialog is given up without a word downstream.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 20
    proxy > alice  181 INVITE
    proxy > alice  180 INVITE b2
    wait 5
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    alice > proxy  ACK a b2
    wait 32
        @57 bind alice:30000-30001 proxy,bob2 300 fork
        @57 close bob:40000-40001 fork
    bob2 ~> alice:30000
        passes
    bob ~> alice:30000
        dropped
  )"));
}

}  // namespace
}  // namespace dpinholer::test
