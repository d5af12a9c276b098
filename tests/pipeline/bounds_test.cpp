// SPDX-License-Identifier: GPL-2.0-or-later
// Every bound of a call, and of calls, with its refusal (base/limits.h; calls.md sections 5 and 7; attacks
// A5, A6).
#include <gtest/gtest.h>

#include "base/limits.h"
#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

namespace limits = base::limits;

const Host alice{"192.0.2.10"};
const Host bob{"203.0.113.5"};
const Host proxy{"198.51.100.1"};

std::string audio(const std::string& address, int port) {
  return sdp({address + "|audio " + std::to_string(port) + " RTP/AVP 0"});
}
std::string open_lines(const std::string& address, int port) {
  return "open " + address + ":" + std::to_string(port) + " any audio rtp 180 offer\nopen " + address + ":" +
         std::to_string(port + 1) + " any audio rtcp 180 offer\n";
}
std::string refuse_lines(const std::string& address, int port) {
  return "refuse " + address + ":" + std::to_string(port) + " audio rtp limit\nrefuse " + address + ":" +
         std::to_string(port + 1) + " audio rtcp limit\n";
}
Sip invite(const std::string& call_id, const std::string& body) {
  return {.start = "INVITE", .call_id = call_id, .body = body};
}

TEST(Bounds, CallsInAll) {
  // Calls that are answered give way to none; attacks_test.cpp has those that do.
  PipelineSettings settings;
  settings.negotiation.calls = 3;
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    bob > alice    UPDATE b a call=2 [audio 40010]
        open bob:40010-40011 any 180 offer
    alice > bob    200 UPDATE call=2 [audio 30010]
        bind bob:40010-40011 alice 300 answer
        open alice:30010-30011 bob 300 answer
    alice > bob    INVITE a call=3
    bob > alice    200 INVITE b call=3
    alice > bob    INVITE a call=4 [audio 30020]
        refuse alice:30020-30021 limit
    bob > alice    UPDATE b a call=5 [audio 40020]
        refuse bob:40020-40021 limit
    bob ~> alice:30000
        passes
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        close alice:30000-30001 bye
        close bob:40000-40001 bye
    alice > bob    INVITE a call=4 [audio 30020]
        open alice:30020-30021 any 180 offer
  )",
                    {.settings = settings, .check_late_copies = false}));
}

TEST(Bounds, CallsPerSource) {
  PipelineSettings settings;
  settings.negotiation.calls_per_source = 2;
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > bob    INVITE a call=2 [audio 30010]
        open alice:30010-30011 any 180 offer
    alice > bob    INVITE a call=3 [audio 30020]
        refuse alice:30020-30021 limit
    bob > alice    INVITE b call=4 [audio 40000]
        open bob:40000-40001 any 180 offer
    # those of others that he answers are not his
    alice > bob    200 INVITE a call=4 [audio 30030]
        bind bob:40000-40001 alice 300 answer
        open alice:30030-30031 bob 300 answer
    bob > alice    486 INVITE b call=1
        close alice:30000-30001 rejected
    alice > bob    INVITE a call=3 [audio 30020]
        open alice:30020-30021 any 180 offer
  )",
                    {.settings = settings}));
}

// Somebody who has an IPv6 address has some 2^64 of them.
TEST(Bounds, CallsPerSourceCountIpv6ByNetwork) {
  auto opened = [](std::uint8_t prefix, const std::string& network) {
    PipelineSettings settings;
    settings.negotiation.calls_per_source = 2;
    settings.negotiation.ipv6_prefix = prefix;
    Scenario s(settings);
    int answered = 0;
    for (const std::string host : {"1", "2", "3", "4"}) {
      const std::string address = network + host;
      const Sip invite{.start = "INVITE",
                       .call_id = "call" + host,
                       .branch = "z9hG4bK" + host,
                       .body = sdp({address + "|audio 30000 RTP/AVP 0"})};
      answered += s.send({address}, {"2001:db8:2::1"}, invite).find("open") == std::string::npos ? 0 : 1;
    }
    return answered;
  };
  EXPECT_EQ(opened(64, "2001:db8:1::"), 2);
  EXPECT_EQ(opened(128, "2001:db8:1::"), 4);
  EXPECT_EQ(opened(48, "2001:db8:1:9:8::"), 2);
}

