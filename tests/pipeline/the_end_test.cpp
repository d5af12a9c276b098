// SPDX-License-Identifier: GPL-2.0-or-later
// Attack A30 and its kind: pinholes that an offer opened close with its call, whatever became of the offer
// (calls.md sections 2 and 3). Pinholes that a stranger opened in a call end with it, and take no room from
// it.
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/tcp.h"

namespace dpinholer::test {
namespace {

const std::string offered = R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
)";
const std::string call_is_up = offered + R"(
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string confirmed_without_an_answer = offered + R"(
    bob > alice    200 INVITE b
    alice > bob    ACK a b
)";
const std::string ended = "\n        close alice:30000-30001 bye\n";

// ---- Answered with nothing that could be used -------------------------------------------------------------

TEST(TheEnd, A30_AnAnswerThatNeverCame) {
  for (const std::string end : {"bob > alice 200 BYE", "bob > alice 481 BYE", "bob > alice 408 BYE"})
    EXPECT_TRUE(plays(confirmed_without_an_answer + "alice > bob  BYE a b\n" + end + ended));
  EXPECT_TRUE(plays(confirmed_without_an_answer + "bob > alice  BYE b a\n alice > bob  200 BYE" + ended));
  EXPECT_TRUE(plays(confirmed_without_an_answer + R"(
    alice > bob    BYE a b
    wait 32
        @32 close alice:30000-30001 bye
  )"));
}

TEST(TheEnd, A30_AnAnswerThatNeverCameOnIPv6) {
  const Host alice{"2001:db8:1::10"};
  const Host bob{"2001:db8:2::5"};
  Scenario s;
  s.send(alice, bob, {.start = "INVITE", .body = sdp({"2001:db8:1::10|audio 30000 RTP/AVP 0"})});
  s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b"});
  EXPECT_NE(s.open(), "");
  Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2};
  s.send(alice, bob, bye);
  bye.start = "200 BYE";
  s.send(bob, alice, bye);
  EXPECT_EQ(s.open(), "");
}

TEST(TheEnd, A30_AnAnswerThatCannotBeReadOrIsOverALimit) {
  for (const std::string type : {"application/pkcs7-mime", "application/sdp"}) {
    PipelineSettings settings;
    settings.negotiation.pinholes_per_call = 4;
    Scenario s(settings);
    const Host alice{"192.0.2.10"};
    const Host bob{"203.0.113.5"};
    s.send(alice, bob, {.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
    s.send(bob, alice,
           {.start = "200 INVITE",
            .to_tag = "b",
            .body = sdp({"203.0.113.5|audio 40000/9 RTP/AVP 0"}),
            .content_type = type});
    EXPECT_EQ(s.open(), "192.0.2.10:30000 any\n192.0.2.10:30001 any\n") << type;
    Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2};
    s.send(alice, bob, bye);
    bye.start = "200 BYE";
    s.send(bob, alice, bye);
    EXPECT_EQ(s.open(), "") << type;
    EXPECT_TRUE(s.pipeline().consistent());
  }
}

TEST(TheEnd, A30_AnOfferWithoutAnAnswerStaysForEarlyAtMost) {
  EXPECT_TRUE(plays(confirmed_without_an_answer + R"(
    wait 179
    wait 1
        @180 close alice:30000-30001 early-timeout
  )"));
}

TEST(TheEnd, A30_TheSessionExpires) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    200 INVITE b expires=100
    alice > bob    ACK a b
    wait 99
    wait 1
        @100 close alice:30000-30001 session-expired
  )"));
}

TEST(TheEnd, A30_Silence) {
  PipelineSettings settings;
  settings.negotiation.media_idle = base::seconds{60};
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    200 INVITE b
    alice > bob    ACK a b
    wait 60
        @60 close alice:30000-30001 idle
  )",
                    {.settings = settings}));
}

