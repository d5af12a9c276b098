// SPDX-License-Identifier: GPL-2.0-or-later
// Attacks A8, A9 and A10: messages of somebody who knows some, but not all, of what makes a message part of a
// call, and those of somebody who knows everything but stands elsewhere.
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const Host alice{"192.0.2.10"};
const Host bob{"203.0.113.5"};
const Host mallory{"198.51.100.66"};
const Host accomplice{"198.51.100.67"};

struct Packet {
  Host from;
  Host to;
  Sip message;
};

// Each makes one thing of a true message wrong.
struct Mistake {
  const char* name;
  std::function<void(Packet&)> make;
};
const std::array<Mistake, 8> mistakes{{
    {"Call-ID", [](Packet& p) { p.message.call_id = "guessed"; }},
    {"From tag", [](Packet& p) { p.message.from_tag = "guessed"; }},
    {"To tag", [](Packet& p) { p.message.to_tag = "guessed"; }},
    {"branch", [](Packet& p) { p.message.branch = "z9hG4bKguessed"; }},
    {"CSeq", [](Packet& p) { p.message.cseq = 77; }},
    {"source", [](Packet& p) { p.from = mallory; }},
    {"destination", [](Packet& p) { p.to = accomplice; }},
    {"direction", [](Packet& p) { std::swap(p.from, p.to); }},
}};
constexpr unsigned call_id = 1;
constexpr unsigned from_tag = 2;
constexpr unsigned to_tag = 4;
constexpr unsigned branch = 8;
constexpr unsigned cseq = 16;
constexpr unsigned source = 32;
constexpr unsigned destination = 64;

Packet with_mistakes(Packet packet, unsigned which) {
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    if ((which >> i & 1) != 0) mistakes[i].make(packet);
  }
  return packet;
}

std::string names(unsigned which) {
  std::string text;
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    if ((which >> i & 1) != 0) text += std::string("wrong ") + mistakes[i].name + "; ";
  }
  return text;
}

std::string without_refusals(const std::string& transcript) {
  std::string rest;
  for (std::size_t at = 0; at < transcript.size();) {
    const std::size_t end = transcript.find('\n', at) + 1;
    if (transcript.compare(at, 7, "refuse ") != 0) rest += transcript.substr(at, end - at);
    at = end;
  }
  return rest;
}

const std::string offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});
const std::string forged_answer = sdp({"198.51.100.66|audio 6000 RTP/AVP 0"});

void ring(Scenario& s) {
  s.send(alice, bob, {.start = "INVITE", .body = offer});
  s.send(bob, alice, {.start = "180 INVITE", .to_tag = "b"});
}
void establish(Scenario& s) {
  ring(s);
  s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = answer});
  s.send(alice, bob, {.start = "ACK", .to_tag = "b", .branch = "z9hG4bK2"});
}
Sip in_dialog(const std::string& start, const std::string& body = {}) {
  return {.start = start, .to_tag = "b", .branch = "z9hG4bK3", .cseq = 2, .body = body};
}

// Sends `packet` with every combination of mistakes but those within `free`, which are nobody's secret.
void expect_nothing(const std::function<void(Scenario&)>& prepare, const Packet& packet, unsigned free = 0) {
  Scenario true_one;
  prepare(true_one);
  const std::string done = true_one.send(packet.from, packet.to, packet.message);
  EXPECT_NE(done + true_one.wait(base::seconds{35}), "") << packet.message.start;
  for (unsigned which = 1; which < 1U << mistakes.size(); ++which) {
    if ((which & ~free) == 0) continue;
    Scenario s;
    prepare(s);
    const std::string before = s.open();
    const Packet forged = with_mistakes(packet, which);
    EXPECT_EQ(without_refusals(s.send(forged.from, forged.to, forged.message)), "")
        << names(which) << packet.message.start;
    EXPECT_EQ(s.wait(base::seconds{35}), "") << names(which) << packet.message.start;
    EXPECT_EQ(s.open(), before);
  }
}