TEST(Bounds, PinholesPerCall) {
  PipelineSettings settings;
  settings.negotiation.pinholes_per_call = 6;
  EXPECT_TRUE(plays(R"(
    # one description that is over the bound by itself is refused as a whole
    alice > bob    INVITE a [audio 30000, audio 30002, audio 30004, audio 30006]
        refuse alice:30000-30007 limit
    bob > alice    200 INVITE b [audio 40000, audio 40002, audio 40004, audio 40006]
    alice > bob    INVITE x call=2 [audio 30000, audio 30002]
        open alice:30000-30003 any 180 offer
    # an answer that does not fit any more
    bob > alice    200 INVITE y call=2 [audio 40000, audio 40002]
        refuse bob:40000-40003 limit
    bob > alice    200 INVITE y call=2 [audio 40000, audio 0]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
        close alice:30002-30003 replaced
    # the same ports again count once
    alice > bob    UPDATE x y call=2 [audio 30000, audio 30002]
        open alice:30002-30003 any 180 offer
    bob > alice    200 UPDATE call=2 [audio 40000, audio 0]
        close alice:30002-30003 replaced
    alice > bob    UPDATE x y call=2 [audio 30010, audio 30012]
        refuse alice:30010-30013 limit
  )",
                    {.settings = settings}));
}

TEST(Bounds, A5_ARangeOfPortsIsCountedNotListed) {
  Scenario s;
  EXPECT_EQ(s.send(alice, bob, invite("1", sdp({"192.0.2.10|audio 2000/9999 RTP/AVP 0"}))),
            "refuse 192.0.2.10:2000 audio rtp limit\nrefuse 192.0.2.10:2001 audio rtcp limit\n");
  EXPECT_EQ(
      s.send(bob, alice,
             {.start = "200 INVITE", .call_id = "1", .to_tag = "b", .body = audio("203.0.113.5", 40000)}),
      "")
      << "answers nothing";
}

TEST(Bounds, Transactions) {
  // Requests that begin something new have half of the room, so that strangers who know the Call-ID alone
  // can't take it from those who are in the call.
  Scenario s;
  s.send(alice, bob, invite("call@pbx", audio("192.0.2.10", 30000)));
  s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = audio("203.0.113.5", 40000)});
  std::string done;
  int begun = 1;
  for (; begun < 1000; ++begun) {
    done = s.send(proxy, bob,
                  {.start = "INVITE",
                   .from_tag = "m",
                   .branch = "z9hG4bKm" + std::to_string(begun),
                   .body = audio("198.51.100.1", 6000)});
    if (done.find("limit") != std::string::npos) break;
  }
  EXPECT_EQ(done, refuse_lines("198.51.100.1", 6000));
  EXPECT_EQ(begun, static_cast<int>(limits::transactions_per_call / 2));
  EXPECT_NE(s.send(proxy, bob,
                   {.start = "UPDATE",
                    .from_tag = "m",
                    .to_tag = "n",
                    .branch = "z9hG4bKx",
                    .body = audio("198.51.100.1", 6000)})
                .find("limit"),
            std::string::npos);
  const Sip update{
      .start = "UPDATE", .to_tag = "b", .branch = "z9hG4bKu", .cseq = 2, .body = audio("192.0.2.10", 30010)};
  EXPECT_EQ(s.send(alice, bob, update), open_lines("192.0.2.10", 30010));
  s.send(alice, bob, {.start = "BYE", .to_tag = "b", .branch = "z9hG4bKb", .cseq = 3});
  const std::string closed =
      s.send(bob, alice, {.start = "200 BYE", .to_tag = "b", .branch = "z9hG4bKb", .cseq = 3});
  EXPECT_NE(closed.find("close 192.0.2.10:30000"), std::string::npos);
}

