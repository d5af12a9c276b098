// SPDX-License-Identifier: GPL-2.0-or-later
// Trickle ICE where dialogs are more than one, or not confirmed yet (RFC 8840 sections 4.2 and 4.3). What one
// fragment does to one dialog stands in trickle_test.cpp.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Rfc8840, Section4_2_2_TheAnswererTricklesInAnEarlyDialog) {
  // Figure 3: a reliable 183, then INFO requests from both sides before the call is answered.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:8hhY rtcp-mux]
    bob > alice    183 INVITE b rel=1 [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:9uB6 rtcp-mux]
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    bob > alice    INFO b a ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_203.0.113.5_40000_typ_host]
        open bob:40000 alice 300 candidate
    alice > bob    200 INFO
    alice > bob    INFO a b ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000 bob 300 candidate
    bob > alice    200 INFO
    alice > bob    INFO a b ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host candidate:2_1_UDP_1694498815_192.0.2.11_31000_typ_srflx]
        open alice2:31000 bob 300 candidate
        bind bob:40000 alice,alice2 300 candidate
    bob > alice    200 INFO
    bob > alice    200 INVITE b
    alice > bob    ACK a b
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000 bye
        close alice2:31000 bye
        close bob:40000 bye
  )"));
}

TEST(Rfc8840, Section4_2_1_TheOffererTricklesAfterA18x) {
  // The offer has a candidate, the answer is not here yet: what trickles joins the offer, open to anybody.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000-30001 any 180 offer
    bob > alice    180 INVITE b rel=1
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    INFO a b ice[audio 9 mid:1 candidate:2_1_UDP_1694498815_192.0.2.11_31000_typ_srflx]
        open alice2:31000 any 180 candidate
    bob > alice    200 INFO
    bob > alice    200 INVITE b [audio 40000 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_203.0.113.5_40000_typ_host]
        bind alice:30000 bob 300 answer
        bind alice2:31000 bob 300 answer
        open bob:40000 alice,alice2 300 answer
        close alice:30001 replaced
    alice > bob    ACK a b
  )"));
}

TEST(Rfc8840, Section4_3_ARefusedCallTakesItsCandidatesWithIt) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:8hhY rtcp-mux]
    bob > alice    183 INVITE b rel=1 [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:9uB6 rtcp-mux]
    alice > bob    INFO a b ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000 bob 300 candidate
    bob > alice    486 INVITE b
        close alice:30000 rejected
  )"));
}

TEST(Rfc8840, EachForkHasItsOwnCandidates) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 rel=1 [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:9uB6 rtcp-mux]
        bind alice:30000 proxy 300 answer
        close alice:30001 replaced
    proxy > alice  183 INVITE b2 rel=1 [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:7xC1 rtcp-mux]
    proxy > alice  INFO b1 a ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_203.0.113.5_40000_typ_host]
        bind alice:30000 proxy,bob 300 candidate
        open bob:40000 alice 300 candidate
    proxy > alice  INFO b2 a ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_203.0.113.6_41000_typ_host]
        bind alice:30000 proxy,bob,bob2 300 candidate
        open bob2:41000 alice 300 candidate
    proxy > alice  200 INVITE b2
    wait 32
        @32 bind alice:30000 proxy,bob2 300 fork
        @32 close bob:40000 fork
  )"));
}

TEST(Rfc8840, CandidatesThatTakeADirectWay) {
  // Without Record-Route the INFO goes straight to the other phone.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:8hhY rtcp-mux]
    proxy > alice  180 INVITE b rel=1
    alice > bob    INFO a b ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000 any 180 candidate
    proxy > alice  200 INVITE b [audio 40000@bob UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_203.0.113.5_40000_typ_host]
        bind alice:30000 proxy,bob 300 answer
        open bob:40000 alice 300 answer
    bob > alice    INFO b a ice[audio 9 mid:1 candidate:2_1_UDP_1694498815_203.0.113.6_41000_typ_srflx]
        bind alice:30000 proxy,bob,bob2 300 candidate
        open bob2:41000 alice 300 candidate
  )"));
}

TEST(Rfc8840, ARestartThatIsAnsweredProvisionally) {
  // RFC 8839 section 4.4.1.1.1: new candidates for a running session. The final response may leave the answer out.
  // Which generation a fragment is for is not looked at: it counts for the running session too.
  const std::string restart = R"(
    alice > bob    UPDATE a b [audio 30000 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_192.0.2.10_30000_typ_host]
        open alice:30000-30001 any 180 offer
    bob > alice    200 UPDATE [audio 40000 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_203.0.113.5_40000_typ_host]
        bind alice:30000 bob 300 answer
        open bob:40000 alice 300 answer
        close alice:30001 replaced
    alice > bob    INVITE a b [audio 30010 UDP/TLS/RTP/SAVPF mid:1 rtcp-mux candidate:1_1_UDP_2130706432_192.0.2.10_30010_typ_host]
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE rel=1 [audio 9@0.0.0.0 UDP/TLS/RTP/SAVPF mid:1 ice-ufrag:9uB6 rtcp-mux]
        bind alice:30010 bob 300 answer
        close alice:30011 replaced
    bob > alice    INFO b a ice[audio 9 mid:1 candidate:1_1_UDP_2130706432_203.0.113.6_41000_typ_host]
        bind alice:30000 bob,bob2 300 candidate
        open bob2:41000 alice 300 candidate
        bind alice:30010 bob,bob2 300 candidate
  )";
  EXPECT_TRUE(plays(restart + R"(
    bob > alice    200 INVITE
        close alice:30000 replaced
        close bob:40000 replaced
    alice > bob    ACK a b
  )"));
  EXPECT_TRUE(plays(restart + R"(
    bob > alice    488 INVITE
        close alice:30010 rejected
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000 bye
        close bob:40000 bye
        close bob2:41000 bye
  )"));
}

}  // namespace
}  // namespace dpinholer::test
