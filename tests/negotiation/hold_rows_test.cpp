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
