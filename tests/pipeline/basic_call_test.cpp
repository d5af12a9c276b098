// SPDX-License-Identifier: GPL-2.0-or-later
// One call over UDP from its first message to its last: the main rows of calls.md section 3.
#include <gtest/gtest.h>

#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const Host caller{"192.0.2.10"};
const Host callee{"203.0.113.5"};

const std::string offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});

Sip invite() {
  return {.start = "INVITE", .body = offer};
}
Sip ok() {
  return {.start = "200 INVITE", .to_tag = "b", .body = answer};
}
Sip bye() {
  return {.start = "BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 2};
}

TEST(BasicCall, OfferOpensAnswerBindsByeCloses) {
  Scenario s;
  EXPECT_EQ(s.send(caller, callee, invite()),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
  EXPECT_EQ(s.send(caller, callee, invite()), "") << "a retransmission changes nothing";
  EXPECT_EQ(s.send(callee, caller, {.start = "100 INVITE"}), "");
  EXPECT_EQ(s.send(callee, caller, {.start = "180 INVITE", .to_tag = "b"}), "");
  EXPECT_TRUE(s.media("198.51.100.1", "192.0.2.10", 30000)) << "anybody, before the answer";
  EXPECT_EQ(s.send(callee, caller, ok()),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n");
  EXPECT_EQ(s.send(callee, caller, ok()), "") << "a retransmission changes nothing";
  EXPECT_EQ(s.send(caller, callee, {.start = "ACK", .to_tag = "b", .branch = "z9hG4bK2"}), "");
  EXPECT_FALSE(s.media("198.51.100.1", "192.0.2.10", 30000)) << "the peer alone, after the answer";
  EXPECT_TRUE(s.media("203.0.113.5", "192.0.2.10", 30000));
  EXPECT_TRUE(s.media("192.0.2.10", "203.0.113.5", 40001));

  EXPECT_EQ(s.send(caller, callee, bye()), "") << "a BYE by itself closes nothing";
  EXPECT_EQ(s.send(callee, caller, {.start = "200 BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 2}),
            "close 192.0.2.10:30000 audio rtp bye\n"
            "close 192.0.2.10:30001 audio rtcp bye\n"
            "close 203.0.113.5:40000 audio rtp bye\n"
            "close 203.0.113.5:40001 audio rtcp bye\n");
  EXPECT_EQ(s.send(callee, caller, ok()), "") << "a late copy opens nothing";
  EXPECT_EQ(s.wait(base::seconds{100}), "");
  EXPECT_EQ(s.open(), "");
  EXPECT_FALSE(s.pipeline().next_deadline()) << "nothing of the call is left";
}

TEST(BasicCall, RejectionClosesWhatTheInviteOpened) {
  for (const char* status : {"302", "401", "407", "486", "503", "603"}) {
    Scenario s;
    s.send(caller, callee, invite());
    EXPECT_EQ(s.send(callee, caller, {.start = std::string(status) + " INVITE", .to_tag = "b"}),
              "close 192.0.2.10:30000 audio rtp rejected\n"
              "close 192.0.2.10:30001 audio rtcp rejected\n")
        << status;
    EXPECT_EQ(s.send(caller, callee, invite()), "") << "a late copy of the INVITE opens nothing";
  }
}

TEST(BasicCall, CancelClosesWithThe487OrAfter64T1) {
  for (bool answered : {true, false}) {
    Scenario s;
    s.send(caller, callee, invite());
    s.send(callee, caller, {.start = "180 INVITE", .to_tag = "b"});
    EXPECT_EQ(s.send(caller, callee, {.start = "CANCEL"}), "");
    EXPECT_EQ(s.send(callee, caller, {.start = "200 CANCEL", .to_tag = "b"}), "");
    if (answered) {
      EXPECT_EQ(s.send(callee, caller, {.start = "487 INVITE", .to_tag = "b"}),
                "close 192.0.2.10:30000 audio rtp cancelled\n"
                "close 192.0.2.10:30001 audio rtcp cancelled\n");
    } else {
      EXPECT_EQ(s.wait(base::seconds{31}), "");
      EXPECT_EQ(s.wait(base::seconds{1}),
                "+32 close 192.0.2.10:30000 audio rtp cancelled\n"
                "+32 close 192.0.2.10:30001 audio rtcp cancelled\n");
    }
  }
}

TEST(BasicCall, ThirdPartiesEndAndRedirectNothing) {
  const Host stranger{"198.51.100.66"};
  Scenario s;
  s.send(caller, callee, invite());
  EXPECT_EQ(s.send(stranger, caller, {.start = "487 INVITE", .to_tag = "b"}), "");
  EXPECT_EQ(
      s.send(stranger, caller,
             {.start = "200 INVITE", .to_tag = "x", .body = sdp({"198.51.100.66|audio 6000 RTP/AVP 0"})}),
      "refuse 198.51.100.66:6000 audio rtp no-request\n"
      "refuse 198.51.100.66:6001 audio rtcp no-request\n");
  s.send(callee, caller, ok());
  const std::string before = s.open();
  EXPECT_EQ(s.send(stranger, caller, bye()), "");
  EXPECT_EQ(s.send(stranger, Host{"192.0.2.77"}, bye()), "");
  EXPECT_EQ(s.send(Host{"192.0.2.77"}, stranger,
                   {.start = "481 BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 2}),
            "");
  s.wait(base::seconds{60});
  EXPECT_EQ(s.open(), before);
}

TEST(BasicCall, ARefusedReInviteLeavesTheSessionAsItWas) {
  Scenario s;
  s.send(caller, callee, invite());
  s.send(callee, caller, ok());
  const std::string before = s.open();
  const Sip reinvite{.start = "INVITE",
                     .to_tag = "b",
                     .branch = "z9hG4bK3",
                     .cseq = 2,
                     .body = sdp({"192.0.2.10|audio 30010 RTP/AVP 0"})};
  EXPECT_EQ(s.send(caller, callee, reinvite),
            "open 192.0.2.10:30010 any audio rtp 180 offer\n"
            "open 192.0.2.10:30011 any audio rtcp 180 offer\n");
  EXPECT_EQ(s.send(callee, caller, {.start = "488 INVITE", .to_tag = "b", .branch = "z9hG4bK3", .cseq = 2}),
            "close 192.0.2.10:30010 audio rtp rejected\n"
            "close 192.0.2.10:30011 audio rtcp rejected\n");
  EXPECT_EQ(s.open(), before);
}

TEST(BasicCall, AnAcceptedReInviteReplaces) {
  Scenario s;
  s.send(caller, callee, invite());
  s.send(callee, caller, ok());
  s.send(callee, caller,
         {.start = "INVITE",
          .from_tag = "b",
          .to_tag = "a",
          .branch = "z9hG4bK7",
          .cseq = 5,
          .body = sdp({"203.0.113.5|audio 40010 RTP/AVP 0"})});
  EXPECT_EQ(s.send(caller, callee,
                   {.start = "200 INVITE",
                    .from_tag = "b",
                    .to_tag = "a",
                    .branch = "z9hG4bK7",
                    .cseq = 5,
                    .body = offer}),
            "bind 203.0.113.5:40010 192.0.2.10 audio rtp 300 answer\n"
            "bind 203.0.113.5:40011 192.0.2.10 audio rtcp 300 answer\n"
            "close 203.0.113.5:40000 audio rtp replaced\n"
            "close 203.0.113.5:40001 audio rtcp replaced\n");
}

}  // namespace
}  // namespace dpinholer::test
