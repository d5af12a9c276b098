// SPDX-License-Identifier: GPL-2.0-or-later
// Services of RFC 5359 as a gateway sees them: holds, transfers, forwarding, conferences, pick-up. Phones are
// on either side, so that what one call opens and another needs can be told apart.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

// Alice calls Bob; flows that begin with it go on from there.
const std::string call = R"(
    alice > bob    INVITE a call=1 [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 3456]
        bind alice:49170-49171 bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > bob    ACK a b call=1
)";

TEST(Rfc5359, Section2_1_CallHold) {
  // With hold = "keep", the default, nothing changes.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1 [audio 3456 sendonly]
    alice > bob    200 INVITE call=1 [audio 49170 recvonly]
    bob > alice    ACK b a call=1
    wait 200
    bob ~> alice:49170
        passes
    bob > alice    INVITE b a call=1 [audio 3456]
    alice > bob    200 INVITE call=1 [audio 49170]
    bob > alice    ACK b a call=1
    bob > alice    BYE b a call=1
    alice > bob    200 BYE call=1
        close alice:49170-49171 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc5359, Section2_1_CallHoldNarrow) {
  PipelineSettings settings;
  settings.negotiation.hold_narrow = true;
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1 [audio 3456 sendonly]
    alice > bob    200 INVITE call=1 [audio 49170 recvonly]
        close bob:3456 held
    alice ~> bob:3456
        dropped
    alice ~> bob:3457
        passes
    bob ~> alice:49170
        passes
    bob > alice    INVITE b a call=1 [audio 3456]
        open bob:3456 any 180 offer
    alice > bob    200 INVITE call=1 [audio 49170]
        bind bob:3456 alice 300 answer
  )",
                    {.settings = settings}));
}

TEST(Rfc5359, Section2_2_ConsultationHold) {
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1 [audio 3456 sendonly]
    alice > bob    200 INVITE call=1 [audio 49170 recvonly]
    bob > alice    ACK b a call=1
    bob > carol    INVITE b2 call=2 [audio 3458]
        open bob:3458-3459 any 180 offer
    carol > bob    200 INVITE c call=2 [audio 48600]
        bind bob:3458-3459 carol 300 answer
        open carol:48600-48601 bob 300 answer
    bob > carol    ACK b2 c call=2
    bob > carol    BYE b2 c call=2
    carol > bob    200 BYE call=2
        close bob:3458-3459 bye
        close carol:48600-48601 bye
    bob > alice    INVITE b a call=1 [audio 3456]
    alice > bob    200 INVITE call=1 [audio 49170]
    bob > alice    ACK b a call=1
  )"));
}

TEST(Rfc5359, Section2_3_MusicOnHold) {
  // Bob sends Alice's offer on to a music server, and the server's answer to her: media comes from elsewhere.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1
    alice > bob    200 INVITE call=1 [audio 49170]
    bob > alice    ACK b a call=1 [audio 50000@relay]
        bind alice:49170-49171 relay,bob 300 answer
        open relay:50000-50001 alice 300 answer
        close bob:3456-3457 replaced
    relay ~> alice:49170
        passes
    bob > alice    INVITE b a call=1
    alice > bob    200 INVITE call=1 [audio 49170]
    bob > alice    ACK b a call=1 [audio 3456]
        bind alice:49170-49171 bob 300 answer
        open bob:3456-3457 alice 300 answer
        close relay:50000-50001 replaced
  )"));
}

TEST(Rfc5359, Section2_4_TransferUnattended) {
  // Bob refers Alice to Dave and leaves: REFER and NOTIFY open nothing, the new call shares Alice's port.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    REFER b a call=1
    alice > bob    202 REFER call=1
    bob > alice    BYE b a call=1
    alice > bob    200 BYE call=1
        close alice:49170-49171 bye
        close bob:3456-3457 bye
    alice > dave   INVITE a2 call=2 [audio 49170]
        open alice:49170-49171 any 180 offer
    alice > bob    NOTIFY a b call=1
    dave > alice   200 INVITE d call=2 [audio 48600]
        bind alice:49170-49171 dave 300 answer
        open dave:48600-48601 alice 300 answer
    alice > dave   ACK a2 d call=2
  )"));
}

