// SPDX-License-Identifier: GPL-2.0-or-later
// The examples of RFC 4317, exchanged by INVITE and re-INVITE, with the ports of their descriptions.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

FlowOptions narrow() {
  FlowOptions options;
  options.settings.negotiation.hold_narrow = true;
  return options;
}

TEST(Rfc4317, Section2_1_AudioAndVideo1) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49174, video 49170]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 bob video 300 answer
        open bob:49174-49175 alice 300 answer
        open bob:49170-49171 alice video 300 answer
  )"));
}

TEST(Rfc4317, Section2_2_AudioAndVideo2) {
  // Bob declines video. The audio of the second offer takes the port that video was offered on.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49172, video 0]
        bind alice:49170-49171 bob 300 answer
        open bob:49172-49173 alice 300 answer
        close alice:51372-51373 video replaced
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 51372, video 0]
        open alice:51372-51373 any 180 offer
    bob > alice    200 INVITE [audio 49172, video 0]
        bind alice:51372-51373 bob 300 answer
        close alice:49170-49171 replaced
  )"));
}

TEST(Rfc4317, Section2_3_AudioAndVideo3) {
  // Other payload types in the answer than in the offer are no business of the pinholes.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170 sendrecv rtpmap:97_iLBC/8000, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49172 sendrecv rtpmap:99_iLBC/8000, video 51374]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 bob video 300 answer
        open bob:49172-49173 alice 300 answer
        open bob:51374-51375 alice video 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc4317, Section2_4_TwoAudioStreams) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, audio 49172 sendonly]
        open alice:49170-49173 any 180 offer
    bob > alice    200 INVITE b [audio 49172, audio 49174 recvonly]
        bind alice:49170-49173 bob 300 answer
        open bob:49172-49175 alice 300 answer
  )"));
}

TEST(Rfc4317, Section2_4_TwoAudioStreamsNarrow) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, audio 49172 sendonly]
        open alice:49170-49171 any 180 offer
        open alice:49173 any 180 offer
    bob > alice    200 INVITE b [audio 49172, audio 49174 recvonly]
        bind alice:49170-49171 bob 300 answer
        bind alice:49173 bob 300 answer
        open bob:49172-49175 alice 300 answer
    alice > bob    ACK a b
    alice ~> bob:49174
        passes
    bob ~> alice:49173
        passes
    bob ~> alice:49172
        dropped
  )",
                    narrow()));
}

TEST(Rfc4317, Section2_5_AudioAndVideo4) {
  // Bob moves his media to another host.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49174, video 49170]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 bob video 300 answer
        open bob:49174-49175 alice 300 answer
        open bob:49170-49171 alice video 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49178@bob2, video 49188@bob2]
        open bob2:49178-49179 any 180 offer
        open bob2:49188-49189 any video 180 offer
    alice > bob    200 INVITE [audio 49170, video 51372]
        bind alice:49170-49171 bob,bob2 300 answer
        bind alice:51372-51373 bob,bob2 video 300 answer
        bind bob2:49178-49179 alice 300 answer
        bind bob2:49188-49189 alice video 300 answer
        close bob:49174-49175 replaced
        close bob:49170-49171 video replaced
    bob2 ~> alice:49170
        passes
    bob > alice    ACK b a
  )"));
}

TEST(Rfc4317, Section2_6_AudioOnly1) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, audio 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any 180 offer
    bob > alice    200 INVITE b [audio 0, audio 49170]
        bind alice:51372-51373 bob 300 answer
        open bob:49170-49171 alice 300 answer
        close alice:49170-49171 replaced
  )"));
}

TEST(Rfc4317, Section2_7_AudioAndVideo5) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49172, video 51374]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 bob video 300 answer
        open bob:49172-49173 alice 300 answer
        open bob:51374-51375 alice video 300 answer
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 49170, video 51372]
    bob > alice    200 INVITE [audio 49172, video 51374]
  )"));
}

TEST(Rfc4317, Section2_8_AudioAndVideo6) {
  // Audio and video at different hosts: each m-line is bound to its own.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49174, video 49172@relay]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 relay,bob video 300 answer
        open bob:49174-49175 alice 300 answer
        open relay:49172-49173 alice video 300 answer
    relay ~> alice:51372
        passes
    relay ~> alice:49170
        dropped
  )"));
}

TEST(Rfc4317, Section3_1_HoldAndUnhold1) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 49172@relay sendonly]
        bind alice:49170-49171 relay,bob 300 answer
        open relay:49172-49173 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49170]
        open bob:49170-49171 any 180 offer
    alice > bob    200 INVITE [audio 49178]
        open alice:49178-49179 bob 300 answer
        bind bob:49170-49171 alice 300 answer
        close alice:49170-49171 replaced
        close relay:49172-49173 replaced
    bob > alice    ACK b a
  )"));
}

TEST(Rfc4317, Section3_1_HoldAndUnhold1Narrow) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 49172@bob3 sendonly]
        bind alice:49170-49171 bob,bob3 300 answer
        open bob3:49173 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49170]
        open bob:49170-49171 any 180 offer
    alice > bob    200 INVITE [audio 49178]
        open alice:49178-49179 bob 300 answer
        bind bob:49170-49171 alice 300 answer
        close alice:49170-49171 replaced
        close bob3:49173 replaced
    bob > alice    ACK b a
  )",
                    narrow()));
}

