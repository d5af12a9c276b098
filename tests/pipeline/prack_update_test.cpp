// SPDX-License-Identifier: GPL-2.0-or-later
// Offers and answers before the call is answered (RFC 3262, RFC 3311, RFC 6337 section 2).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(OfferAnswerPatterns, Pattern1_OfferInInviteAnswerIn2xx) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
  )"));
}

TEST(OfferAnswerPatterns, Pattern2_OfferIn2xxAnswerInAck) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    180 INVITE b
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
  )"));
}

TEST(OfferAnswerPatterns, Pattern3_OfferInInviteAnswerInReliable1xx) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(OfferAnswerPatterns, Pattern4_OfferInReliable1xxAnswerInPrack) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    183 INVITE b rel=1 [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    PRACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob > alice    200 PRACK
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(OfferAnswerPatterns, Pattern5_OfferInPrackAnswerIn2xxToPrack) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    200 PRACK [audio 40000, video 40002]
        bind alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(OfferAnswerPatterns, Pattern6_OfferInUpdateAnswerIn2xxToUpdate) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE [audio 40000]
        bind alice:30010-30011 bob 300 answer
        close alice:30000-30001 replaced
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(EarlyUpdate, FromTheCallee) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    bob > alice    UPDATE b a [audio 40020@bob2]
        open bob2:40020-40021 any 180 offer
    alice > bob    200 UPDATE [audio 30000]
        bind alice:30000-30001 bob,bob2 300 answer
        bind bob2:40020-40021 alice 300 answer
        close bob:40000-40001 replaced
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(EarlyUpdate, TheAnswerToTheInviteIsOldAfterwards) {
  // Phones repeat their first answer, or say what holds now, in the 200: neither answers the INVITE's offer,
  // whose ports have been replaced (RFC 3261 section 13.2.1: only the first answer counts).
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    200 UPDATE [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close alice:30000-30001 replaced
        close bob:40000-40001 replaced
    bob > alice    180 INVITE b [audio 40000]
    bob > alice    200 INVITE b [audio 40010]
    alice > bob    ACK a b
  )"));
}

TEST(EarlyUpdate, RefusedLeavesTheEarlySession) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    504 UPDATE
        close alice:30010-30011 rejected
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(EarlyUpdate, OfOneForkIsNotThatOfAnother) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b1 rel=1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > alice  183 INVITE b2 rel=1 [audio 41000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:41000-41001 alice 300 answer
    alice > proxy  UPDATE a b1 [audio 30010]
        open alice:30010-30011 any 180 offer
    proxy > alice  200 UPDATE [audio 40000@bob]
        bind alice:30010-30011 proxy,bob 300 answer
        bind alice:30000-30001 proxy,bob2 300 answer
    proxy > alice  200 INVITE b2
    wait 32
        @32 close alice:30010-30011 fork
        @32 close bob:40000-40001 fork
  )"));
}

TEST(EarlyUpdate, PreconditionsOfRfc3312) {
  // RFC 3312 section 13.1: both sides reserve, the caller confirms by UPDATE, then it rings.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000 curr:qos_e2e_none des:qos_mandatory_e2e_sendrecv]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000 curr:qos_e2e_none des:qos_mandatory_e2e_sendrecv]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b
    bob > alice    200 PRACK
    alice > bob    UPDATE a b [audio 30000 curr:qos_e2e_send des:qos_mandatory_e2e_sendrecv]
    bob > alice    200 UPDATE [audio 40000 curr:qos_e2e_sendrecv des:qos_mandatory_e2e_sendrecv]
    bob > alice    180 INVITE b rel=2
    alice > bob    PRACK a b rack=2
    bob > alice    200 PRACK
    bob > alice    200 INVITE b
    alice > bob    ACK a b
  )"));
}

TEST(Prack, RefusedTakesBackWhatItOffered) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    183 INVITE b rel=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    PRACK a b [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    488 PRACK
        close alice:30002-30003 video rejected
  )"));
}

TEST(Prack, AnswersTheOfferOfItsOwnResponseOnly) {
  // An INVITE without an offer, forked: each early dialog makes its own.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a
    proxy > alice  183 INVITE b1 rel=1 [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    proxy > alice  183 INVITE b2 rel=1 [audio 41000@bob2]
        open bob2:41000-41001 any 180 offer
    alice > proxy  PRACK a b1 [audio 30000]
        open alice:30000-30001 proxy,bob 300 answer
        bind bob:40000-40001 alice 300 answer
    proxy > alice  200 PRACK
    alice > proxy  PRACK a b2 [audio 30010]
        open alice:30010-30011 proxy,bob2 300 answer
        bind bob2:41000-41001 alice 300 answer
    proxy > alice  200 PRACK
    proxy > alice  200 INVITE b1
    wait 32
        @32 close alice:30010-30011 fork
        @32 close bob2:41000-41001 fork
  )"));
}

TEST(Prack, AnUnreliableResponseOffersNothing) {
  // RFC 3261 section 13.2.1: the offer must be in a reliable response. What a 183 announces before is a hint.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    183 INVITE b [audio 40000]
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
  )"));
}

}  // namespace
}  // namespace dpinholer::test
