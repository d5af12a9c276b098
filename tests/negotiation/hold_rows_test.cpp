// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 4: a=sendonly and a=inactive under media.hold, and whose they are.
#include "negotiation/row.h"

namespace dpinholer::negotiation::test {
namespace {

Settings narrow() {
  Settings settings;
  settings.hold_narrow = true;
  return settings;
}

// RFC 3264 section 8.4. Each direction is judged by the word of the party that receives there.
TEST(HoldRow, EveryOfferMeetsEveryAnswer) {
  const struct {
    const char* attribute;
    bool holds;
  } rows[] = {{"", false},
              {"|a=sendrecv", false},
              {"|a=recvonly", false},
              {"|a=sendonly", true},
              {"|a=inactive", true}};
  for (const auto& offering : rows) {
    for (const auto& answering : rows) {
      const auto offer = announcement(
          dpinholer::test::sdp({"192.0.2.10|audio 30000 RTP/AVP 0" + std::string(offering.attribute)}),
          offerer_address);
      const auto answer = announcement(
          dpinholer::test::sdp({"203.0.113.5|audio 40000 RTP/AVP 0" + std::string(answering.attribute)}),
          answerer_address);
      const char* of_offerer =
          offering.holds ? "audio: rtp 30000 (held), rtcp 30001" : "audio: rtp 30000, rtcp 30001";
      const char* of_answerer =
          answering.holds ? "audio: rtp 40000 (held), rtcp 40001" : "audio: rtp 40000, rtcp 40001";
      const Agreement held = agree(offer, answer, narrow());
      EXPECT_EQ(to_text(held.toward_offerer), of_offerer) << offering.attribute << answering.attribute;
      EXPECT_EQ(to_text(held.toward_answerer), of_answerer) << offering.attribute << answering.attribute;
      EXPECT_EQ(to_text(offered(offer, narrow())), of_offerer)
          << "a first offer that is on hold opens RTCP only";

      const Agreement kept = agree(offer, answer, {});
      EXPECT_EQ(to_text(kept.toward_offerer), "audio: rtp 30000, rtcp 30001") << "hold = keep";
      EXPECT_EQ(to_text(kept.toward_answerer), "audio: rtp 40000, rtcp 40001") << "hold = keep";
    }
  }
}

// Whether media flows in one direction at least: that one party sends and the other receives.
TEST(HoldRow, OnHoldIsWhatLetsNoMediaFlowInEitherDirection) {
  struct Side {
    const char* direction;
    bool sends;
    bool receives;
  };
  constexpr Side sides[] = {{"", true, true},
                            {"|a=sendrecv", true, true},
                            {"|a=sendonly", true, false},
                            {"|a=recvonly", false, true},
                            {"|a=inactive", false, false}};
  auto section = [](const char* address, const Side& side, const char* more) {
    return dpinholer::test::sdp(
        {std::string(address) + "|audio 30000 RTP/AVP 0" + std::string(side.direction) + more});
  };
  for (const bool old_offer : {false, true}) {
    for (const bool old_answer : {false, true}) {
      for (const Side& offering : sides) {
        for (const Side& answering : sides) {
          const auto offer =
              announcement(section(old_offer ? "0.0.0.0" : "192.0.2.10", offering, ""), offerer_address);
          const auto answer =
              announcement(section(old_answer ? "0.0.0.0" : "203.0.113.5", answering, ""), answerer_address);
          const bool forth = offering.sends && answering.receives && !old_answer;
          const bool back = answering.sends && offering.receives && !old_offer;
          EXPECT_EQ(agree(offer, answer, {}).held, !forth && !back)
              << offering.direction << (old_offer ? " at 0.0.0.0" : "") << ", answered" << answering.direction
              << (old_answer ? " at 0.0.0.0" : "");
        }
      }
    }
  }
}

TEST(HoldRow, WhatIsOnHoldAndWhatIsNot) {
  const struct {
    const char* what;
    std::vector<std::string> offer;
    std::vector<std::string> answer;
    bool held;
  } rows[] = {
      {"IPv6", {"2001:db8::1|audio 30000 RTP/AVP 0|a=inactive"}, {"2001:db8::2|audio 40000 RTP/AVP 0"}, true},
      {"the old hold over IPv6", {"::|audio 30000 RTP/AVP 0"}, {"::|audio 40000 RTP/AVP 0"}, true},
      {"trickle ICE: its candidates come later",
       {"0.0.0.0|audio 9 RTP/AVP 0|a=ice-ufrag:x"},
       {"0.0.0.0|audio 9 RTP/AVP 0|a=ice-ufrag:y"},
       false},
      {"a refused m-line beside it",
       {"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive", "192.0.2.10|video 30002 RTP/AVP 31"},
       {"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive", "203.0.113.5|video 0 RTP/AVP 31"},
       true},
      {"no m-line that was accepted",
       {"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive"},
       {"203.0.113.5|audio 0 RTP/AVP 0"},
       false},
      {"no m-line at all", {}, {}, false},
      {"messages over TCP, which opens nothing here",
       {"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive", "192.0.2.10|message 2855 TCP/MSRP *"},
       {"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive", "203.0.113.5|message 2855 TCP/MSRP *"},
       false},
      {"an m-line of a bundle, without a port of its own",
       {"192.0.2.10|audio 30000 RTP/AVP 0|a=inactive|a=mid:1", "192.0.2.10|video 30002 RTP/AVP 31|a=mid:2"},
       {"203.0.113.5|audio 40000 RTP/AVP 0|a=inactive|a=mid:1", "203.0.113.5|video 40000 RTP/AVP 31|a=mid:2"},
       false},
  };
  for (const auto& row : rows) {
    const std::string session = "a=group:BUNDLE 1 2\r\n";
    const auto offer = announcement(dpinholer::test::sdp(row.offer, session), offerer_address);
    const auto answer = announcement(dpinholer::test::sdp(row.answer, session), answerer_address);
    EXPECT_EQ(agree(offer, answer, {}).held, row.held) << row.what;
  }
}

const Row hold_rows[] = {
    {.name = "MuxedPortStaysOpen",
     .rfc = "calls.md 7: RTCP comes there too",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp-mux|a=sendonly"},
     .answer = {"|audio 40000 RTP/AVP 0|a=rtcp-mux|a=inactive"},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000",
     .to_answerer = "audio: rtp 40000",
     .settings = narrow()},
    {.name = "MuxThatWasNotAgreedDoesNotCount",
     .rfc = "RFC 5761 5.1.1",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp-mux|a=sendonly"},
     .answer = {"|audio 40000 RTP/AVP 0|a=inactive"},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000 (held), rtcp 30001",
     .to_answerer = "audio: rtp 40000 (held), rtcp 40001",
     .settings = narrow()},
    {.name = "SharedRtcpPortStaysOpen",
     .rfc = "RFC 3605 with the port of m=: RTCP comes there too",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp:30000|a=sendonly"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp 30000",
     .to_offerer = "audio: rtp 30000",
     .to_answerer = "audio: rtp 40000, rtcp 40001",
     .settings = narrow()},
    {.name = "SessionLevelHoldsForAll",
     .rfc = "RFC 8866 6.7",
     .offer = {"|audio 30000 RTP/AVP 0", "|video 30002 RTP/AVP 31|a=sendrecv"},
     .answer = {"|audio 40000 RTP/AVP 0", "|video 40002 RTP/AVP 31"},
     .offered = "audio: rtp 30000 (held), rtcp 30001 | video: rtp 30002, rtcp 30003",
     .to_offerer = "audio: rtp 30000 (held), rtcp 30001 | video: rtp 30002, rtcp 30003",
     .to_answerer = "audio: rtp 40000, rtcp 40001 | video: rtp 40002, rtcp 40003",
     .offer_session = "c=IN IP4 192.0.2.10\r\na=inactive\r\n",
     .settings = narrow()},
    {.name = "CandidatesAreHeldAsTheirPort",
     .rfc = "RFC 8839 4.4.1: ICE goes on over what stays",
     .offer = {"|audio 30000 RTP/AVP 0|a=inactive|a=candidate:1 1 UDP 9 192.0.2.20 30100 typ host"
               "|a=candidate:1 2 UDP 8 192.0.2.20 30101 typ host"},
     .answer = {"|audio 40000 RTP/AVP 0|a=ice-ufrag:x"},
     .offered = "audio: rtp 30000 (held), rtcp 30001, rtp 192.0.2.20:30100 (held), rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000 (held), rtcp 30001, rtp 192.0.2.20:30100 (held), rtcp 192.0.2.20:30101",
     .to_answerer = "audio: rtp 40000, rtcp 40001",
     .settings = narrow()},
    {.name = "OtherProtocolsHaveNoHold",
     .rfc = "RFC 3264 8.4",
     .offer = {"|image 30000 udptl t38|a=inactive"},
     .answer = {"|image 40000 udptl t38|a=sendonly"},
     .offered = "image: data 30000",
     .to_offerer = "image: data 30000",
     .to_answerer = "image: data 40000",
     .settings = narrow()},
};
TEST_ROWS(HoldDetailRow, hold_rows);

}  // namespace
}  // namespace dpinholer::negotiation::test
