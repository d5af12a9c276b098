// SPDX-License-Identifier: GPL-2.0-or-later
// Attacks on calls, by the letter and number that they have in docs/security.md; `ctest -R A13` finds the
// tests of one wherever they stand. Each ends with the next legitimate call.
#include <gtest/gtest.h>

#include <random>

#include "pipeline/flow.h"
#include "pipeline/tcp.h"
#include "pipeline/two_parties.h"

namespace dpinholer::test {
namespace {

using Party = TwoParties::Party;

const Host inside{"192.0.2.10"};
const Host outside{"203.0.113.5"};
const Host attacker{"198.51.100.66"};

const std::string plain_offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string plain_answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});

std::string bound_session() {
  return "192.0.2.10:30000 203.0.113.5\n192.0.2.10:30001 203.0.113.5\n"
         "203.0.113.5:40000 192.0.2.10\n203.0.113.5:40001 192.0.2.10\n";
}

TEST(Attack, A1_ARegistrationOpensNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob    REGISTER a [audio 30000]
    bob > alice    200 REGISTER b [audio 40000]
    bob > alice    MESSAGE b [audio 40000]
    bob ~> alice:30000
        dropped
    bob > alice    INVITE b call=2 [audio 40000]
        open bob:40000-40001 any 180 offer
    alice > bob    200 INVITE a call=2 [audio 30000]
        bind bob:40000-40001 alice 300 answer
        open alice:30000-30001 bob 300 answer
    bob ~> alice:30000
        passes
  )"));
}

TEST(Attack, A6FloodOfInvitesGivesWayToWhatIsAnswered) {
  PipelineSettings settings;
  settings.negotiation.calls = 50;
  TwoParties running(settings);
  Scenario& s = running.scenario;
  running.offer(plain_offer);
  running.answer(plain_answer);
  int sent = 0;
  std::size_t refused = 0;
  auto flood = [&](int count) {
    for (int i = 0; i < count; ++i, ++sent) {
      const Host source{"198.51.100." + std::to_string(1 + sent % 200)};
      const std::string body = sdp({source.address + "|audio " + std::to_string(2000 + sent) + " RTP/AVP 0"});
      Sip invite{.start = "INVITE", .call_id = std::to_string(sent) + "@flood", .body = body};
      if (sent % 3 == 1) invite.to_tag = "met-in-the-middle";
      refused += s.send(source, inside, invite).find("limit") != std::string::npos;
    }
  };
  flood(1000);
  EXPECT_LE(s.pipeline().open_pinholes(), 50U * 2 + 4);
  EXPECT_EQ(refused, 0U) << "the oldest gave way";
  EXPECT_NE(s.open().find("203.0.113.5:40000 192.0.2.10\n"), std::string::npos)
      << "the answered call is there";

  // A legitimate call during the flood.
  const Host phone{"192.0.2.11"};
  s.send(phone, outside,
         {.start = "INVITE", .call_id = "new@pbx", .body = sdp({"192.0.2.11|image 31000 udptl t38"})});
  flood(40);
  EXPECT_EQ(s.send(outside, phone,
                   {.start = "200 INVITE",
                    .call_id = "new@pbx",
                    .to_tag = "b",
                    .body = sdp({"203.0.113.5|image 41000 udptl t38"})}),
            "bind 192.0.2.11:31000 203.0.113.5 image data 300 answer\n"
            "open 203.0.113.5:41000 192.0.2.11 image data 300 answer\n");
  flood(1000);
  for (const char* pinhole : {"192.0.2.11:31000 203.0.113.5\n", "192.0.2.10:30000 203.0.113.5\n"})
    EXPECT_NE(s.open().find(pinhole), std::string::npos) << pinhole;
}

