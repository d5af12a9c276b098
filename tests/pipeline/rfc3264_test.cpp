// SPDX-License-Identifier: GPL-2.0-or-later
// Modifying a running session, RFC 3264 section 8, and the examples of section 10.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

FlowOptions narrow() {
  FlowOptions options;
  options.settings.negotiation.hold_narrow = true;
  return options;
}

const std::string call = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string video_call = R"(
    alice > bob    INVITE a [audio 30000, video 30002]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    200 INVITE b [audio 40000, video 40002]
        bind alice:30000-30001 bob 300 answer
        bind alice:30002-30003 bob video 300 answer
        open bob:40000-40001 alice 300 answer
        open bob:40002-40003 alice video 300 answer
    alice > bob    ACK a b
)";

TEST(Rfc3264, Section8_TheUnchangedDescription) {
  EXPECT_TRUE(plays(video_call + R"(
    bob > alice    INVITE b a [audio 40000, video 40002]
    alice > bob    200 INVITE [audio 30000, video 30002]
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_AnOfferThatIsRefusedChangesNothing) {
  EXPECT_TRUE(plays(video_call + R"(
    bob > alice    INVITE b a [audio 40010, video 0, text 40012]
        open bob:40010-40011 any 180 offer
        open bob:40012-40013 any text 180 offer
    alice > bob    488 INVITE
        close bob:40010-40011 rejected
        close bob:40012-40013 text rejected
    bob > alice    ACK b a
    alice ~> bob:40002
        passes
    alice ~> bob:40010
        dropped
  )"));
}

TEST(Rfc3264, Section8_1_AStreamIsAddedBelow) {
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a [audio 40000, video 40002]
        open bob:40002-40003 any video 180 offer
    alice > bob    200 INVITE [audio 30000, video 30002]
        open alice:30002-30003 bob video 300 answer
        bind bob:40002-40003 alice video 300 answer
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_1_AStreamIsAddedAndDeclined) {
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a [audio 40000, video 40002]
        open bob:40002-40003 any video 180 offer
    alice > bob    200 INVITE [audio 30000, video 0]
        close bob:40002-40003 video replaced
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_1_AStreamTakesTheSlotOfADisabledOne) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, video 30002]
        open alice:30000-30001 any 180 offer
        open alice:30002-30003 any video 180 offer
    bob > alice    200 INVITE b [audio 40000, video 0]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
        close alice:30002-30003 video replaced
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 30000, text 30004]
        open alice:30004-30005 any text 180 offer
    bob > alice    200 INVITE [audio 40000, text 40004]
        bind alice:30004-30005 bob text 300 answer
        open bob:40004-40005 alice text 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc3264, Section8_2_AStreamIsRemoved) {
  EXPECT_TRUE(plays(video_call + R"(
    alice > bob    INVITE a b [audio 30000, video 0]
    bob ~> alice:30002
        passes
    bob > alice    200 INVITE [audio 40000, video 0]
        close alice:30002-30003 video replaced
        close bob:40002-40003 video replaced
    alice > bob    ACK a b
    bob ~> alice:30002
        dropped
    alice ~> bob:40002
        dropped
  )"));
}

TEST(Rfc3264, Section8_2_TheFirstStreamIsRemoved) {
  EXPECT_TRUE(plays(video_call + R"(
    alice > bob    INVITE a b [audio 0, video 30002]
    bob > alice    200 INVITE [audio 0, video 40002]
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
    bob ~> alice:30002
        passes
  )"));
}

TEST(Rfc3264, Section8_2_AllAreRemovedAndComeBack) {
  EXPECT_TRUE(plays(video_call + R"(
    alice > bob    INVITE a b [audio 0, video 0]
    bob > alice    200 INVITE [audio 0, video 0]
        close alice:30000-30001 replaced
        close alice:30002-30003 video replaced
        close bob:40000-40001 replaced
        close bob:40002-40003 video replaced
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 40000, video 0]
        open bob:40000-40001 any 180 offer
    alice > bob    200 INVITE [audio 30000, video 0]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_3_1_MediaComesToTheOldAndTheNewPortUntilTheAnswer) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob ~> alice:30000
        passes
    bob ~> alice:30010
        passes
    mallory ~> alice:30000
        dropped
    bob > alice    200 INVITE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    alice > bob    ACK a b
    bob ~> alice:30010
        passes
    mallory ~> alice:30010
        dropped
  )"));
}

TEST(Rfc3264, Section8_3_1_ToAnotherHost) {
  // The answerer's port is bound to where the media will come from now, and to where the signalling does.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000@alice2]
        open alice2:30000-30001 any 180 offer
    alice ~> bob:40000
        passes
    bob > alice    200 INVITE [audio 40000]
        bind alice2:30000-30001 bob 300 answer
        bind bob:40000-40001 alice,alice2 300 answer
        close alice:30000-30001 replaced
    alice > bob    ACK a b
    alice2 ~> bob:40000
        passes
  )"));
}

TEST(Rfc3264, Section8_3_1_BothMoveAtOnce) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30010@alice2]
        open alice2:30010-30011 any 180 offer
    bob > alice    200 INVITE [audio 40010@bob2]
        bind alice2:30010-30011 bob,bob2 300 answer
        open bob2:40010-40011 alice,alice2 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    alice > bob    ACK a b
    bob2 ~> alice2:30010
        passes
    alice2 ~> bob2:40010
        passes
    bob ~> alice:30000
        dropped
  )"));
}

