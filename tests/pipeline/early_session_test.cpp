// SPDX-License-Identifier: GPL-2.0-or-later
// Early media: in the session that the INVITE offers (RFC 3960 section 3, the gateway model), or in one of
// its own (RFC 3959, the application server model).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Rfc3960, Section3_TheGatewayModel) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob ~> alice:30000
        passes
    alice ~> bob:40000
        passes
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
    alice > bob    ACK a b
  )"));
}

TEST(Rfc3960, Section3_1_MediaBeforeAnyAnswer) {
  // An offerer must be ready from the moment of its offer: media may overtake the 183 (RFC 3264 section 5.1).
  EXPECT_TRUE(plays(R"(
    alice > gateway  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    gateway2 ~> alice:30000
        passes
    gateway > alice  183 INVITE b [audio 40000@gateway2]
        bind alice:30000-30001 gateway,gateway2 300 answer
        open gateway2:40000-40001 alice 300 answer
    gateway2 ~> alice:30000
        passes
    mallory ~> alice:30000
        dropped
  )"));
}

TEST(Rfc3960, AnAnnouncementAndThenARefusal) {
  EXPECT_TRUE(plays(R"(
    alice > gateway  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    gateway > alice  183 INVITE b [audio 40000]
        bind alice:30000-30001 gateway 300 answer
        open gateway:40000-40001 alice 300 answer
    wait 15
    gateway > alice  404 INVITE b
        close alice:30000-30001 rejected
        close gateway:40000-40001 rejected
  )"));
}

TEST(Rfc3960, AMediaServerFirstAndThenThePhone) {
  // Same tag, another answer: a B2BUA that plays ringing tones. The later answer stands.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b [audio 50000@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50000-50001 alice 300 answer
    proxy > alice  180 INVITE b
    proxy > alice  183 INVITE b [audio 50000@relay]
    proxy > alice  200 INVITE b [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
        close relay:50000-50001 replaced
    proxy > alice  183 INVITE b [audio 50000@relay]
  )"));
}

TEST(Rfc3959, Section6_AnEarlySessionBesideTheSession) {
  // The 183 answers the session and offers an early session of its own, which the PRACK answers. With the 2xx
  // the early session ends.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000] early[audio 50000@relay]
        bind alice:30000-30001 bob 300 offer
        open bob:40000-40001 alice 300 offer
        open relay:50000-50001 any 180 offer
    alice > bob    PRACK a b early[audio 30010]
        open alice:30010-30011 relay,bob 300 answer
        bind relay:50000-50001 alice 300 answer
    relay ~> alice:30010
        passes
    relay ~> alice:30000
        dropped
    bob > alice    200 PRACK
    bob > alice    200 INVITE b
        close alice:30010-30011 replaced
        close relay:50000-50001 replaced
    alice > bob    ACK a b
  )"));
}

TEST(Rfc3959, AnEarlySessionOfferedInTheInvite) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000] early[audio 30010]
        open alice:30000-30001 any 180 offer
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE b early[audio 50000@relay]
        bind alice:30010-30011 relay,bob 300 answer
        open relay:50000-50001 alice 300 answer
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
        close alice:30010-30011 replaced
        close relay:50000-50001 replaced
  )"));
}

TEST(Rfc3959, AnEarlySessionThatOutlivesTheAnswerOfTheSession) {
  // The session is answered first: the early offer is still open.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000] early[audio 30010]
        open alice:30000-30001 any 180 offer
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    183 INVITE b early[audio 50000@relay]
        bind alice:30010-30011 relay,bob 300 answer
        open relay:50000-50001 alice 300 answer
    bob > alice    486 INVITE b
        close alice:30000-30001 rejected
        close bob:40000-40001 rejected
        close alice:30010-30011 rejected
        close relay:50000-50001 rejected
  )"));
}

TEST(Rfc3959, NoEarlySessionInAnUnreliableResponseWithoutAnOfferOfIt) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b early[audio 50000@relay]
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
  )"));
}

TEST(Rfc3959, AnEarlySessionOfEachFork) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 rel=1 early[audio 50000@relay]
        open relay:50000-50001 any 180 offer
    alice > proxy  PRACK a b1 early[audio 30010]
        open alice:30010-30011 proxy,relay 300 answer
        bind relay:50000-50001 alice 300 answer
    proxy > alice  200 PRACK
    proxy > alice  200 INVITE b2 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    wait 32
        @32 close alice:30010-30011 fork
        @32 close relay:50000-50001 fork
  )"));
}

TEST(Rfc3959, PrackAnswersTheEarlySessionAndOffersASession) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000] early[audio 50000@relay]
        bind alice:30000-30001 bob 300 offer
        open bob:40000-40001 alice 300 offer
        open relay:50000-50001 any 180 offer
    alice > bob    PRACK a b [audio 30000, video 30002] early[audio 30010]
        open alice:30002-30003 any video 180 answer
        open alice:30010-30011 relay,bob 300 answer
        bind relay:50000-50001 alice 300 answer
    bob > alice    200 PRACK [audio 40000, video 40002]
        bind alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
    bob > alice    200 INVITE b
        close alice:30010-30011 replaced
        close relay:50000-50001 replaced
  )"));
}

TEST(Rfc3959, AnEarlySessionOfAPhoneWithoutTags) {
  // RFC 2543: its re-INVITE looks like an initial one, and is answered within the dialog that there is.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    INVITE a early[audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 INVITE [audio 40000]
        close alice:30010-30011 replaced
  )"));
}

}  // namespace
}  // namespace dpinholer::test