TEST(Rfc4317, Section3_2_HoldWithTwoStreams) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, audio 49172 sendonly]
        open alice:49170-49173 any 180 offer
    bob > alice    200 INVITE b [audio 49172, audio 49174 recvonly]
        bind alice:49170-49173 bob 300 answer
        open bob:49172-49175 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49172 sendonly, audio 49174 recvonly]
    alice > bob    200 INVITE [audio 49170, audio 49172 sendonly]
    bob > alice    ACK b a
  )"));
}

TEST(Rfc4317, Section3_2_HoldWithTwoStreamsNarrow) {
  // The audio stream is on hold, the tones are not.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, audio 49172 sendonly]
        open alice:49170-49171 any 180 offer
        open alice:49173 any 180 offer
    bob > alice    200 INVITE b [audio 49172, audio 49174 recvonly]
        bind alice:49170-49171 bob 300 answer
        bind alice:49173 bob 300 answer
        open bob:49172-49175 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49172 sendonly, audio 49174 recvonly]
    alice > bob    200 INVITE [audio 49170, audio 49172 sendonly]
        close bob:49172 held
    bob > alice    ACK b a
    alice ~> bob:49174
        passes
    alice ~> bob:49172
        dropped
  )",
                    narrow()));
}

TEST(Rfc4317, Section4_1_SecondAudioStreamAdded) {
  // By a media server, whose RTCP Alice gets.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 49170]
        bind alice:49170-49171 bob 300 answer
        open bob:49170-49171 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49170, audio 48282@relay recvonly]
        open relay:48282-48283 any 180 offer
    alice > bob    200 INVITE [audio 49170, audio 49172 sendonly]
        open alice:49172-49173 relay,bob 300 answer
        bind relay:48282-48283 alice 300 answer
    relay ~> alice:49173
        passes
    bob > alice    ACK b a
  )"));
}

TEST(Rfc4317, Section4_1_SecondAudioStreamAddedNarrow) {
  // By Bob's media server, whose RTCP comes to Alice although her stream only sends.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 49170]
        bind alice:49170-49171 bob 300 answer
        open bob:49170-49171 alice 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49170, audio 48282@bob2 recvonly]
        open bob2:48282-48283 any 180 offer
    alice > bob    200 INVITE [audio 49170, audio 49172 sendonly]
        open alice:49173 bob,bob2 300 answer
        bind bob2:48282-48283 alice 300 answer
    bob > alice    ACK b a
    bob2 ~> alice:49173
        passes
    bob2 ~> alice:49170
        dropped
  )",
                    narrow()));
}

TEST(Rfc4317, Section4_2_AudioThenVideoAdded) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 49172]
        bind alice:49170-49171 bob 300 answer
        open bob:49172-49173 alice 300 answer
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 49170, video 49172]
        open alice:49172-49173 any video 180 offer
    bob > alice    200 INVITE [audio 49172, video 49168]
        bind alice:49172-49173 bob video 300 answer
        open bob:49168-49169 alice video 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc4317, Section4_3_AudioAndVideoThenVideoDeleted) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170, video 51372]
        open alice:49170-49171 any 180 offer
        open alice:51372-51373 any video 180 offer
    bob > alice    200 INVITE b [audio 49174, video 49170]
        bind alice:49170-49171 bob 300 answer
        bind alice:51372-51373 bob video 300 answer
        open bob:49174-49175 alice 300 answer
        open bob:49170-49171 alice video 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49174, video 0]
    alice > bob    200 INVITE [audio 49170, video 0]
        close alice:51372-51373 video replaced
        close bob:49170-49171 video replaced
    bob > alice    ACK b a
  )"));
}

TEST(Rfc4317, Section5_1_NoMediaThenAudioAdded) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a []
    bob > alice    200 INVITE b []
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE [audio 49172]
        bind alice:49170-49171 bob 300 answer
        open bob:49172-49173 alice 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc4317, Section5_2_HoldAndUnhold2) {
  // 0.0.0.0 in the offer: Alice can't be sent anything yet.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 23442@0.0.0.0]
    bob > alice    200 INVITE b [audio 49170]
        open bob:49170-49171 alice 300 answer
    alice > bob    ACK a b
    alice > bob    INVITE a b [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE [audio 49170]
        bind alice:49170-49171 bob 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(Rfc4317, Section5_3_HoldAndUnhold3) {
  // 0.0.0.0 in the answer.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49170]
        open alice:49170-49171 any 180 offer
    bob > alice    200 INVITE b [audio 9322@0.0.0.0]
        bind alice:49170-49171 bob 300 answer
    alice > bob    ACK a b
    bob > alice    INVITE b a [audio 49172]
        open bob:49172-49173 any 180 offer
    alice > bob    200 INVITE [audio 49170]
        bind bob:49172-49173 alice 300 answer
    bob > alice    ACK b a
  )"));
}

}  // namespace
}  // namespace dpinholer::test