TEST(ThirdParties, A10_FinalResponsesToAnInvite) {
  for (const char* start : {"302 INVITE", "404 INVITE", "481 INVITE", "487 INVITE", "603 INVITE"})
    expect_nothing(ring, {bob, alice, {.start = start, .to_tag = "b"}}, to_tag);  // of which any may refuse
}

TEST(ThirdParties, A9_AnswersToAnInvite) {
  for (const char* start : {"183 INVITE", "200 INVITE"})
    expect_nothing(ring, {bob, alice, {.start = start, .to_tag = "b", .body = forged_answer}}, to_tag);
}

TEST(ThirdParties, A9_AnswersToAReInviteOrUpdate) {
  for (const std::string method : {"INVITE", "UPDATE"}) {
    auto prepare = [&](Scenario& s) {
      establish(s);
      s.send(alice, bob, in_dialog(method, sdp({"192.0.2.10|audio 30010 RTP/AVP 0"})));
    };
    expect_nothing(prepare, {bob, alice, in_dialog("200 " + method, forged_answer)});
  }
}

TEST(ThirdParties, A10_RefusalsOfAReInviteOrUpdate) {
  for (const std::string method : {"INVITE", "UPDATE"}) {
    auto prepare = [&](Scenario& s) {
      establish(s);
      s.send(alice, bob, in_dialog(method, sdp({"192.0.2.10|audio 30010 RTP/AVP 0"})));
    };
    expect_nothing(prepare, {bob, alice, in_dialog("488 " + method)});
  }
}

TEST(ThirdParties, A8_Cancel) {
  expect_nothing(ring, {alice, bob, {.start = "CANCEL"}}, to_tag);
}

TEST(ThirdParties, A8_CancelAndItsResponse) {
  // He answers his own CANCEL, and refuses the INVITE in the callee's name.
  auto prepare = [](Scenario& s) {
    ring(s);
    s.send(mallory, bob, {.start = "CANCEL"});
    s.send(mallory, accomplice, {.start = "CANCEL"});
    s.send(accomplice, mallory, {.start = "200 CANCEL", .to_tag = "b"});
  };
  expect_nothing(prepare, {bob, alice, {.start = "487 INVITE", .to_tag = "b"}}, to_tag);
}

TEST(ThirdParties, A10_ResponsesToATrueBye) {
  for (const char* start : {"200 BYE", "481 BYE", "408 BYE"}) {
    for (unsigned which = 1; which < 1U << mistakes.size(); ++which) {
      Scenario s;
      establish(s);
      s.send(alice, bob, in_dialog("BYE"));
      const Packet forged = with_mistakes({bob, alice, in_dialog(start)}, which);
      EXPECT_EQ(s.send(forged.from, forged.to, forged.message), "") << names(which) << start;
    }
  }
}

TEST(ThirdParties, A8_ByeAndItsResponses) {
  // With every combination of what he knows, on ways on which he can be reached: his BYE, and an accomplice's
  // answer to it. Branch and CSeq of a new request are his to choose.
  for (const char* start : {"200 BYE", "481 BYE", "408 BYE"}) {
    for (unsigned which = 1; which < 1U << mistakes.size(); ++which) {
      const bool may_know = (which & (call_id | from_tag | to_tag)) == 0;
      const bool his_way = (which & (source | destination)) == (source | destination);
      if (may_know && !his_way) continue;
      Scenario s;
      establish(s);
      const std::string before = s.open();
      const Packet bye = with_mistakes({alice, bob, in_dialog("BYE")}, which);
      Packet response = bye;
      std::swap(response.from, response.to);
      response.message.start = start;
      EXPECT_EQ(s.send(bye.from, bye.to, bye.message), "") << names(which);
      EXPECT_EQ(s.send(response.from, response.to, response.message), "") << names(which) << start;
      EXPECT_EQ(s.wait(base::seconds{35}), "") << names(which);
      EXPECT_EQ(s.open(), before);
    }
  }
}

