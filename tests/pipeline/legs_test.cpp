// SPDX-License-Identifier: GPL-2.0-or-later
// The same dialog on several address pairs (calls.md section 2).
#include <gtest/gtest.h>

#include "pipeline/flow.h"

namespace dpinholer::test {
namespace {

TEST(Legs, AHairpinnedCallWhoseRelayRewritesTheSdp) {
  // Phone, gateway, proxy outside, gateway again, phone: a relay beside the proxy is in the media path.
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  180 INVITE b
    carol > proxy > alice  200 INVITE b [audio 31000] [audio 50010@relay]
        bind relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    alice > proxy > carol  ACK a b
    relay ~> alice:30000
        passes
    carol ~> alice:30000
        dropped
    alice > proxy > carol  INVITE a b [audio 30010] [audio 50020@relay]
        open alice:30010-30011 any 180 offer
        open relay:50020-50021 any 180 offer
    carol > proxy > alice  200 INVITE [audio 31000] [audio 50010@relay]
        bind relay:50020-50021 carol 300 answer
        close relay:50000-50001 replaced
        bind alice:30010-30011 proxy,relay 300 answer
        close alice:30000-30001 replaced
    carol > proxy > alice  BYE b a
    alice > proxy > carol  200 BYE
        close alice:30010-30011 bye
        close relay:50010-50011 bye
        close relay:50020-50021 bye
        close carol:31000-31001 bye
  )"));
}

TEST(Legs, EachEndsByItself) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  200 INVITE b [audio 31000] [audio 50010@relay]
        bind relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    # the proxy answers one BYE itself, the other phone is gone
    alice > proxy > carol  BYE a b
    proxy > alice          200 BYE
        close alice:30000-30001 bye
        close relay:50010-50011 bye
    wait 31
    wait 1
        @32 close relay:50000-50001 bye
        @32 close carol:31000-31001 bye
  )"));
}

TEST(Legs, ARefusalOnOneDoesNotEndTheOther) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy          486 INVITE b
        close relay:50000-50001 rejected
    # the proxy tries voice mail
    proxy > alice          200 INVITE v [audio 50030@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50030-50031 alice 300 answer
    alice > proxy          ACK a v
  )"));
}

TEST(Legs, TwoPhonesBehindOnePublicAddress) {
  // Both phones are 203.0.113.5 to the proxy inside; which of them sends is known from the tags.
  EXPECT_TRUE(plays(R"(
    bob > pbx > bob        INVITE a [audio 40000] [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    bob > pbx > bob        180 INVITE b
    bob > pbx > bob        200 INVITE b [audio 41000] [audio 41000@bob]
        bind bob:40000-40001 bob 300 answer
        open bob:41000-41001 pbx,bob 300 answer
        bind bob:40000-40001 pbx,bob 300 answer
    bob > pbx > bob        ACK a b
    bob > pbx > bob        INVITE b a [audio 41010]
        open bob:41010-41011 any 180 offer
    bob > pbx > bob        200 INVITE [audio 40000]
        bind bob:41010-41011 bob 300 answer
        bind bob:41010-41011 pbx,bob 300 answer
        close bob:41000-41001 replaced
    bob > pbx > bob        BYE b a
    bob > pbx > bob        200 BYE
        bind bob:40000-40001 bob 300 bye
        close bob:40000-40001 bye
        close bob:41010-41011 bye
  )"));
}

TEST(Legs, TwoPhonesBehindOnePublicAddressWithARelay) {
  EXPECT_TRUE(plays(R"(
    bob > pbx > bob        INVITE a [audio 40000] [audio 50000@pbx]
        open bob:40000-40001 any 180 offer
        open pbx:50000-50001 any 180 offer
    bob > pbx > bob        200 INVITE b [audio 41000] [audio 50010@pbx]
        bind pbx:50000-50001 bob 300 answer
        open bob:41000-41001 pbx 300 answer
        bind bob:40000-40001 pbx 300 answer
        open pbx:50010-50011 bob 300 answer
    bob > pbx              BYE b a
    pbx > bob              BYE b a cseq=1
    bob > pbx              200 BYE
        close bob:40000-40001 bye
        close pbx:50010-50011 bye
    pbx > bob              200 BYE
        close pbx:50000-50001 bye
        close bob:41000-41001 bye
  )"));
}

TEST(Legs, ADirectByeEndsAllLegs) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  200 INVITE b [audio 31000] [audio 50010@relay]
        bind relay:50000-50001 carol 300 answer
        open carol:31000-31001 proxy,relay 300 answer
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    alice > carol          ACK a b
    carol > alice          BYE b a
    alice > carol          200 BYE
        close relay:50000-50001 bye
        close carol:31000-31001 bye
        close alice:30000-30001 bye
        close relay:50010-50011 bye
  )"));
}

TEST(Legs, ADirectByeWithoutAResponseProvesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
    wait 40
    alice ~> bob:40000
        passes
  )"));
}

TEST(Legs, ADirectByeThatIsRefusedEndsNothing) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    BYE a b
    bob > alice    403 BYE
    wait 40
    alice ~> bob:40000
        passes
  )"));
}

