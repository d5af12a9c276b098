// SPDX-License-Identifier: GPL-2.0-or-later
// media.ice = "ignore": candidates open nothing, are no sources, and count against no limit.
#include <gtest/gtest.h>

#include "pipeline/two_parties.h"

namespace dpinholer::test {
namespace {

PipelineSettings ignoring() {
  PipelineSettings settings;
  settings.descriptions.ice = false;
  return settings;
}

const std::string offer =
    sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only|a=ice-ufrag:x|a=mid:0|a=candidate:1 1 UDP 1 "
         "192.0.2.20 30100 typ host|a=candidate:2 1 TCP 1 192.0.2.20 9 typ host tcptype active"});
const std::string answer =
    sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=ice-ufrag:y|a=mid:0|a=candidate:1 1 UDP 1 "
         "203.0.113.9 40100 typ relay"});

TEST(IgnoredIce, OnlyTheMediaLinesOwnPortOpens) {
  TwoParties call(ignoring());
  EXPECT_EQ(call.offer(offer), "open 192.0.2.10:30000 any audio rtp 180 offer\n");
  EXPECT_EQ(call.answer(answer),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n");
}

TEST(IgnoredIce, NorDoCandidatesThatTrickleIn) {
  TwoParties call(ignoring());
  call.offer(offer);
  call.answer(answer);
  const std::string before = call.scenario.open();
  EXPECT_EQ(call.trickle(TwoParties::Party::callee,
                         "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:3 1 UDP 1 203.0.113.10 40200 typ "
                         "host\r\n"),
            "");
  EXPECT_EQ(call.scenario.open(), before);
}

TEST(IgnoredIce, ADescriptionThatHasNothingElseOpensNothing) {
  TwoParties call(ignoring());
  EXPECT_EQ(call.offer(sdp({"0.0.0.0|audio 9 UDP/TLS/RTP/SAVPF 111|a=ice-ufrag:x|a=candidate:1 1 UDP 1 "
                            "192.0.2.20 30100 typ host"})),
            "");
}

TEST(IgnoredIce, NoNumberOfThemIsTooMany) {
  PipelineSettings settings = ignoring();
  settings.descriptions.candidates = 2;
  settings.negotiation.pinholes_per_call = 2;
  std::string section = "192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only";
  for (int i = 0; i < 100; ++i) {
    section += "|a=candidate:1 1 UDP 1 203.0.113." + std::to_string(i) + " 30100 typ host";
  }
  TwoParties call(settings);
  EXPECT_EQ(call.offer(sdp({section})), "open 192.0.2.10:30000 any audio rtp 180 offer\n");
}

}  // namespace
}  // namespace dpinholer::test
