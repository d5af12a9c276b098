// SPDX-License-Identifier: GPL-2.0-or-later
// The SIP side of the call flows of RFC 3666, between phones and gateways of the telephone network, with the
// ports of their SDPs.
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Rfc3666, Section2_1_SipToIsup) {
  // The 183 brings ringing tone and announcements from the gateway; the 200 repeats its answer.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  407 INVITE p
        close alice:49172-49173 rejected
    alice > proxy  ACK a p
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  183 INVITE g [audio 3456@gateway]
        bind alice:49172-49173 proxy,gateway 300 answer
        open gateway:3456-3457 alice 300 answer
    gateway ~> alice:49172
        passes
    mallory ~> alice:49172
        dropped
    proxy > alice  200 INVITE g [audio 3456@gateway]
    alice > proxy  ACK a g
    alice > proxy  BYE a g
    proxy > alice  200 BYE
        close alice:49172-49173 bye
        close gateway:3456-3457 bye
  )"));
}

TEST(Rfc3666, Section2_2_SipToIsdn) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  180 INVITE g [audio 3456@gateway]
        bind alice:49172-49173 proxy,gateway 300 answer
        open gateway:3456-3457 alice 300 answer
    proxy > alice  200 INVITE g [audio 3456@gateway]
    alice > proxy  ACK a g
    proxy > alice  BYE g a
    alice > proxy  200 BYE
        close alice:49172-49173 bye
        close gateway:3456-3457 bye
  )"));
}

TEST(Rfc3666, Section2_3_SipToIsupWithOverflow) {
  // The proxy is inside with Alice: the first gateway has no circuit, the second takes the call.
  EXPECT_TRUE(plays(R"(
    pbx > gateway   INVITE a [audio 49172@alice]
        open alice:49172-49173 any 180 offer
    gateway > pbx   503 INVITE g
        close alice:49172-49173 rejected
    pbx > gateway   ACK a g
    pbx > gateway2  INVITE a cseq=1 [audio 49172@alice]
        open alice:49172-49173 any 180 offer
    gateway2 > pbx  183 INVITE h [audio 3456]
        bind alice:49172-49173 gateway2 300 answer
        open gateway2:3456-3457 pbx,alice 300 answer
    gateway2 > pbx  200 INVITE h [audio 3456]
    pbx > gateway2  ACK a h
    pbx > gateway2  BYE a h
    gateway2 > pbx  200 BYE
        close alice:49172-49173 bye
        close gateway2:3456-3457 bye
  )"));
}

TEST(Rfc3666, Section2_5_UnsuccessfulWithTreatmentFromThePstn) {
  // A tone or announcement in early media tells that the call failed; the caller gives up.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  183 INVITE g [audio 3456@gateway]
        bind alice:49172-49173 proxy,gateway 300 answer
        open gateway:3456-3457 alice 300 answer
    gateway ~> alice:49172
        passes
    wait 20
    alice > proxy  CANCEL
    proxy > alice  200 CANCEL
    proxy > alice  487 INVITE g
        close alice:49172-49173 cancelled
        close gateway:3456-3457 cancelled
    alice > proxy  ACK a g
  )"));
}

TEST(Rfc3666, Section2_6_UnsuccessfulWithReleaseFromThePstn) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  100 INVITE
    proxy > alice  404 INVITE g
        close alice:49172-49173 rejected
    alice > proxy  ACK a g
  )"));
}

TEST(Rfc3666, Section2_7_UnsuccessfulAnswerTimeout) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 49172]
        open alice:49172-49173 any 180 offer
    proxy > alice  183 INVITE g [audio 3456@gateway]
        bind alice:49172-49173 proxy,gateway 300 answer
        open gateway:3456-3457 alice 300 answer
    wait 170
    gateway ~> alice:49172
        passes
    wait 100
    proxy > alice  480 INVITE g
        close alice:49172-49173 rejected
        close gateway:3456-3457 rejected
    alice > proxy  ACK a g
  )"));
}

TEST(Rfc3666, Section3_1_PstnToSip) {
  EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    alice > proxy  180 INVITE a
    alice > proxy  200 INVITE a [audio 49172]
        bind gateway:3456-3457 alice 300 answer
        open alice:49172-49173 proxy,gateway 300 answer
    proxy > alice  ACK g a
    gateway ~> alice:49172
        passes
    alice > proxy  BYE a g
    proxy > alice  200 BYE
        close gateway:3456-3457 bye
        close alice:49172-49173 bye
  )"));
}

TEST(Rfc3666, Section3_2_PstnToSipFastAnswer) {
  EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    alice > proxy  200 INVITE a [audio 49172]
        bind gateway:3456-3457 alice 300 answer
        open alice:49172-49173 proxy,gateway 300 answer
    proxy > alice  ACK g a
    proxy > alice  BYE g a
    alice > proxy  200 BYE
        close gateway:3456-3457 bye
        close alice:49172-49173 bye
  )"));
}

TEST(Rfc3666, Section3_4_UnsuccessfulPstnToSip) {
  for (const std::string status : {"404", "486", "604"}) {
    SCOPED_TRACE(status);
    EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    alice > proxy  )" +
                      status + R"( INVITE a
        close gateway:3456-3457 rejected
    proxy > alice  ACK g a
  )"));
  }
}

TEST(Rfc3666, Section3_6_UnsuccessfulPstnToSipWithTones) {
  EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    alice > proxy  500 INVITE a
        close gateway:3456-3457 rejected
    proxy > alice  ACK g a
  )"));
}

TEST(Rfc3666, Section3_7_UnsuccessfulPstnToSipTimeout) {
  // No answer from the phone, the gateway gives up.
  EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    wait 20
    proxy > alice  CANCEL
    wait 32
        @52 close gateway:3456-3457 cancelled
  )"));
}

TEST(Rfc3666, Section3_9_CallerAbandonment) {
  EXPECT_TRUE(plays(R"(
    proxy > alice  INVITE g [audio 3456@gateway]
        open gateway:3456-3457 any 180 offer
    alice > proxy  180 INVITE a
    proxy > alice  CANCEL
    alice > proxy  200 CANCEL
    alice > proxy  487 INVITE a
        close gateway:3456-3457 cancelled
    proxy > alice  ACK g a
  )"));
}

TEST(Rfc3666, Section4_1_PstnToPstn) {
  // Both gateways speak SIP to the proxy inside; neither INVITE is answered before the 183 of the other.
  EXPECT_TRUE(plays(R"(
    gateway > pbx > gateway2  INVITE g [audio 3456]
        open gateway:3456-3457 any 180 offer
    gateway2 > pbx > gateway  183 INVITE h [audio 16918]
        bind gateway:3456-3457 gateway2 300 answer
        open gateway2:16918-16919 pbx,gateway 300 answer
        bind gateway:3456-3457 pbx,gateway2 300 answer
    gateway2 > pbx > gateway  200 INVITE h [audio 16918]
    gateway > pbx > gateway2  ACK g h
    gateway2 ~> gateway:3456
        passes
    gateway > pbx > gateway2  BYE g h
    gateway2 > pbx > gateway  200 BYE
        bind gateway2:16918-16919 gateway 300 bye
        close gateway:3456-3457 bye
        close gateway2:16918-16919 bye
  )"));
}

}  // namespace
}  // namespace dpinholer::test
