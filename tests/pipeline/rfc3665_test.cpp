// SPDX-License-Identifier: GPL-2.0-or-later
// The call flows of RFC 3665 section 3 that cross a gateway at Alice's (or Bob's) side, with the ports of
// their SDPs. Messages that do not cross it are left out.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Rfc3665, Section2_RegistrationOpensNothing) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  REGISTER a
    proxy > alice  401 REGISTER r
    alice > proxy  REGISTER a
    proxy > alice  200 REGISTER r
  )"));
}

TEST(Rfc3665, Section3_1_SuccessfulSessionEstablishment) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 3456]
        bind alice:49172-49173 bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > bob    ACK a b
    bob ~> alice:49172
        passes
    alice ~> bob:3457
        passes
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:49172-49173 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_2_ThroughTwoProxies) {
  // At Alice's side, with the challenge of her proxy; at Bob's side.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  407 INVITE p
        close alice:49172-49173 rejected
    alice > proxy  ACK a p
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  180 INVITE b
    proxy > alice  200 INVITE b [audio 3456@bob]
        bind alice:49172-49173 proxy,bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > proxy  ACK a b
    proxy > alice  BYE b a
    alice > proxy  200 BYE
        close alice:49172-49173 bye
        close bob:3456-3457 bye
  )"));
  EXPECT_TRUE(plays(R"(
    proxy2 > carol  INVITE a [audio 49172@bob]
        open bob:49172-49173 any 180 offer
    carol > proxy2  180 INVITE b
    carol > proxy2  200 INVITE b [audio 3456]
        bind bob:49172-49173 carol 300 answer
        open carol:3456-3457 proxy2,bob 300 answer
    proxy2 > carol  ACK a b
    carol > proxy2  BYE b a
    proxy2 > carol  200 BYE
        close bob:49172-49173 bye
        close carol:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_3_MultipleProxyAuthentication) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  407 INVITE p
        close alice:49172-49173 rejected
    alice > proxy  ACK a p
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  407 INVITE q
        close alice:49172-49173 rejected
    alice > proxy  ACK a q
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  180 INVITE b
    proxy > alice  200 INVITE b [audio 3456@bob]
        bind alice:49172-49173 proxy,bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > proxy  ACK a b
    alice > proxy  BYE a b
    proxy > alice  200 BYE
        close alice:49172-49173 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_4_ProxyFailure) {
  // No answer from the first proxy: the second gets an INVITE with the same Call-ID and From tag and a higher
  // CSeq, and with that the first is given up.
  EXPECT_TRUE(plays(R"(
    alice > proxy   INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    wait 32
    alice > proxy2  INVITE a [audio 49172]
    proxy2 > alice  407 INVITE q
        close alice:49172-49173 rejected
    alice > proxy2  ACK a q
    alice > proxy2  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy2 > alice  100 INVITE
    proxy2 > alice  180 INVITE b
    proxy2 > alice  200 INVITE b [audio 3456@bob]
        bind alice:49172-49173 proxy2,bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > proxy2  ACK a b
    alice > proxy2  BYE a b
    proxy2 > alice  200 BYE
        close alice:49172-49173 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_5_ThroughASipAlg) {
  // The ALG at 192.0.2.1 relays media and rewrites the SDP; the gateway is between it and Bob.
  EXPECT_TRUE(plays(R"(
    pbx > proxy    INVITE a [audio 10202]
        open pbx:10202-10203 any 180 offer
    proxy > pbx    180 INVITE b
    proxy > pbx    200 INVITE b [audio 3456@bob]
        bind pbx:10202-10203 proxy,bob 300 answer
        open bob:3456-3457 pbx 300 answer
    pbx > proxy    ACK a b
    proxy > pbx    BYE b a
    pbx > proxy    200 BYE
        close pbx:10202-10203 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_6_RedirectAndProxyWithSdpInAck) {
  EXPECT_TRUE(plays(R"(
    alice > proxy   INVITE a
    proxy > alice   302 INVITE p
    alice > proxy   ACK a p
    alice > proxy2  INVITE a
    proxy2 > alice  180 INVITE b
    proxy2 > alice  200 INVITE b [audio 3456@bob]
        open bob:3456-3457 any 180 offer
    alice > proxy2  ACK a b [audio 49172]
        open alice:49172-49173 proxy2,bob 300 answer
        bind bob:3456-3457 alice 300 answer
    proxy2 > alice  BYE b a
    alice > proxy2  200 BYE
        close alice:49172-49173 bye
        close bob:3456-3457 bye
  )"));
}

TEST(Rfc3665, Section3_7_ReInviteChangesTheAddress) {
  // Bob moves; his re-INVITE comes straight from the new address.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  180 INVITE b
    proxy > alice  200 INVITE b [audio 3456@bob]
        bind alice:49172-49173 proxy,bob 300 answer
        open bob:3456-3457 alice 300 answer
    alice > bob    ACK a b
    bob2 > alice   INVITE b a [audio 47172]
        open bob2:47172-47173 any 180 offer
    alice > bob2   200 INVITE [audio 49172]
        bind alice:49172-49173 bob2 300 answer
        bind bob2:47172-47173 alice 300 answer
        close bob:3456-3457 replaced
    bob2 > alice   ACK b a
    alice > bob2   BYE a b
    bob2 > alice   200 BYE
        close alice:49172-49173 bye
        close bob2:47172-47173 bye
  )"));
}

TEST(Rfc3665, Section3_8_NoAnswer) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  180 INVITE b
    wait 20
    alice > proxy  CANCEL
    proxy > alice  200 CANCEL
    proxy > alice  487 INVITE b
        close alice:49172-49173 cancelled
    alice > proxy  ACK a b
  )"));
}

TEST(Rfc3665, Section3_9_Busy) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  486 INVITE b
        close alice:49172-49173 rejected
    alice > proxy  ACK a b
  )"));
}

TEST(Rfc3665, Section3_10_NoResponseFromTheUserAgent) {
  // At Bob's side six INVITEs go unanswered; at Alice's a 480 comes.
  EXPECT_TRUE(plays(R"(
    proxy2 > carol  INVITE a [audio 49172@bob]
        open bob:49172-49173 any 180 offer
    wait 180
        @180 close bob:49172-49173 early-timeout
  )"));
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    wait 32
    proxy > alice  480 INVITE b
        close alice:49172-49173 rejected
    alice > proxy  ACK a b
  )"));
}

TEST(Rfc3665, Section3_11_TemporarilyUnavailable) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  180 INVITE b
    proxy > alice  480 INVITE b
        close alice:49172-49173 rejected
    alice > proxy  ACK a b
  )"));
}

}  // namespace
}  // namespace dpinholer::test
