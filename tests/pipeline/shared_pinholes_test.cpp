// SPDX-License-Identifier: GPL-2.0-or-later
// One pinhole that several calls, dialogs or legs want (calls.md section 2): it opens with the first, closes
// with the last, and is bound to the sources of all.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(SharedPinholes, OfTwoCalls) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > dave   INVITE x call=2 [audio 30000]
    bob > alice    200 INVITE b call=1 [audio 40000]
        open bob:40000-40001 alice 300 answer
    mallory ~> alice:30000
        passes
    dave > alice   200 INVITE y call=2 [audio 41000]
        bind alice:30000-30001 bob,dave 300 answer
        open dave:41000-41001 alice 300 answer
    mallory ~> alice:30000
        dropped
    bob > alice    BYE b a call=1
    alice > bob    200 BYE call=1
        bind alice:30000-30001 dave 300 bye
        close bob:40000-40001 bye
    bob ~> alice:30000
        dropped
    dave ~> alice:30000
        passes
    alice > dave   BYE x y call=2
    dave > alice   200 BYE call=2
        close alice:30000-30001 bye
        close dave:41000-41001 bye
  )"));
}

TEST(SharedPinholes, AnUnboundClaimUnbindsNothingForGood) {
  // A stranger's call names Alice's port: nothing narrows, and what he opened goes with his call.
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    mallory > proxy  INVITE m call=2 [audio 30000@alice]
        bind alice:30000-30001 any 300 offer
    proxy > mallory  404 INVITE n call=2
        bind alice:30000-30001 bob 300 rejected
    mallory ~> alice:30000
        dropped
    bob ~> alice:30000
        passes
  )"));
}

TEST(SharedPinholes, OfTwoLegsWithTheSameSdp) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    carol > proxy          200 INVITE b [audio 31000]
        open carol:31000-31001 alice,proxy 300 answer
    proxy > alice          200 INVITE b [audio 31000@carol]
        bind alice:30000-30001 carol,proxy 300 answer
    alice > proxy          BYE a b
    proxy > alice          200 BYE
        bind alice:30000-30001 carol 300 bye
    proxy > carol          BYE a b cseq=2
    carol > proxy          200 BYE
        close alice:30000-30001 bye
        close carol:31000-31001 bye
  )"));
}

TEST(SharedPinholes, OfTwoSectionsOfOneDescription) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000, audio 0]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    INVITE a b [audio 30000, audio 30000]
    bob > alice    200 INVITE [audio 0, audio 40000]
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(SharedPinholes, OfTwoDialogsAfterATransfer) {
  // The transfer target calls the same port that the first call still holds.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    dave > alice   INVITE d call=2 [audio 41000]
        open dave:41000-41001 any 180 offer
    alice > dave   200 INVITE e call=2 [audio 30000]
        bind dave:41000-41001 alice 300 answer
        bind alice:30000-30001 bob,dave 300 answer
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        bind alice:30000-30001 dave 300 bye
        close bob:40000-40001 bye
    dave ~> alice:30000
        passes
    bob ~> alice:30000
        dropped
  )"));
}

}  // namespace
}  // namespace dpinholer::test