TEST(TheEnd, A30_AnEarlierAnswerOfTheDialogStands) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    183 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    200 INVITE b
    alice > bob    ACK a b
    wait 200
    bob ~> alice:30000
        passes
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(TheEnd, A30_EachLegWithItsOwnDialog) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000] [audio 50000@relay]
        open alice:30000-30001 any 180 offer
        open relay:50000-50001 any 180 offer
    carol > proxy > alice  200 INVITE b
    alice > proxy > carol  ACK a b
    carol > proxy > alice  BYE b a
    alice > proxy > carol  200 BYE
        close alice:30000-30001 bye
        close relay:50000-50001 bye
  )"));
}

TEST(TheEnd, A30_OneForkWithAnAnswerAndOneWithout) {
  EXPECT_TRUE(plays(offered + R"(
    bob > alice    200 INVITE b
    bob > alice    200 INVITE c [audio 41000]
        bind alice:30000-30001 bob 300 answer
        open bob:41000-41001 alice 300 answer
    alice > bob    ACK a b
    alice > bob    BYE a c
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:41000-41001 bye
    alice > bob    BYE a b
    bob > alice    200 BYE
  )"));
}

// ---- Offers of others than the INVITE ---------------------------------------------------------------------

TEST(TheEnd, A30_OffersInsideTheDialog) {
  const struct {
    const char* what;
    const char* offer;
  } rows[] = {
      {"re-INVITE", "alice > bob  INVITE a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
      {"UPDATE", "alice > bob  UPDATE a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
      {"PRACK", "alice > bob  PRACK a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
      {"accepted without an answer",
       "alice > bob  INVITE a b [audio 30010]\n"
       " open alice:30010-30011 any 180 offer\n bob > alice  200 INVITE\n"},
      {"a late offer",
       "bob > alice  INVITE b a\n alice > bob  200 INVITE [audio 30010]\n"
       " open alice:30010-30011 any 180 offer\n"},
      {"re-INVITE on another address pair",
       "alice > dave  INVITE a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
      {"UPDATE on another address pair",
       "alice > dave  UPDATE a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
      {"PRACK on another address pair",
       "alice > dave  PRACK a b [audio 30010]\n open alice:30010-30011 any 180 offer\n"},
  };
  for (const auto& row : rows) {
    Scenario s;
    EXPECT_TRUE(plays(call_is_up + row.offer + R"(
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
        close alice:30010-30011 bye
    )")) << row.what;
  }
}

TEST(TheEnd, A30_ALateOfferThatIsNeverAnswered) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    bob > alice    BYE b a
    alice > bob    200 BYE
        close bob:40000-40001 bye
  )"));
}

// ---- Sent again -------------------------------------------------------------------------------------------

TEST(TheEnd, A30_SentAgainOverAnotherTransport) {
  // The same address pair, another branch: the phone gave up UDP.
  EXPECT_TRUE(plays(offered + R"(
    alice > bob    INVITE a cseq=1 #again [audio 30000]
    bob > alice    200 INVITE b #again [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(TheEnd, A30_SentAgainOverTcp) {
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  const std::string offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
  Scenario s;
  s.send(alice, bob, {.start = "INVITE", .body = offer});
  TcpPair trunk({"192.0.2.10", 5070}, bob);
  s.send_packets(trunk.handshake());
  s.send_packets(trunk.from_client(to_text({.start = "INVITE", .branch = "z9hG4bKtcp", .body = offer})));
  s.send_packets(trunk.from_server(to_text({.start = "200 INVITE", .to_tag = "b", .branch = "z9hG4bKtcp"})));
  EXPECT_EQ(s.open(), "192.0.2.10:30000 any\n192.0.2.10:30001 any\n");
  Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2};
  s.send_packets(trunk.from_client(to_text(bye)));
  bye.start = "200 BYE";
  s.send_packets(trunk.from_server(to_text(bye)));
  EXPECT_EQ(s.open(), "");
  EXPECT_TRUE(s.pipeline().consistent());
}

TEST(TheEnd, A30_SentAgainToAnotherServer) {
  // Another address of the phone for the second server: the pinhole offered to the first closes.
  EXPECT_TRUE(plays(R"(
    alice > gateway   INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > gateway2  INVITE a cseq=1 [audio 30010]
        open alice:30010-30011 any 180 offer
    gateway2 > alice  200 INVITE b [audio 40000]
        bind alice:30010-30011 gateway2 300 answer
        open gateway2:40000-40001 alice 300 answer
        close alice:30000-30001 replaced
    alice > gateway2  ACK a b
    alice > gateway2  BYE a b
    gateway2 > alice  200 BYE
        close alice:30010-30011 bye
        close gateway2:40000-40001 bye
  )"));
}

TEST(TheEnd, A30_SentAgainAndNeitherAnswerCanBeUsed) {
  EXPECT_TRUE(plays(R"(
    alice > gateway   INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > gateway2  INVITE a cseq=1 [audio 30000]
    gateway2 > alice  200 INVITE b
    alice > gateway2  ACK a b
    gateway2 > alice  BYE b a
    alice > gateway2  200 BYE
        close alice:30000-30001 bye
  )"));
}

TEST(TheEnd, A30_BothForksOfAProxyPickUp) {
  // The first answer closes the pinhole that the second one's INVITE opened; its own answer opens both sides.
  EXPECT_TRUE(plays(R"(
    proxy > bob    INVITE a [audio 50000@relay]
        open relay:50000-50001 any 180 offer
    proxy > bob2   INVITE a cseq=1 [audio 50010@relay]
        open relay:50010-50011 any 180 offer
    bob > proxy    180 INVITE b
    bob2 > proxy   180 INVITE c
    bob > proxy    200 INVITE b [audio 40000]
        bind relay:50000-50001 bob 300 answer
        open bob:40000-40001 proxy,relay 300 answer
        close relay:50010-50011 replaced
    bob2 > proxy   200 INVITE c [audio 41000]
        open relay:50010-50011 bob2 300 answer
        open bob2:41000-41001 proxy,relay 300 answer
    proxy > bob2   BYE a c
    bob2 > proxy   200 BYE
        close relay:50010-50011 bye
        close bob2:41000-41001 bye
  )"));
}

TEST(TheEnd, A30_EarlyMediaOfAnotherForkEndsAfter32Seconds) {
  EXPECT_TRUE(plays(R"(
    proxy > bob    INVITE a [audio 50000@relay]
        open relay:50000-50001 any 180 offer
    proxy > bob2   INVITE a cseq=1 [audio 50010@relay]
        open relay:50010-50011 any 180 offer
    bob2 > proxy   183 INVITE c [audio 41000]
        bind relay:50010-50011 bob2 300 answer
        open bob2:41000-41001 proxy,relay 300 answer
    bob > proxy    200 INVITE b [audio 40000]
        bind relay:50000-50001 bob 300 answer
        open bob:40000-40001 proxy,relay 300 answer
    wait 32
        @32 close relay:50010-50011 fork
        @32 close bob2:41000-41001 fork
  )"));
}

TEST(TheEnd, A30_TheFirstServerIsRefusedAndTheSecondAnswers) {
  EXPECT_TRUE(plays(R"(
    alice > gateway   INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > gateway2  INVITE a cseq=1 [audio 30000]
    gateway > alice   503 INVITE x
    gateway2 > alice  200 INVITE b [audio 40000]
        bind alice:30000-30001 gateway2 300 answer
        open gateway2:40000-40001 alice 300 answer
  )"));
}

TEST(TheEnd, A30_AnInviteThatComesAfterItsAttemptWasAnswered) {
  EXPECT_TRUE(plays(call_is_up + R"(
    alice > bob    INVITE a cseq=1 [audio 30050]
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

// ---- Cancelled, refused -----------------------------------------------------------------------------------

TEST(TheEnd, A30_CancelledAfterItWasSentAgain) {
  EXPECT_TRUE(plays(offered + R"(
    alice > bob    INVITE a cseq=1 #again [audio 30010]
        open alice:30010-30011 any 180 offer
    bob > alice    183 INVITE b #again [audio 40000]
        bind alice:30010-30011 bob 300 answer
        open bob:40000-40001 alice 300 answer
        close alice:30000-30001 replaced
    bob > alice    487 INVITE b #again
        open alice:30000-30001 any 180 offer
        close alice:30010-30011 rejected
        close bob:40000-40001 rejected
    wait 180
        @180 close alice:30000-30001 early-timeout
  )"));
}

// ---- Dialogs on several address pairs ---------------------------------------------------------------------

TEST(Legs, ADialogThatWasConfirmedOnAnotherLegLivesOn) {
  // Bob's early dialog goes on directly as well, while another phone is first to pick up; then both did.
  EXPECT_TRUE(plays(R"(
    alice > proxy  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    proxy > alice  183 INVITE b [audio 40000@bob]
        bind alice:30000-30001 proxy,bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    UPDATE a b [audio 30010]
        open alice:30010-30011 any 180 offer
    proxy > alice  200 INVITE c [audio 42000@bob2]
        bind alice:30000-30001 proxy,bob,bob2 300 answer
        open bob2:42000-42001 alice 300 answer
    proxy > alice  200 INVITE b [audio 40000@bob]
    bob > alice    200 UPDATE [audio 40010]
        bind alice:30010-30011 bob 300 answer
        open bob:40010-40011 alice 300 answer
        bind alice:30000-30001 proxy,bob2 300 answer
        close bob:40000-40001 replaced
    wait 60
    alice ~> bob:40010
        passes
  )"));
}

// ---- Strangers --------------------------------------------------------------------------------------------

TEST(Attack, A30_AStrangersByeThatIsAnswered481) {
  for (const std::string status : {"481", "408"}) {
    for (const std::string bye : {"mallory > bob  BYE a b cseq=9\n bob > mallory ",
                                  "mallory > alice  BYE b a cseq=9\n alice > mallory "}) {
      EXPECT_TRUE(plays(call_is_up + bye + status + R"( BYE
    wait 40
    bob ~> alice:30000
        passes
    alice > bob    BYE a b
    bob > alice    )" + status +
                        R"( BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
      )")) << bye
           << status;
    }
  }
}

TEST(Attack, A30_AByeOnAnotherPairThatIsAcceptedEndsTheCall) {
  EXPECT_TRUE(plays(call_is_up + R"(
    alice > dave   BYE a b
    dave > alice   200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

// Offers of a stranger who knows the tags: in requests to an end of the call, and to an accomplice.
class StrangersOffers : public testing::TestWithParam<std::pair<std::string, std::string>> {
 protected:
  static constexpr const char* stranger = "198.51.100.66";
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  const Host mallory{stranger};

  static bool is_up(const Scenario& s) {
    for (const char* pinhole : {"192.0.2.10:30000 203.0.113.5\n", "203.0.113.5:40000 192.0.2.10\n"})
      if (s.open().find(pinhole) == std::string::npos) return false;
    return true;
  }
  void establish(Scenario& s) {
    s.send(alice, bob, {.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
    s.send(bob, alice,
           {.start = "200 INVITE", .to_tag = "b", .body = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"})});
    s.send(alice, bob, {.start = "ACK", .to_tag = "b", .branch = "z9hG4bK1a"});
  }
  void attack(Scenario& s) {
    const auto& [method, to] = GetParam();
    for (int i = 0; i < 300; ++i) {
      const int port = 10000 + 2 * i;
      Sip request{.start = method,
                  .to_tag = "b",
                  .branch = "z9hG4bKm" + std::to_string(i),
                  .cseq = 100 + i,
                  .headers = "RAck: 1 1 INVITE\r\n",
                  .body = sdp({std::string(stranger) + "|audio " + std::to_string(port) + " RTP/AVP 0"})};
      s.send(mallory, Host{to}, request);
      if (to == bob.address || i % 3 != 0) continue;
      request.start = "200 " + method;  // his accomplice goes along with it
      request.body = sdp({to + "|audio " + std::to_string(port) + " RTP/AVP 0"});
      s.send(Host{to}, mallory, request);
    }
  }
};

TEST_P(StrangersOffers, A30_EndWithTheCall) {
  Scenario s;
  establish(s);
  attack(s);
  EXPECT_TRUE(is_up(s));
  EXPECT_LE(s.pipeline().open_pinholes(), 256U + 4U);
  Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2};
  s.send(alice, bob, bye);
  bye.start = "200 BYE";
  s.send(bob, alice, bye);
  EXPECT_EQ(s.open(), "");
  EXPECT_TRUE(s.pipeline().consistent());
}

TEST_P(StrangersOffers, A30_TakeNoRoomFromTheParties) {
  Scenario s;
  establish(s);
  attack(s);
  const std::string music = sdp({"192.0.2.10|audio 30000 RTP/AVP 0", "192.0.2.10|video 30100/30 RTP/AVP 31"});
  Sip again{.start = "INVITE", .to_tag = "b", .branch = "z9hG4bK3", .cseq = 3, .body = music};
  EXPECT_EQ(s.send(alice, bob, again).find("refuse"), std::string::npos);
  again.start = "200 INVITE";
  again.body = sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "203.0.113.5|video 40100/30 RTP/AVP 31"});
  EXPECT_EQ(s.send(bob, alice, again).find("refuse"), std::string::npos);
  EXPECT_TRUE(is_up(s));
  EXPECT_NE(s.open().find("203.0.113.5:40159 192.0.2.10\n"), std::string::npos);
  EXPECT_LE(s.pipeline().open_pinholes(), 256U);
}

INSTANTIATE_TEST_SUITE_P(, StrangersOffers,
                         testing::Values(std::pair("UPDATE", "203.0.113.5"),
                                         std::pair("INVITE", "203.0.113.5"),
                                         std::pair("PRACK", "203.0.113.5"),
                                         std::pair("UPDATE", "198.51.100.67"),
                                         std::pair("INVITE", "198.51.100.67")));

TEST(Attack, A30_AStrangersCandidatesLetNobodyIn) {
  for (const std::string info : {"mallory > bob  INFO a b cseq=9 ", "mallory > alice  INFO b a cseq=9 "}) {
    EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000 ice-ufrag:x candidate:1_1_UDP_1_192.0.2.10_30000_typ_host]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000 ice-ufrag:y candidate:1_1_UDP_1_203.0.113.5_40000_typ_host]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    )" + info + R"(ice[audio 9 candidate:1_1_UDP_1_198.51.100.66_6000_typ_host]
        refuse mallory:6000 no-request
    mallory ~> alice:30000
        dropped
    mallory ~> bob:40000
        dropped
    )"));
  }
}

TEST(Attack, A30_AStrangersMessagesKeepNothingOpen) {
  // Alice and Bob are gone without a BYE; he goes on talking in their name.
  EXPECT_TRUE(plays(call_is_up + R"(
    wait 200
    mallory > bob  OPTIONS a b cseq=9
    mallory > bob  UPDATE a b cseq=10
    mallory > proxy  UPDATE a b cseq=11
    proxy > mallory  200 UPDATE
    wait 100
        @300 close alice:30000-30001 idle
        @300 close bob:40000-40001 idle
  )"));
}

TEST(Idle, AMessageOfAPartyOnAnotherPairIsLife) {
  EXPECT_TRUE(plays(call_is_up + R"(
    wait 200
    alice > dave   OPTIONS a b
    wait 299
    bob ~> alice:30000
        passes
  )"));
}

// ---- After a restart --------------------------------------------------------------------------------------

TEST(Recovery, AnUnansweredByeEndsTheCall) {
  for (const std::string bye : {"alice > bob  BYE a b", "bob > alice  BYE b a"}) {
    EXPECT_TRUE(plays(
        call_is_up + R"(
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
    )" + bye +
            R"(
    wait 31
    wait 1
        @32 close alice:30000-30001 bye
        @32 close bob:40000-40001 bye
    )",
        {.check_late_copies = false, .check_stranger = false, .check_closed = false, .tags_matter = false}));
  }
}

}  // namespace
}  // namespace dpinholer::test