TEST(Rfc3264, Section8_3_1_StreamsSwapTheirPorts) {
  EXPECT_TRUE(plays(video_call + R"(
    alice > bob    INVITE a b [audio 30002, video 30000]
    bob > alice    200 INVITE [audio 40000, video 40002]
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
    bob ~> alice:30002
        passes
  )"));
}

TEST(Rfc3264, Section8_3_2_8_3_4_OtherFormatsAndAttributes) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000 ptime:20 rtpmap:97_iLBC/8000]
    bob > alice    200 INVITE [audio 40000 ptime:20 rtpmap:97_iLBC/8000]
    alice > bob    ACK a b
  )"));
}

TEST(Rfc3264, Section8_3_3_AnotherMediaType) {
  // From audio to fax on a new port: no RTCP, so one pinhole for two.
  EXPECT_TRUE(plays(call + R"(
    bob > alice    INVITE b a [image 40010 UDP/UDPTL]
        open bob:40010 any image 180 offer
    alice > bob    200 INVITE [image 30010 UDP/UDPTL]
        open alice:30010 bob image 300 answer
        bind bob:40010 alice image 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_3_3_AnotherMediaTypeOnTheSamePort) {
  EXPECT_TRUE(plays(video_call + R"(
    bob > alice    INVITE b a [audio 40000, text 40002]
    alice > bob    200 INVITE [audio 30000, text 30002]
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_4_HoldByOneThenByBothAndBack) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000 sendonly]
    bob > alice    200 INVITE [audio 40000 recvonly]
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 40000 inactive]
    alice > bob    200 INVITE [audio 30000 inactive]
    bob > alice    ACK b a
    alice > bob    INVITE a b [audio 30000 recvonly]
    bob > alice    200 INVITE [audio 40000 sendonly]
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 40000]
    alice > bob    200 INVITE [audio 30000]
    bob > alice    ACK b a
  )"));
}

TEST(Rfc3264, Section8_4_HoldByOneThenByBothAndBackNarrow) {
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000 sendonly]
    bob > alice    200 INVITE [audio 40000 recvonly]
        close alice:30000 held
    alice > bob    ACK a b
    alice ~> bob:40000
        passes
    bob ~> alice:30000
        dropped
    bob > alice    INVITE b a [audio 40000 inactive]
    alice > bob    200 INVITE [audio 30000 inactive]
        close bob:40000 held
    bob > alice    ACK b a
    alice ~> bob:40000
        dropped
    alice ~> bob:40001
        passes
    alice > bob    INVITE a b [audio 30000 recvonly]
        open alice:30000 any 180 offer
    bob > alice    200 INVITE [audio 40000 sendonly]
        bind alice:30000 bob 300 answer
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        dropped
    bob > alice    INVITE b a [audio 40000]
        open bob:40000 any 180 offer
    alice > bob    200 INVITE [audio 30000]
        bind bob:40000 alice 300 answer
    bob > alice    ACK b a
    alice ~> bob:40000
        passes
  )",
                    narrow()));
}

TEST(Rfc3264, Section8_4_OfTwoStreamsOneIsOnHold) {
  EXPECT_TRUE(plays(video_call + R"(
    alice > bob    INVITE a b [audio 30000, video 30002 inactive]
    bob > alice    200 INVITE [audio 40000, video 40002 inactive]
        close alice:30002 video held
        close bob:40002 video held
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
    bob ~> alice:30002
        dropped
    bob ~> alice:30003
        passes
  )",
                    narrow()));
}

TEST(Rfc3264, Section8_4_TheOldHold) {
  // c=0.0.0.0: nowhere to send to; RFC 3264 still wants it understood.
  EXPECT_TRUE(plays(call + R"(
    alice > bob    INVITE a b [audio 30000@0.0.0.0]
    bob > alice    200 INVITE [audio 40000]
        close alice:30000-30001 replaced
    alice > bob    ACK a b
    alice ~> bob:40000
        passes
    bob ~> alice:30000
        dropped
    alice > bob    INVITE a b [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE [audio 40000]
        bind alice:30000-30001 bob 300 answer
    alice > bob    ACK a b
    bob ~> alice:30000
        passes
  )"));
}

TEST(Rfc3264, Section10_1_BasicExchange) {
  // One of two videos declined; then Bob moves his audio and adds a stream for tones.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372, video 53000]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
        open alice:53000-53001 any video 180 offer
    bob > alice    200 INVITE b [audio 49920, video 0, video 53000]
        bind alice:49170-49171 bob 300 answer
        bind alice:53000-53001 bob video 300 answer
        open bob:49920-49921 alice 300 answer
        open bob:53000-53001 alice video 300 answer
        close alice:51372-51373 video replaced
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 65422, video 0, video 53000, audio 51434 recvonly]
        open bob:65422-65423 any 180 offer
        open bob:51434-51435 any 180 offer
    alice > bob    200 INVITE [audio 49170, video 0, video 53000, audio 53122 sendonly]
        open alice:53122-53123 bob 300 answer
        bind bob:65422-65423 alice 300 answer
        bind bob:51434-51435 alice 300 answer
        close bob:49920-49921 replaced
    bob > alice    ACK b a
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:49170-49171 bye
        close alice:53000-53001 video bye
        close alice:53122-53123 bye
        close bob:65422-65423 bye
        close bob:53000-53001 video bye
        close bob:51434-51435 bye
  )"));
}

TEST(Rfc3264, Section10_2_OneOfNCodecs) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 62986]
        open alice:62986-62987 any 180 offer
    bob > alice    200 INVITE b [audio 54344]
        bind alice:62986-62987 bob 300 answer
        open bob:54344-54345 alice 300 answer
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 62986]
    bob > alice    200 INVITE [audio 54344]
    alice > bob    ACK a b
  )"));
}

}  // namespace
}  // namespace dpinholer::test