TEST(Bounds, TransactionsInADialog) {
  // Endless re-INVITEs (attack A15): over the bound they change nothing, until old ones are forgotten.
  Scenario s;
  s.send(alice, bob, invite("call@pbx", audio("192.0.2.10", 30000)));
  s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = audio("203.0.113.5", 40000)});
  std::string done;
  int begun = 1;
  for (; begun < 1000; ++begun) {
    const std::string branch = "z9hG4bKr" + std::to_string(begun);
    done = s.send(alice, bob,
                  {.start = "UPDATE",
                   .to_tag = "b",
                   .branch = branch,
                   .cseq = begun + 1,
                   .body = audio("192.0.2.10", 30010)});
    if (done.find("limit") != std::string::npos) break;
    s.send(bob, alice, {.start = "488 UPDATE", .to_tag = "b", .branch = branch, .cseq = begun + 1});
  }
  EXPECT_EQ(begun, static_cast<int>(limits::transactions_per_call));
  EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", 30000));
  s.wait(base::seconds{37});
  EXPECT_EQ(s.send(alice, bob,
                   {.start = "UPDATE",
                    .to_tag = "b",
                    .branch = "z9hG4bKlast",
                    .cseq = 2000,
                    .body = audio("192.0.2.10", 30010)}),
            open_lines("192.0.2.10", 30010));
}

TEST(Bounds, Dialogs) {
  Scenario s;
  s.send(alice, bob, {.start = "INVITE", .body = audio("192.0.2.10", 30000)});
  std::string done;
  int forks = 0;
  for (; forks < 1000; ++forks) {
    done = s.send(
        bob, alice,
        {.start = "183 INVITE", .to_tag = "b" + std::to_string(forks), .body = audio("203.0.113.5", 40000)});
    if (done.find("limit") != std::string::npos) break;
  }
  EXPECT_EQ(done, refuse_lines("203.0.113.5", 40000));
  EXPECT_EQ(forks, static_cast<int>(limits::dialogs_per_call));
  // those that are there go on
  EXPECT_EQ(s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b7", .body = audio("203.0.113.5", 40000)}),
            "");
  EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", 30000));
}

TEST(Bounds, Legs) {
  Scenario s;
  std::string done;
  std::size_t legs = 0;
  for (; legs < 100; ++legs) {
    const Host host{"192.0.2." + std::to_string(100 + legs)};
    done = s.send(host, bob, {.start = "INVITE", .body = audio(host.address, 30000)});
    if (done.find("limit") != std::string::npos) break;
  }
  EXPECT_EQ(legs, limits::legs_per_call);
  EXPECT_EQ(done, refuse_lines("192.0.2.132", 30000));
  // what is refused or forgotten makes room
  s.send(bob, {"192.0.2.101"}, {.start = "486 INVITE", .to_tag = "b"});
  s.wait(base::seconds{37});
  EXPECT_EQ(s.send({"192.0.2.132"}, bob, {.start = "INVITE", .body = audio("192.0.2.132", 30000)}),
            open_lines("192.0.2.132", 30000));
}

TEST(Bounds, ElementsOfABinding) {
  // 250 ports times 2 sources, which took the binding away once: it was open to any source then.
  for (int pairs : {125, 16}) {
    Scenario s;
    s.send(alice, proxy,
           invite("1", sdp({"192.0.2.10|audio 30000/" + std::to_string(pairs) + " RTP/AVP 0"})));
    s.send(proxy, alice,
           {.start = "200 INVITE", .call_id = "1", .to_tag = "b", .body = audio("203.0.113.5", 40000)});
    EXPECT_FALSE(s.media("198.51.100.66", "192.0.2.10", 30000)) << pairs;
    EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", 30000)) << pairs;
    EXPECT_FALSE(s.media("198.51.100.66", "203.0.113.5", 40000)) << "counted for each direction by itself";
  }
}

TEST(Bounds, A6_AnAnsweredCallIsNotDroppedForUnansweredOnes) {
  PipelineSettings settings;
  settings.negotiation.calls = 10;
  Scenario s(settings);
  s.send(alice, bob, invite("true", audio("192.0.2.10", 30000)));
  s.send(bob, alice,
         {.start = "200 INVITE", .call_id = "true", .to_tag = "b", .body = audio("203.0.113.5", 40000)});
  for (int i = 0; i < 1000; ++i)
    s.send(proxy, bob, invite("flood" + std::to_string(i), audio("198.51.100.1", 6000)));
  EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", 30000));
  EXPECT_FALSE(s.media("198.51.100.66", "192.0.2.10", 30000));
  const Sip update{.start = "UPDATE",
                   .call_id = "true",
                   .to_tag = "b",
                   .branch = "z9hG4bKu",
                   .cseq = 2,
                   .body = audio("192.0.2.10", 30010)};
  EXPECT_EQ(s.send(alice, bob, update), open_lines("192.0.2.10", 30010));
}

}  // namespace
}  // namespace dpinholer::test