TEST(Rfc5359, Section2_5_TransferAttended) {
  // Bob has both Alice and Dave; Alice's INVITE to Dave replaces his call with Bob (RFC 3891).
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1 [audio 3456 sendonly]
    alice > bob    200 INVITE call=1 [audio 49170 recvonly]
    bob > alice    ACK b a call=1
    bob > alice    REFER b a call=1
    alice > bob    202 REFER call=1
    alice > dave   INVITE a2 call=3 [audio 49170]
    dave > alice   200 INVITE d call=3 [audio 48600]
        bind alice:49170-49171 bob,dave 300 answer
        open dave:48600-48601 alice 300 answer
    alice > dave   ACK a2 d call=3
    alice > bob    NOTIFY a b call=1
    bob > alice    BYE b a call=1
    alice > bob    200 BYE call=1
        bind alice:49170-49171 dave 300 bye
        close bob:3456-3457 bye
    dave ~> alice:49170
        passes
  )"));
}

TEST(Rfc5359, Section2_7_ForwardingUnconditional) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    proxy > alice  181 INVITE p
    proxy > alice  180 INVITE c
    proxy > alice  200 INVITE c [audio 3456@dave]
        bind alice:49170-49171 proxy,dave 300 answer
        open dave:3456-3457 alice 300 answer
    alice > proxy  ACK a c
  )"));
}

