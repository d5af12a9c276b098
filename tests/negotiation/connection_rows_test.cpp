// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 4: connection data, and calls.md sections 3 and 7: the sources of a party.
#include "negotiation/row.h"

namespace dpinholer::negotiation::test {
namespace {

const Row connection_rows[] = {
    {.name = "MediaLevelWins",
     .rfc = "RFC 8866 5.7",
     .offer = {"|audio 30000 RTP/AVP 0", "192.0.2.11|video 30002 RTP/AVP 31"},
     .answer = {"203.0.113.6|audio 40000 RTP/AVP 0", "|video 40002 RTP/AVP 31"},
     .offered = "audio: rtp 30000, rtcp 30001 | video: rtp 192.0.2.11:30002, rtcp 192.0.2.11:30003",
     .to_offerer = "audio: rtp 30000, rtcp 30001 | video: rtp 192.0.2.11:30002, rtcp 192.0.2.11:30003",
     .to_answerer = "audio: rtp 203.0.113.6:40000, rtcp 203.0.113.6:40001 | video: rtp 40002, rtcp 40003"},
    {.name = "NoneAtAllOpensNothing",
     .rfc = "RFC 8866 5.7: either here or there it must be",
     .offer = {"|audio 30000 RTP/AVP 0"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offer_session = "",
     .answer_session = ""},
    {.name = "UnreadableMediaLevelFallsBack",
     .rfc = "calls.md 7: a line that can't be read is skipped",
     .offer = {"192.0.2.11/24|audio 30000 RTP/AVP 0"},
     .answer = {"203.0.113.006|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000, rtcp 30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "MixedFamilies",
     .rfc = "calls.md 4, RFC 6157",
     .offer = {"|audio 30000 RTP/AVP 0", "2001:db8::10|video 30002 RTP/AVP 31"},
     .answer = {"2001:db8:1::5|audio 40000 RTP/AVP 0", "|video 40002 RTP/AVP 31"},
     .offered = "audio: rtp 30000, rtcp 30001 | video: rtp [2001:db8::10]:30002, rtcp [2001:db8::10]:30003",
     .to_offerer =
         "audio: rtp 30000, rtcp 30001 | video: rtp [2001:db8::10]:30002, rtcp [2001:db8::10]:30003",
     .to_answerer =
         "audio: rtp [2001:db8:1::5]:40000, rtcp [2001:db8:1::5]:40001 | video: rtp 40002, rtcp 40003"},
    {.name = "HostNameIsLeftToPolicy",
     .rfc = "calls.md 4, attack A18",
     .offer = {"pc33.example.com|audio 30000 RTP/AVP 0|a=rtcp:30009 IN IP4 192.0.2.11"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp (name):30000, rtcp 192.0.2.11:30009",
     .to_offerer = "audio: rtp (name):30000, rtcp 192.0.2.11:30009",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "MulticastIsLeftToPolicy",
     .rfc = "RFC 8866 5.7",
     .offer = {"233.252.0.1/127|audio 30000 RTP/AVP 0"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp 233.252.0.1:30000, rtcp 233.252.0.1:30001",
     .to_offerer = "audio: rtp 233.252.0.1:30000, rtcp 233.252.0.1:30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
};
TEST_ROWS(ConnectionRow, connection_rows);

TEST(SourcesOfAParty, AreWhatItAnnouncedForTheMediaLine) {
  const struct {
    const char* what;
    std::string section;
    const char* senders;  // toward the other party; signalling last
  } rows[] = {
      {"c=", "198.51.100.1|audio 30000 RTP/AVP 0", "198.51.100.1, 192.0.2.10"},
      {"no c= at all: signalling is always a source", "|audio 30000 RTP/AVP 0", "192.0.2.10"},
      {"unspecified c= is nobody", "0.0.0.0|audio 30000 RTP/AVP 0", "192.0.2.10"},
      {"unspecified c= is nobody", "::|audio 30000 RTP/AVP 0", "192.0.2.10"},
      {"a host name is nobody", "pc33.example.com|audio 30000 RTP/AVP 0", "192.0.2.10"},
      {"a=rtcp", "198.51.100.1|audio 30000 RTP/AVP 0|a=rtcp:30007 IN IP4 198.51.100.2",
       "198.51.100.1, 198.51.100.2, 192.0.2.10"},
      {"candidates of any type, each once",
       "198.51.100.1|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 198.51.100.3 30100 typ host"
       "|a=candidate:2 1 UDP 8 198.51.100.4 30100 typ srflx raddr 10.0.0.1 rport 1"
       "|a=candidate:3 1 UDP 7 198.51.100.5 30100 typ relay"
       "|a=candidate:1 2 UDP 6 198.51.100.3 30101 typ host"
       "|a=candidate:4 1 UDP 5 198.51.100.1 30000 typ host",
       "198.51.100.1, 198.51.100.3, 198.51.100.4, 198.51.100.5, 192.0.2.10"},
      {"a TCP active candidate connects from there",
       "198.51.100.1|audio 30000 RTP/AVP 0|a=candidate:1 1 TCP 9 198.51.100.6 9 typ host tcptype active",
       "198.51.100.1, 198.51.100.6, 192.0.2.10"},
      {"a candidate that is a name is nobody",
       "198.51.100.1|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 x.local 9000 typ host",
       "198.51.100.1, 192.0.2.10"},
      {"both families, for pinholes of both",
       "198.51.100.1|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 2001:db8::7 30100 typ host",
       "198.51.100.1, 2001:db8::7, 192.0.2.10"},
  };
  for (const auto& row : rows) {
    const auto offer = announcement(dpinholer::test::sdp({row.section}), offerer_address);
    const auto answer = announcement(
        dpinholer::test::sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=ice-ufrag:x"}), answerer_address);
    EXPECT_EQ(senders_text(agree(offer, answer, {}).toward_answerer), row.senders) << row.what;
    EXPECT_EQ(senders_text(agree(answer, offer, {}).toward_offerer), row.senders) << row.what;
  }
}

TEST(SourcesOfAParty, AreOfTheMediaLineNotOfTheSession) {
  const auto offer = announcement(
      dpinholer::test::sdp({"198.51.100.1|audio 30000 RTP/AVP 0", "198.51.100.2|video 30002 RTP/AVP 31"}),
      offerer_address);
  const auto answer = announcement(
      dpinholer::test::sdp({"203.0.113.5|audio 40000 RTP/AVP 0", "203.0.113.5|video 40002 RTP/AVP 31"}),
      answerer_address);
  const Grants toward = agree(offer, answer, {}).toward_answerer;
  ASSERT_EQ(toward.size(), 2U);
  EXPECT_EQ(toward[0].senders, std::vector{address("198.51.100.1")});
  EXPECT_EQ(toward[1].senders, std::vector{address("198.51.100.2")});
}

TEST(MostPinholes, IsAnUpperBoundWithoutAList) {
  const struct {
    std::vector<std::string> sections;
    std::size_t most;
  } rows[] = {
      {{}, 0},
      {{"192.0.2.10|audio 30000 RTP/AVP 0"}, 2},
      {{"192.0.2.10|audio 0 RTP/AVP 0"}, 0},
      {{"192.0.2.10|image 30000 udptl t38", "192.0.2.10|audio 30000/4 RTP/AVP 0"}, 9},
      {{"192.0.2.10|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 192.0.2.20 30100 typ host"}, 3},
      {{"192.0.2.10|audio 2000/4294967295 RTP/AVP 0", "192.0.2.10|audio 2000/4294967295 RTP/AVP 0"},
       std::size_t{4} * 4294967295},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(most_pinholes(announcement(dpinholer::test::sdp(row.sections), offerer_address).description),
              row.most);
  }
}

}  // namespace
}  // namespace dpinholer::negotiation::test