TEST(Attack, A6CallsThatAreOverGiveWayFirst) {
  PipelineSettings settings;
  settings.negotiation.calls = 2;
  Scenario s(settings);
  s.send(inside, outside, {.start = "INVITE", .call_id = "ringing@pbx", .body = plain_offer});
  s.send(inside, outside,
         {.start = "INVITE", .call_id = "busy@pbx", .body = sdp({"192.0.2.10|image 31000 udptl t38"})});
  s.send(outside, inside, {.start = "486 INVITE", .call_id = "busy@pbx", .to_tag = "b"});
  EXPECT_EQ(
      s.send(inside, outside,
             {.start = "INVITE", .call_id = "next@pbx", .body = sdp({"192.0.2.10|image 32000 udptl t38"})}),
      "open 192.0.2.10:32000 any image data 180 offer\n");
  const Sip one_more{
      .start = "INVITE", .call_id = "one-more@pbx", .body = sdp({"192.0.2.10|image 33000 udptl t38"})};
  EXPECT_EQ(s.send(inside, outside, one_more), "refuse 192.0.2.10:33000 image data limit\n")
      << "for one with unanswered calls of his own nobody gives way";
  EXPECT_EQ(s.send(Host{"192.0.2.11"}, outside, one_more),
            "close 192.0.2.10:30000 audio rtp early-timeout\n"
            "close 192.0.2.10:30001 audio rtcp early-timeout\n"
            "open 192.0.2.10:33000 any image data 180 offer\n");
  s.send(outside, inside, {.start = "180 INVITE", .call_id = "next@pbx", .to_tag = "b"});
  s.send(outside, Host{"192.0.2.11"}, {.start = "180 INVITE", .call_id = "one-more@pbx", .to_tag = "b"});
  EXPECT_EQ(
      s.send(
          Host{"192.0.2.12"}, outside,
          {.start = "INVITE", .call_id = "too-many@pbx", .body = sdp({"192.0.2.10|image 34000 udptl t38"})}),
      "refuse 192.0.2.10:34000 image data limit\n")
      << "calls that ring stay";
}

TEST(Attack, A6FloodFromOneSourceIsBoundedPerSource) {
  PipelineSettings settings;
  settings.negotiation.calls_per_source = 10;
  Scenario s(settings);
  std::size_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string body = sdp({"198.51.100.66|image " + std::to_string(2000 + i) + " udptl t38"});
    const std::string happened =
        s.send(attacker, inside, {.start = "INVITE", .call_id = std::to_string(i) + "@flood", .body = body});
    refused += happened.find("limit") != std::string::npos;
  }
  EXPECT_EQ(refused, 90U);
  EXPECT_EQ(s.pipeline().open_pinholes(), 10U);
  EXPECT_EQ(s.send(inside, outside, {.start = "INVITE", .body = plain_offer}).substr(0, 4), "open");
}

// A9: an answer counts only against its request, on its leg, in its direction.
TEST(Attack, A9ForgedAnswersAnswerNothing) {
  const std::string bad = sdp({"198.51.100.66|image 6000 udptl t38"});
  const struct {
    const char* what;
    Host from;
    Host to;
    Sip response;
  } rows[] = {
      {"from elsewhere", attacker, inside, {.start = "200 INVITE", .to_tag = "x"}},
      {"provisional, from elsewhere", attacker, inside, {.start = "183 INVITE", .to_tag = "x"}},
      {"the way of the request", inside, outside, {.start = "200 INVITE", .to_tag = "x"}},
      {"to somebody else", outside, Host{"192.0.2.11"}, {.start = "200 INVITE", .to_tag = "x"}},
      {"another branch", outside, inside, {.start = "200 INVITE", .to_tag = "x", .branch = "z9hG4bKguess"}},
      {"another CSeq", outside, inside, {.start = "200 INVITE", .to_tag = "x", .cseq = 2}},
      {"another From tag", outside, inside, {.start = "200 INVITE", .from_tag = "guess", .to_tag = "x"}},
      {"another method", outside, inside, {.start = "200 UPDATE", .to_tag = "x"}},
      {"another Call-ID", outside, inside, {.start = "200 INVITE", .call_id = "guess@pbx", .to_tag = "x"}},
  };
  for (const auto& row : rows) {
    TwoParties call;
    call.offer(plain_offer);
    const std::string before = call.scenario.open();
    Sip forged = row.response;
    forged.body = bad;
    EXPECT_EQ(call.scenario.send(row.from, row.to, forged),
              "refuse 198.51.100.66:6000 image data no-request\n")
        << row.what;
    EXPECT_EQ(call.scenario.open(), before) << row.what;
    call.answer(plain_answer);
    EXPECT_EQ(call.scenario.open(), bound_session()) << row.what << ": the true answer counts";
  }
}

TEST(Attack, A9ForgedReInvitesRedirectNothing) {
  const std::string bad = sdp({"198.51.100.66|audio 6000 RTP/AVP 0"});
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  // Without the tags it is a dialog of its own, which takes nothing away from this one.
  for (const char* tag : {"guess", ""}) {
    Sip forged{
        .start = "INVITE", .from_tag = "a", .to_tag = tag, .branch = "z9hG4bKf", .cseq = 99, .body = bad};
    call.scenario.send(attacker, outside, forged);
    for (const char* pinhole : {"192.0.2.10:30000 203.0.113.5\n", "203.0.113.5:40000 192.0.2.10\n"})
      EXPECT_NE(call.scenario.open().find(pinhole), std::string::npos) << pinhole << call.scenario.open();
  }
  call.scenario.wait(base::seconds{200});
  EXPECT_EQ(call.scenario.open(), bound_session()) << "unanswered, it is gone";
}