TEST(Rfc5359, Section2_8_ForwardingBusy) {
  // The proxy inside rings phones outside, one after the other.
  EXPECT_TRUE(plays(R"(
    pbx > bob      INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    bob > pbx      486 INVITE b
        close alice:49170-49171 rejected
    pbx > bob      ACK a b cseq=1
    pbx > dave     INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    dave > pbx     200 INVITE d [audio 3456]
        bind alice:49170-49171 dave 300 answer
        open dave:3456-3457 pbx,alice 300 answer
  )"));
}

TEST(Rfc5359, Section2_9_ForwardingNoAnswer) {
  EXPECT_TRUE(plays(R"(
    pbx > bob      INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    bob > pbx      180 INVITE b
    wait 20
    pbx > bob      CANCEL
    bob > pbx      200 CANCEL
    pbx > dave     INVITE a cseq=1 [audio 49170@alice]
    bob > pbx      487 INVITE b
    dave > pbx     200 INVITE d [audio 3456]
        bind alice:49170-49171 dave 300 answer
        open dave:3456-3457 pbx,alice 300 answer
  )"));
}

TEST(Rfc5359, Section2_10_ThirdPartyIsAddedToAConference) {
  // Alice's call moves to the mixer's address; Dave is called by the mixer at Bob.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a call=1 [audio 3460]
        open bob:3460-3461 any 180 offer
    alice > bob    200 INVITE call=1 [audio 49170]
        bind bob:3460-3461 alice 300 answer
        close bob:3456-3457 replaced
    bob > alice    ACK b a call=1
    bob > carol    INVITE b2 call=2 [audio 3462]
        open bob:3462-3463 any 180 offer
    carol > bob    200 INVITE c call=2 [audio 48600]
        bind bob:3462-3463 carol 300 answer
        open carol:48600-48601 bob 300 answer
  )"));
}

TEST(Rfc5359, Section2_11_ThirdPartyJoins) {
  // Carol asks Bob to let her in (Join): he mixes, on the port that he has.
  EXPECT_TRUE(plays(call + R"(
    carol > bob    INVITE c call=2 [audio 7000]
        open carol:7000-7001 any 180 offer
    bob > carol    200 INVITE d call=2 [audio 3456]
        bind carol:7000-7001 bob 300 answer
        bind bob:3456-3457 alice,carol 300 answer
    carol > bob    ACK c d call=2
    bob > alice    INVITE b a call=1 [audio 3456]
    alice > bob    200 INVITE call=1 [audio 49170]
    bob > alice    ACK b a call=1
    carol ~> bob:3456
        passes
    alice ~> bob:3456
        passes
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        bind bob:3456-3457 carol 300 bye
        close alice:49170-49171 bye
    carol ~> bob:3456
        passes
    alice ~> bob:3456
        dropped
  )"));
}

TEST(Rfc5359, Section2_12_FindMe) {
  // One phone after the other through the gateway, the last one answers.
  EXPECT_TRUE(plays(R"(
    pbx > bob      INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    bob > pbx      180 INVITE b
    pbx > bob      CANCEL
    bob > pbx      200 CANCEL
    bob > pbx      487 INVITE b
        close alice:49170-49171 cancelled
    pbx > bob2     INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    bob2 > pbx     404 INVITE b
        close alice:49170-49171 rejected
    pbx > bob3     INVITE a cseq=1 [audio 49170@alice]
        open alice:49170-49171 any 180 offer
    bob3 > pbx     200 INVITE b [audio 3456]
        bind alice:49170-49171 bob3 300 answer
        open bob3:3456-3457 pbx,alice 300 answer
  )"));
}

TEST(Rfc5359, Section2_15_CallPark) {
  // The park server takes Bob's place in a new call to Alice, then Dave takes the server's.
  EXPECT_TRUE(plays(call + R"(
    relay > alice  INVITE p call=2 [audio 50000]
        open relay:50000-50001 any 180 offer
    alice > relay  200 INVITE a2 call=2 [audio 49170]
        bind relay:50000-50001 alice 300 answer
        bind alice:49170-49171 relay,bob 300 answer
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        bind alice:49170-49171 relay 300 bye
        close bob:3456-3457 bye
    dave > alice   INVITE d call=3 [audio 3456]
        open dave:3456-3457 any 180 offer
    alice > dave   200 INVITE a3 call=3 [audio 49170]
        bind dave:3456-3457 alice 300 answer
        bind alice:49170-49171 relay,dave 300 answer
    alice > relay  BYE a2 p call=2
    relay > alice  200 BYE call=2
        bind alice:49170-49171 dave 300 bye
        close relay:50000-50001 bye
  )"));
}

TEST(Rfc5359, Section2_16_CallPickup) {
  // Dave takes over a call that still rings: Alice's INVITE is cancelled when his has replaced it.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    180 INVITE b call=1
    dave > alice   INVITE d call=2 [audio 3456]
        open dave:3456-3457 any 180 offer
    alice > dave   200 INVITE a2 call=2 [audio 49172]
        bind dave:3456-3457 alice 300 answer
        open alice:49172-49173 dave 300 answer
    alice > bob    CANCEL call=1
    bob > alice    200 CANCEL call=1
    bob > alice    487 INVITE b call=1
        close alice:49170-49171 cancelled
  )"));
}

TEST(Rfc5359, Section2_18_ClickToDial) {
  // RFC 3725 flow I: a controller inside calls both with late offers and passes the descriptions on.
  EXPECT_TRUE(plays(R"(
    pbx > bob      INVITE x call=1
    bob > pbx      200 INVITE b call=1 [audio 3456]
        open bob:3456-3457 any 180 offer
    pbx > dave     INVITE y call=2 [audio 3456@bob]
    dave > pbx     200 INVITE d call=2 [audio 48600]
        bind bob:3456-3457 dave 300 answer
        open dave:48600-48601 pbx,bob 300 answer
    pbx > dave     ACK y d call=2
    pbx > bob      ACK x b call=1 [audio 48600@dave]
        bind bob:3456-3457 pbx,dave 300 answer
  )"));
}

}  // namespace
}  // namespace dpinholer::test
