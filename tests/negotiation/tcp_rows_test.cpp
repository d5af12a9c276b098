// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 4: media over TCP (RFC 4145, 4571, 4975, 8856), and who may be connected to.
#include <array>

#include "negotiation/row.h"

namespace dpinholer::negotiation::test {
namespace {

constexpr std::array setups{"", "|a=setup:active", "|a=setup:passive", "|a=setup:actpass",
                            "|a=setup:holdconn"};
enum : std::size_t { absent, active, passive, actpass, holdconn };

Settings with_tcp() {
  Settings settings;
  settings.tcp = true;
  return settings;
}

Announcement msrp(std::string_view party, int port, std::size_t setup) {
  return announcement(dpinholer::test::sdp({std::string(party) + "|message " + std::to_string(port) +
                                            " TCP/MSRP *" + setups[setup]}),
                      party);
}

// RFC 4145 section 4.1. What a party listens on is open, whoever of the two it is.
TEST(TcpSetupRow, EveryOfferMeetsEveryAnswer) {
  struct Expectation {
    bool offered;
    std::array<bool, setups.size()> offerer;  // by the answer's a=setup
  };
  constexpr std::array<Expectation, setups.size()> by_offer{{
      // answer:            absent active passive actpass holdconn
      /* absent   */ {false, {false, false, false, false, false}},  // means active
      /* active   */ {false, {false, false, false, false, false}},
      /* passive  */ {true, {true, true, true, true, false}},
      /* actpass  */ {true, {false, true, false, false, false}},  // answered passive: connects out
      /* holdconn */ {false, {false, false, false, false, false}},
  }};
  // The answerer is judged by its own word: absent means passive there.
  constexpr std::array<bool, setups.size()> answerer{true, false, true, true, false};
  for (std::size_t offering = 0; offering < setups.size(); ++offering) {
    const Announcement offer = msrp(offerer_address, 2855, offering);
    EXPECT_EQ(to_text(offered(offer, with_tcp())),
              by_offer[offering].offered ? "message: tcp data 2855" : "");
    EXPECT_EQ(to_text(offered(offer, {})), by_offer[offering].offered ? "message: tcp data 2855 (off)" : "")
        << "TCP media is off by default";
    for (std::size_t answering = 0; answering < setups.size(); ++answering) {
      const Announcement answer = msrp(answerer_address, 2856, answering);
      const Agreement agreement = agree(offer, answer, with_tcp());
      EXPECT_EQ(to_text(agreement.toward_offerer),
                by_offer[offering].offerer[answering] ? "message: tcp data 2855" : "")
          << setups[offering] << " answered" << setups[answering];
      EXPECT_EQ(to_text(agreement.toward_answerer), answerer[answering] ? "message: tcp data 2856" : "")
          << setups[offering] << " answered" << setups[answering];
      const Agreement off = agree(offer, answer, {});
      EXPECT_EQ(to_text(off.toward_offerer),
                by_offer[offering].offerer[answering] ? "message: tcp data 2855 (off)" : "");
      EXPECT_EQ(to_text(off.toward_answerer), answerer[answering] ? "message: tcp data 2856 (off)" : "");
    }
  }
}

TEST(TcpSetupRow, ProtocolFieldsOverTcpOpenOnePort) {
  const struct {
    const char* protocol;
    const char* rfc;
  } rows[] = {{"TCP/MSRP", "RFC 4975"},      {"TCP/TLS/MSRP", "RFC 4975"}, {"TCP/BFCP", "RFC 8856"},
              {"TCP/TLS/BFCP", "RFC 8856"},  {"TCP/RTP/AVP", "RFC 4571"},  {"TCP/RTP/SAVPF", "RFC 7850"},
              {"TCP/DTLS/SCTP", "RFC 8841"}, {"TCP/MRCPv2", "RFC 6787"},   {"TCP", "RFC 4145"},
              {"tcp/msrp", "calls.md 7"}};
  for (const auto& row : rows) {
    const auto offer = announcement(
        dpinholer::test::sdp({"192.0.2.10|audio 2855 " + std::string(row.protocol) + " *|a=setup:passive"}),
        offerer_address);
    EXPECT_EQ(to_text(offered(offer, with_tcp())), "audio: tcp data 2855") << row.protocol << " " << row.rfc;
    EXPECT_EQ(to_text(offered(offer, {})), "audio: tcp data 2855 (off)") << row.protocol;
  }
}

const Row tcp_rows[] = {
    {.name = "T38PassiveOffer",
     .rfc = "RFC 4145 7.1",
     .offer = {"|image 54111 TCP t38|a=setup:passive|a=connection:new"},
     .answer = {"|image 9 TCP t38|a=setup:active|a=connection:new"},
     .offered = "image: tcp data 54111",
     .to_offerer = "image: tcp data 54111",
     .settings = with_tcp()},
    {.name = "T38ActpassOffer",
     .rfc = "RFC 4145 7.2",
     .offer = {"|image 54111 TCP t38|a=setup:actpass|a=connection:new"},
     .answer = {"|image 53000 TCP t38|a=setup:passive|a=connection:new"},
     .offered = "image: tcp data 54111",
     .to_answerer = "image: tcp data 53000",
     .settings = with_tcp()},
    {.name = "MsrpWithoutSetupIsConnectedToByTheOfferer",
     .rfc = "RFC 4975 8.1, 5.4",
     .offer = {"|message 7394 TCP/MSRP *|a=path:msrp://192.0.2.10:7394/2s93i9ek2a;tcp"},
     .answer = {"|message 8493 TCP/MSRP *|a=path:msrp://203.0.113.5:8493/si438dsaodes;tcp"},
     .to_answerer = "message: tcp data 8493",
     .settings = with_tcp()},
    {.name = "BfcpOverTlsBesideAudioAndVideo",
     .rfc = "RFC 8856 14",
     .offer = {"|application 50000 TCP/TLS/BFCP *|a=setup:actpass|a=connection:new|a=floorctrl:c-only s-only",
               "|audio 55000 RTP/AVP 0", "|video 55002 RTP/AVP 31"},
     .answer = {"|application 9 TCP/TLS/BFCP *|a=setup:active|a=connection:new|a=floorctrl:s-only",
                "|audio 55000 RTP/AVP 0", "|video 55002 RTP/AVP 31"},
     .offered = "application: tcp data 50000 | audio: rtp 55000, rtcp 55001 | video: rtp 55002, rtcp 55003",
     .to_offerer =
         "application: tcp data 50000 | audio: rtp 55000, rtcp 55001 | video: rtp 55002, rtcp 55003",
     .to_answerer = "audio: rtp 55000, rtcp 55001 | video: rtp 55002, rtcp 55003",
     .settings = with_tcp()},
    {.name = "SetupOfTheSessionHoldsForItsMediaLines",
     .rfc = "RFC 4145 4",
     .offer = {"|message 2855 TCP/MSRP *", "|message 2857 TCP/MSRP *|a=setup:active"},
     .answer = {"|message 9 TCP/MSRP *|a=setup:active", "|message 3000 TCP/MSRP *|a=setup:passive"},
     .offered = "message: tcp data 2855",
     .to_offerer = "message: tcp data 2855",
     .to_answerer = "message: tcp data 3000",
     .offer_session = "c=IN IP4 192.0.2.10\r\na=setup:passive\r\n",
     .settings = with_tcp()},
    {.name = "SetupOfDtlsMeansNothingToUdp",
     .rfc = "RFC 5763 5: the roles of DTLS, not of a connection",
     .offer = {"|audio 30000 UDP/TLS/RTP/SAVP 0|a=setup:active",
               "|image 30002 UDP/TLS/UDPTL t38|a=setup:active"},
     .answer = {"|audio 40000 UDP/TLS/RTP/SAVP 0|a=setup:passive",
                "|image 40002 UDP/TLS/UDPTL t38|a=setup:holdconn"},
     .offered = "audio: rtp 30000, rtcp 30001 | image: data 30002",
     .to_offerer = "audio: rtp 30000, rtcp 30001 | image: data 30002",
     .to_answerer = "audio: rtp 40000, rtcp 40001 | image: data 40002"},
    {.name = "PortCountMeansNothingToTcp",
     .rfc = "RFC 4145 3",
     .offer = {"|message 2855/4 TCP/MSRP *|a=setup:passive"},
     .answer = {"|message 9 TCP/MSRP *|a=setup:active"},
     .offered = "message: tcp data 2855",
     .to_offerer = "message: tcp data 2855",
     .settings = with_tcp()},
};
TEST_ROWS(TcpRow, tcp_rows);

}  // namespace
}  // namespace dpinholer::negotiation::test