TEST(ThirdParties, A8_AByeToOneEndThatItRejects) {
  // Who knows the tags may ask either end; only the end's own word counts, and silence does not.
  for (const std::string bye : {"mallory > bob  BYE a b cseq=9\n", "mallory > alice  BYE b a cseq=9\n"}) {
    const std::string end = bye.find("bob") != std::string::npos ? "bob" : "alice";
    for (const std::string& reply : {std::string{}, end + " > mallory  403 BYE\n"}) {
      EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    )" + bye + reply + "wait 35\n bob ~> alice:30000\n passes\n"));
    }
  }
}

TEST(ThirdParties, A9_ReInviteAndUpdateNeedTheTags) {
  // Without them they begin something of their own, which touches nothing of the call.
  for (const char* method : {"INVITE", "UPDATE"}) {
    for (unsigned wrong : {from_tag, to_tag, from_tag | to_tag}) {
      Scenario s;
      establish(s);
      const std::string before = s.open();
      const Packet forged = with_mistakes({mallory, bob, in_dialog(method, forged_answer)}, wrong);
      s.send(forged.from, forged.to, forged.message);
      Packet refusal = forged;
      std::swap(refusal.from, refusal.to);
      refusal.message.start = std::string("481 ") + method;
      refusal.message.body.clear();
      s.send(refusal.from, refusal.to, refusal.message);
      EXPECT_EQ(s.open(), before);
      EXPECT_EQ(s.send(alice, bob, in_dialog("BYE")), "");
      s.send(bob, alice, in_dialog("200 BYE"));
      EXPECT_EQ(s.open(), "");
    }
  }
}

TEST(ThirdParties, A9_AForgedAckIsNotTheLastWord) {
  // He knows the tags and is faster than Alice: her own ACK puts it right.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    200 INVITE b [audio 40000]
        open bob:40000-40001 any 180 offer
    mallory > bob  ACK a b cseq=1 [audio 6000]
        bind bob:40000-40001 mallory 300 answer
        open mallory:6000-6001 bob 300 answer
    mallory > bob  ACK a b cseq=1 [audio 6010]
    alice > bob    ACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
        close mallory:6000-6001 replaced
    mallory > bob  ACK a b cseq=1 [audio 6000]
  )"));
}

TEST(ThirdParties, A9_AForgedPrackIsNotTheLastWord) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a
    bob > alice    183 INVITE b rel=1 [audio 40000]
        open bob:40000-40001 any 180 offer
    mallory > bob  PRACK a b cseq=2 [audio 6000]
        bind bob:40000-40001 mallory 300 answer
        open mallory:6000-6001 bob 300 answer
    bob > mallory  481 PRACK
    alice > bob    PRACK a b [audio 30000]
        open alice:30000-30001 bob 300 answer
        bind bob:40000-40001 alice 300 answer
        close mallory:6000-6001 replaced
    bob > alice    200 PRACK
  )"));
}

TEST(ThirdParties, A9_AnAckFromElsewhereIsRefused) {
  Scenario s;
  s.send(alice, bob, {.start = "INVITE"});
  s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = answer});
  EXPECT_EQ(s.send(mallory, accomplice, {.start = "ACK", .to_tag = "b", .body = forged_answer}),
            "refuse 198.51.100.66:6000 audio rtp no-request\n"
            "refuse 198.51.100.66:6001 audio rtcp no-request\n");
}

TEST(ThirdParties, A9_AForgedReInviteThatIsRefusedChangesNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    # with all that there is to know: it opens what he announces, toward him alone
    mallory > bob  INVITE a b cseq=9 [audio 6000]
        open mallory:6000-6001 any 180 offer
    bob > mallory  403 INVITE
        close mallory:6000-6001 rejected
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

}  // namespace
}  // namespace dpinholer::test
