// SPDX-License-Identifier: GPL-2.0-or-later
// media.networks (calls.md section 5, networks): media there and at the address of the signalling, only.
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/two_parties.h"

namespace dpinholer::test {
namespace {

base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

// The phones' network, and the trunk's media gateways.
PipelineSettings with_networks() {
  PipelineSettings settings;
  settings.policy.networks = {network("192.0.2.0/28"), network("198.51.100.0/24"),
                              network("2001:db8:2::/48")};
  return settings;
}

TEST(Networks, OutsideThemOnlyTheSignallingsOwnAddressOpens) {
  TwoParties call(with_networks());
  EXPECT_EQ(call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0", "192.0.2.99|video 30002 RTP/AVP 31"})),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n"
            "refuse 192.0.2.99:30002 video rtp networks\n"
            "refuse 192.0.2.99:30003 video rtcp networks\n");
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "198.51.100.7|video 40002 RTP/AVP 31"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n"
            "open 198.51.100.7:40002 192.0.2.10 video rtp 300 answer\n"
            "open 198.51.100.7:40003 192.0.2.10 video rtcp 300 answer\n");
}

// Attack A3: an SDP from outside names a third host there.
TEST(Networks, A3AThirdHostOnTheSendersOwnSide) {
  const struct {
    const char* what;
    std::string section;
    const char* refused;
  } rows[] = {
      {"c=", "203.0.113.66|audio 40000 RTP/AVP 0|a=rtcp-mux-only",
       "refuse 203.0.113.66:40000 audio rtp networks\n"},
      {"a=rtcp", "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp:53000 IN IP4 203.0.113.66",
       "refuse 203.0.113.66:53000 audio rtcp networks\n"},
      {"a=candidate",
       "203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux-only|a=candidate:1 1 UDP 1 203.0.113.66 53000 typ host",
       "refuse 203.0.113.66:53000 audio rtp networks\n"},
      {"T.38", "203.0.113.66|image 53000 udptl t38", "refuse 203.0.113.66:53000 image data networks\n"},
      {"IPv6", "2001:db8:9::66|image 53000 udptl t38", "refuse 2001:db8:9::66:53000 image data networks\n"},
  };
  for (const auto& row : rows) {
    TwoParties call(with_networks());
    std::swap(call.caller, call.callee);
    const std::string happened = call.offer(sdp({row.section}));
    EXPECT_NE(happened.find(row.refused), std::string::npos) << row.what << "\n" << happened;
    call.answer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 1 192.0.2.10 30000 typ host"}));
    EXPECT_EQ(call.scenario.open().find("66"), std::string::npos) << row.what << ": nor is it a source";
  }
}

TEST(Networks, CandidatesThatTrickleInAreJudgedToo) {
  TwoParties call(with_networks());
  call.offer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only|a=ice-ufrag:x|a=mid:0"}));
  EXPECT_EQ(call.answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=ice-ufrag:y|a=mid:0"}), "183"),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n");
  EXPECT_EQ(call.trickle(TwoParties::Party::callee,
                         "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 UDP 1 203.0.113.66 40010 typ "
                         "host\r\na=candidate:2 1 UDP 1 198.51.100.7 40010 typ relay\r\n"),
            "bind 192.0.2.10:30000 198.51.100.7,203.0.113.5 audio rtp 300 candidate\n"
            "open 198.51.100.7:40010 192.0.2.10 audio rtp 300 candidate\n"
            "refuse 203.0.113.66:40010 audio rtp networks\n");
}

// A phone at home: its SDP names a private address, its media comes from that of its SIP.
TEST(Networks, APhoneBehindNatIsHeardAllTheSame) {
  TwoParties call(with_networks());
  std::swap(call.caller, call.callee);
  EXPECT_EQ(call.offer(sdp({"10.0.0.5|audio 40000 RTP/AVP 0|a=rtcp-mux-only"})),
            "refuse 10.0.0.5:40000 audio rtp networks\n");
  EXPECT_EQ(call.answer(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux"})),
            "open 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "nat 10.0.0.5 from 203.0.113.5 call@pbx\n");
}

TEST(Networks, WhatIsOpenStaysWhenTheDaemonStartsAgain) {
  FlowOptions options{.settings = with_networks(), .check_late_copies = false};
  options.check_closed = options.tags_matter = false;
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000@proxy]
        bind alice:30000-30001 proxy,bob 300 answer
        open proxy:40000-40001 alice 300 answer
    alice > bob    ACK a b
    restart
        open alice:30000-30001 proxy,bob 300 recovered
        open proxy:40000-40001 alice 300 recovered
    bob > alice    BYE b a
    alice > bob    200 BYE
        close alice:30000-30001 bye
        close proxy:40000-40001 bye
  )",
                    options));
}

}  // namespace
}  // namespace dpinholer::test