// A10: nor do forged refusals take anything away.
TEST(Attack, A10ForgedRefusalsCloseNothing) {
  for (const char* status : {"404", "481", "487", "503", "603"}) {
    TwoParties call;
    call.offer(plain_offer);
    const std::string before = call.scenario.open();
    for (const auto& [from, to] : {std::pair{attacker, inside}, std::pair{inside, outside}})
      EXPECT_EQ(call.scenario.send(from, to, {.start = std::string(status) + " INVITE", .to_tag = "b"}), "")
          << status;
    EXPECT_EQ(call.scenario.send(
                  outside, inside,
                  {.start = std::string(status) + " INVITE", .to_tag = "b", .branch = "z9hG4bKguess"}),
              "")
        << status;
    EXPECT_EQ(call.scenario.open(), before) << status;
    EXPECT_EQ(call.scenario.send(attacker, outside, {.start = "CANCEL"}), "");
    EXPECT_EQ(call.scenario.wait(base::seconds{60}), "") << "a CANCEL of a stranger";
  }
}

// A14: RTP bleed and injection.
TEST(Attack, A14MediaFromSomebodyElse) {
  TwoParties call;
  Scenario& s = call.scenario;
  EXPECT_FALSE(s.media("203.0.113.5", "192.0.2.10", 30000)) << "nothing was announced";
  call.offer(plain_offer);
  EXPECT_TRUE(s.media("198.51.100.66", "192.0.2.10", 30000)) << "early media: the answerer is not known yet";
  call.answer(plain_answer);
  for (const std::uint16_t port : {std::uint16_t{30000}, std::uint16_t{30001}}) {
    EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", port));
    EXPECT_FALSE(s.media("198.51.100.66", "192.0.2.10", port)) << "injection";
    EXPECT_FALSE(s.media("192.0.2.10", "192.0.2.10", port));
  }
  EXPECT_FALSE(s.media("203.0.113.5", "192.0.2.10", 30002)) << "no port beside it";
  EXPECT_FALSE(s.media("203.0.113.5", "192.0.2.11", 30000)) << "no host beside it";
  call.bye();
  EXPECT_FALSE(s.media("203.0.113.5", "192.0.2.10", 30000));
}

TEST(Attack, A14NoEarlyMediaForThoseWhoWantNone) {
  PipelineSettings settings;
  settings.negotiation.open_before_answer = false;
  TwoParties call(settings);
  Scenario& s = call.scenario;
  EXPECT_EQ(call.offer(plain_offer), "");
  EXPECT_FALSE(s.media("203.0.113.5", "192.0.2.10", 30000));
  EXPECT_EQ(call.answer(plain_answer, "183"),
            "open 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n");
  call.answer(plain_answer);
  // A re-offer opens nothing by itself either, not even on the ports that stay.
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0", "192.0.2.10|video 30002 RTP/AVP 31"})), "");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "203.0.113.5|video 40002 RTP/AVP 31"})),
            "open 192.0.2.10:30002 203.0.113.5 video rtp 300 answer\n"
            "open 192.0.2.10:30003 203.0.113.5 video rtcp 300 answer\n"
            "open 203.0.113.5:40002 192.0.2.10 video rtp 300 answer\n"
            "open 203.0.113.5:40003 192.0.2.10 video rtcp 300 answer\n");
}

TEST(Attack, A14AReOfferUnbindsNothing) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=sendonly"}));
  EXPECT_FALSE(call.scenario.media("198.51.100.66", "192.0.2.10", 30000));
  EXPECT_EQ(call.scenario.open(), bound_session());
}

// A15: lifetime abuse.
TEST(Attack, A15HoldForEverEndsWithTheLongestCall) {
  PipelineSettings settings;
  settings.negotiation.max_call = base::seconds{3600};
  for (const bool narrow : {false, true}) {
    settings.negotiation.hold_narrow = narrow;
    TwoParties call(settings);
    call.offer(plain_offer);
    call.answer(plain_answer);
    std::string ended;
    for (int minute = 0; minute < 61 && ended.find("close") == std::string::npos; ++minute) {
      call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive"}));
      call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive"}));
      ended = call.scenario.wait(base::seconds{60});
    }
    EXPECT_NE(ended.find("+3600 close 192.0.2.10:30001 audio rtcp session-expired\n"), std::string::npos)
        << ended;
    EXPECT_EQ(call.scenario.open(), "");
  }
}