TEST(Legs, ADirectAckAnswersALateOffer) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a
    proxy > alice  200 INVITE b [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 proxy,bob 300 answer
        bind bob:40000-40001 alice 300 answer
    wait 200
    mallory ~> bob:40000
        dropped
  )"));
}

TEST(Legs, ADirectPrackAnswersAndADirectPrackOffers) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a
    proxy > alice  183 INVITE b rel=1 [audio 40000@bob]
        open bob:40000-40001 any 180 offer
    alice > bob    PRACK a b [audio 30000]
        open alice:30000-30001 proxy,bob 300 answer
        bind bob:40000-40001 alice 300 answer
    bob > alice    200 PRACK
    proxy > alice  180 INVITE b rel=2
    alice > bob    PRACK a b rack=2 [audio 30000, video 30002]
        open alice:30002-30003 any video 180 offer
    bob > alice    200 PRACK [audio 40000, video 40002]
        bind alice:30000-30001 bob 300 answer
        bind alice:30002-30003 bob video 300 answer
        open bob:40002-40003 alice video 300 answer
    proxy > alice  200 INVITE b
  )"));
}

TEST(Legs, ADirectReInviteTakesOver) {
  // Hairpinned at first, then the phones go directly: what the relayed legs opened closes with the answer.
  EXPECT_TRUE(plays(R"(
    alice > proxy > bob    INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    bob > proxy > alice    200 INVITE b [audio 40000] [audio 50010@relay]
        bind relay:50000-50001 bob 300 answer
        open bob:40000-40001 proxy,relay 300 answer
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50010-50011 alice 300 answer
    alice > bob            INVITE a b [audio 30000]
    bob > alice            200 INVITE [audio 40010]
        bind alice:30000-30001 bob 300 answer
        open bob:40010-40011 alice 300 answer
        close relay:50000-50001 replaced
        close bob:40000-40001 replaced
        close relay:50010-50011 replaced
    alice > bob            ACK a b
    alice > bob            BYE a b
    bob > alice            200 BYE
        close alice:30000-30001 bye
        close bob:40010-40011 bye
  )"));
}

TEST(Legs, ADirectReInviteTakesOverWithALateOfferToo) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 50000@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50000-50001 alice 300 answer
    alice > bob    INVITE a b
    bob > alice    200 INVITE [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    ACK a b [audio 30000]
        bind alice:30000-30001 bob 300 answer
        bind bob:40010-40011 alice 300 answer
        close relay:50000-50001 replaced
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40010-40011 bye
  )"));
}

TEST(Legs, ADirectReInviteThatIsRefusedLeavesTheOlderLegs) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 50000@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50000-50001 alice 300 answer
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    488 INVITE
        close alice:30010-30011 rejected
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close relay:50000-50001 bye
  )"));
}

TEST(Legs, AByeWhileADirectReInviteIsOut) {
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 50000@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50000-50001 alice 300 answer
    alice > bob    INVITE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close relay:50000-50001 bye
        close alice:30010-30011 bye
    bob > alice    487 INVITE
  )"));
}

TEST(Legs, ADirectUpdateWithoutAnOfferTakesOverNothing) {
  // RFC 4028 section 7.4: UPDATE refreshes without a description; the BYE comes the same way.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b expires=200 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    wait 150
    alice > bob    UPDATE a b
    bob > alice    200 UPDATE expires=200
    wait 150
    alice ~> bob:40000
        passes
    wait 50
        @350 close alice:30000-30001 session-expired
        @350 close bob:40000-40001 session-expired
  )"));
}

TEST(Legs, ADirectUpdateInAnEarlyDialog) {
  const std::string early = R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b rel=1 [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
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
  )";
  EXPECT_TRUE(plays(early + R"(
    proxy > alice  200 INVITE b [audio 40000@bob]
    alice > bob    ACK a b
    wait 200
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30010-30011 bye
        close bob:40010-40011 bye
  )"));
  EXPECT_TRUE(plays(early + R"(
    proxy > alice  486 INVITE b
        close alice:30010-30011 rejected
        close bob:40010-40011 rejected
  )"));
  EXPECT_TRUE(plays(early + R"(
    wait 179
    wait 1
        @180 close alice:30010-30011 early-timeout
        @180 close bob:40010-40011 early-timeout
  )"));
}

TEST(Legs, APhoneThatRoams) {
  // Each re-INVITE comes from a new address; the legs that it leaves behind are forgotten.
  std::string flow = R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  200 INVITE b [audio 50000@relay]
        bind alice:30000-30001 proxy,relay 300 answer
        open relay:50000-50001 alice 300 answer
)";
  std::string previous = "alice";
  for (int host = 100; host < 150; ++host) {
    const std::string phone = "192.0.2." + std::to_string(host);
    flow += phone + " > proxy  INVITE a b [audio 30000]\n open " + phone + ":30000-30001 any 180 offer\n";
    flow += "proxy > " + phone + "  200 INVITE [audio 50000@relay]\n bind " + phone +
            ":30000-30001 proxy,relay 300 answer\n bind relay:50000-50001 " + phone + " 300 answer\n close " +
            previous + ":30000-30001 replaced\n wait 60\n";
    previous = phone;
  }
  EXPECT_TRUE(plays(flow));
}

}  // namespace
}  // namespace dpinholer::test