TEST(Attack, A15HoldWithoutASignOfLifeEndsByHeld) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  call.offer(sdp({"0.0.0.0|audio 30000 RTP/AVP 0|a=inactive"}));
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive"})),
            "close 192.0.2.10:30000 audio rtp replaced\nclose 192.0.2.10:30001 audio rtcp replaced\n");
  EXPECT_EQ(call.scenario.wait(base::seconds{3599}), "");
  EXPECT_EQ(call.scenario.wait(base::seconds{1}),
            "+3600 close 203.0.113.5:40000 audio rtp idle\n+3600 close 203.0.113.5:40001 audio rtcp idle\n");
}

TEST(Attack, A15MediaKeptAliveAfterTheCallIsGone) {
  PipelineSettings settings;
  settings.negotiation.max_call = base::seconds{600};
  TwoParties call(settings);
  call.offer(plain_offer);
  call.answer(plain_answer);
  std::string ended;
  for (int minute = 0; minute < 11; ++minute) {
    call.scenario.media("203.0.113.5", "192.0.2.10", 30000);
    ended += call.scenario.wait(base::seconds{60});
  }
  EXPECT_NE(ended.find("+600 close 192.0.2.10:30000 audio rtp session-expired\n"), std::string::npos)
      << ended;
  EXPECT_FALSE(call.scenario.media("203.0.113.5", "192.0.2.10", 30000));
}

TEST(Attack, A15EndlessReInvitesHoldNoMoreThanOneSessionAndOneOffer) {
  TwoParties call;
  call.offer(plain_offer);
  call.answer(plain_answer);
  for (int i = 0; i < 200; ++i) {
    call.offer(sdp({"192.0.2.10|audio " + std::to_string(31000 + 2 * i) + " RTP/AVP 0"}));
    call.answer(plain_answer);
    ASSERT_EQ(call.scenario.pipeline().open_pinholes(), 4U);
    call.scenario.wait(base::seconds{1});
  }
  // Unanswered ones are bounded as any SDP is.
  for (int i = 0; i < 200; ++i)
    call.offer(sdp({"192.0.2.10|audio " + std::to_string(41000 + 2 * i) + " RTP/AVP 0"}));
  EXPECT_LE(call.scenario.pipeline().open_pinholes(), 256U);
  call.scenario.wait(base::seconds{180});
  EXPECT_EQ(call.scenario.pipeline().open_pinholes(), 4U) << "the running session stays";
}

TEST(Attack, A11_IdleConnectionsWithHalfAHeader) {
  PipelineSettings settings;
  settings.streams = {.flows = 100, .buffer = 4096};
  Scenario s(settings);
  TcpPair trunk(inside, outside);
  s.send_packets(trunk.handshake());
  s.send_packets(trunk.from_client(to_text({.start = "INVITE", .body = plain_offer})));
  for (std::uint16_t port = 1; port <= 10000; ++port) {
    TcpPair idle({"198.51.100.66", port}, inside);
    s.send_packets(idle.handshake());
    s.send_packets(idle.from_client("INVITE sip:x SIP/2.0\r\nSubject: " + std::string(3000, 'x')));
  }
  EXPECT_LE(s.connections().size(), 100U);
  s.send_packets(trunk.from_server(to_text({.start = "200 INVITE", .to_tag = "b", .body = plain_answer})));
  EXPECT_EQ(s.open(), bound_session()) << "the trunk's answer is read";
  TcpPair next({"192.0.2.11", 40000}, outside);
  s.send_packets(next.handshake());
  EXPECT_EQ(
      s.send_packets(next.from_client(to_text(
          {.start = "INVITE", .call_id = "next@pbx", .body = sdp({"192.0.2.11|image 31000 udptl t38"})}))),
      "open 192.0.2.11:31000 any image data 180 offer\n");
}

TEST(Attack, A21_GarbageIsCountedAndTakesNoRoom) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string invite = to_text({.start = "INVITE", .body = plain_offer});
  TwoParties call;
  constexpr std::size_t sent = 5000;
  for (std::size_t i = 0; i < sent; ++i) {
    std::string garbage = i % 2 == 0 ? invite : std::string(random() % 1400, '\0');
    for (auto& octet : garbage) {
      if (i % 2 == 1 || random() % 64 == 0) octet = static_cast<char>(random());
    }
    garbage.insert(0, i % 4 == 0 ? "\x01" : "OPTIONS ");
    EXPECT_EQ(call.scenario.send_raw(attacker, inside, garbage), "");
  }
  const Counters& counters = call.scenario.pipeline().counters();
  EXPECT_EQ(counters.keep_alives + counters.not_sip + counters.malformed + counters.sip_messages, sent);
  EXPECT_EQ(call.scenario.open(), "");
  call.offer(plain_offer);
  call.answer(plain_answer);
  EXPECT_EQ(call.scenario.open(), bound_session());
}

}  // namespace
}  // namespace dpinholer::test
