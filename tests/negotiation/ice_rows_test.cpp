// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 4: candidates (RFC 8839, 6544), port 9, and connection data that means no port.
#include "negotiation/row.h"

namespace dpinholer::negotiation::test {
namespace {

Settings with_tcp() {
  Settings settings;
  settings.tcp = true;
  return settings;
}

const std::string host_candidates =
    "|a=candidate:1 1 UDP 2130706431 192.0.2.20 30100 typ host|a=candidate:1 2 UDP 2130706430 192.0.2.20 "
    "30101 "
    "typ host";
const std::string answered =
    "|audio 40000 RTP/AVP 0|a=candidate:1 1 UDP 2130706431 203.0.113.5 40000 typ host";

const Row ice_rows[] = {
    {.name = "EveryComponentHasItsOwn",
     .rfc = "RFC 8839 5.1",
     .offer = {"|audio 30000 RTP/AVP 0" + host_candidates},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "AnyTypeCountsAndRelatedAddressesDoNot",
     .rfc = "RFC 8839 5.1",
     .offer = {"|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 192.0.2.20 30100 typ host"
               "|a=candidate:2 1 UDP 8 198.51.100.7 45664 typ srflx raddr 192.0.2.21 rport 30200"
               "|a=candidate:3 1 UDP 7 198.51.100.8 50000 typ prflx raddr 192.0.2.22 rport 30300"
               "|a=candidate:4 1 UDP 6 198.51.100.9 60000 typ relay raddr 192.0.2.23 rport 30400"
               "|a=candidate:5 1 UDP 5 198.51.100.10 60001 typ unheard-of"},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtp 198.51.100.7:45664, rtp "
                "198.51.100.8:50000, rtp 198.51.100.9:60000, rtp 198.51.100.10:60001",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtp 198.51.100.7:45664, rtp "
                   "198.51.100.8:50000, rtp 198.51.100.9:60000, rtp 198.51.100.10:60001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "DefaultCandidateIsOnePinhole",
     .rfc = "RFC 8839 4.2.1.1: the m= and c= lines repeat one of the candidates",
     .offer = {"|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 192.0.2.10 30000 typ host"
               "|a=candidate:1 2 UDP 8 192.0.2.10 30001 typ host"},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000, rtcp 30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "MuxTakesTheSecondComponentAway",
     .rfc = "RFC 8839 4.2.1.1, RFC 5761 5.1.3",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp-mux" + host_candidates},
     .answer = {answered + "|a=rtcp-mux|a=candidate:1 2 UDP 1 203.0.113.5 40009 typ host"},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtp 192.0.2.20:30100",
     .to_answerer = "audio: rtp 40000"},
    {.name = "MuxOnlyNeverHasASecondComponent",
     .rfc = "RFC 8858 4.1",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp-mux|a=rtcp-mux-only" + host_candidates},
     .answer = {answered + "|a=rtcp-mux"},
     .offered = "audio: rtp 30000, rtp 192.0.2.20:30100",
     .to_offerer = "audio: rtp 30000, rtp 192.0.2.20:30100",
     .to_answerer = "audio: rtp 40000"},
    {.name = "NamesOpenNothing",
     .rfc = "RFC 8839 5.1, mDNS names of browsers",
     .offer = {"|audio 30000 RTP/AVP 0"
               "|a=candidate:1 1 UDP 9 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 54596 typ host"
               "|a=candidate:2 1 UDP 8 host.example.com 30100 typ host"
               "|a=candidate:3 1 UDP 7 192.0.2.20 30102 typ host"},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30102",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30102",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "AnswerWithoutIceClosesCandidates",
     .rfc = "RFC 8839 4.2.2, calls.md 7",
     .offer = {"|audio 30000 RTP/AVP 0|a=rtcp:30007" + host_candidates},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp 30000, rtcp 30007, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtcp 30007",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "MismatchCountsAsNoIce",
     .rfc = "RFC 8839 4.2.5, 5.3",
     .offer = {"|audio 30000 RTP/AVP 0" + host_candidates},
     .answer = {"|audio 40000 RTP/AVP 0|a=ice-mismatch"},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtcp 30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "IceInTheAnswerAloneIsIgnored",
     .rfc = "RFC 8839 4.2.2",
     .offer = {"|audio 30000 RTP/AVP 0"},
     .answer = {"|audio 40000 RTP/AVP 0|a=candidate:1 1 UDP 9 203.0.113.77 40100 typ host"},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000, rtcp 30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "IceIsAgreedPerMediaLine",
     .rfc = "RFC 8839 4.2.2",
     .offer = {"|audio 30000 RTP/AVP 0" + host_candidates, "|video 30002 RTP/AVP 31" + host_candidates},
     .answer = {answered, "|video 40002 RTP/AVP 31"},
     .offered =
         "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101 | video: rtp 30002, "
         "rtcp 30003, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101 | video: rtp "
                   "30002, rtcp 30003",
     .to_answerer = "audio: rtp 40000, rtcp 40001 | video: rtp 40002, rtcp 40003"},
    {.name = "LiteAnswererHasIceWithoutTrickle",
     .rfc = "RFC 8839 5.3",
     .offer = {"|audio 30000 RTP/AVP 0" + host_candidates},
     .answer = {"|audio 40000 RTP/AVP 0|a=candidate:1 1 UDP 9 203.0.113.5 40000 typ host"},
     .offered = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_answerer = "audio: rtp 40000, rtcp 40001",
     .answer_session = "c=IN IP4 203.0.113.5\r\na=ice-lite\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"},
    {.name = "OfProtocolsWithOneComponent",
     .rfc = "RFC 8839 4.1, RFC 7345",
     .offer = {"|image 30000 UDP/TLS/UDPTL t38|a=candidate:1 1 UDP 9 192.0.2.20 30100 typ host"},
     .answer = {"|image 40000 UDP/TLS/UDPTL t38|a=candidate:1 1 UDP 9 203.0.113.6 40100 typ host"},
     .offered = "image: data 30000, data 192.0.2.20:30100",
     .to_offerer = "image: data 30000, data 192.0.2.20:30100",
     .to_answerer = "image: data 40000, data 203.0.113.6:40100"},
    {.name = "Ipv6BesideIpv4",
     .rfc = "RFC 8421, calls.md 4",
     .offer = {"|audio 30000 RTP/AVP 0|a=candidate:1 1 UDP 9 2001:db8::10 30100 typ host"},
     .answer = {"2001:db8:1::5|audio 40000 RTP/AVP 0|a=candidate:1 1 UDP 9 203.0.113.5 40100 typ host"},
     .offered = "audio: rtp 30000, rtcp 30001, rtp [2001:db8::10]:30100",
     .to_offerer = "audio: rtp 30000, rtcp 30001, rtp [2001:db8::10]:30100",
     .to_answerer = "audio: rtp [2001:db8:1::5]:40000, rtcp [2001:db8:1::5]:40001, rtp 40100"},
};
TEST_ROWS(IceRow, ice_rows);

const std::string tcp_candidates =
    "|a=candidate:1 1 TCP 9 192.0.2.20 9 typ host tcptype active"
    "|a=candidate:2 1 TCP 8 192.0.2.20 8998 typ host tcptype passive"
    "|a=candidate:3 1 TCP 7 192.0.2.20 8999 typ host tcptype so"
    "|a=candidate:4 1 tcp 6 192.0.2.20 9001 typ srflx raddr 192.0.2.21 rport 9000 generation 0 tcptype "
    "passive"
    "|a=candidate:5 1 TCP 5 192.0.2.20 9002 typ host"
    "|a=candidate:6 1 TCP 4 192.0.2.20 9003 typ host tcptype unheard-of";

const Row ice_tcp_rows[] = {
    {.name = "OffByDefault",
     .rfc = "calls.md 4, attack A1",
     .offer = {"|audio 30000 RTP/AVP 0" + tcp_candidates},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001",
     .to_offerer = "audio: rtp 30000, rtcp 30001",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "PassiveAndSimultaneousOpenOnly",
     .rfc = "RFC 6544 4.5: tcptype is mandatory",
     .offer = {"|audio 30000 RTP/AVP 0" + tcp_candidates},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001, tcp rtp 192.0.2.20:8998, tcp rtp 192.0.2.20:8999, tcp rtp "
                "192.0.2.20:9001",
     .to_offerer = "audio: rtp 30000, rtcp 30001, tcp rtp 192.0.2.20:8998, tcp rtp 192.0.2.20:8999, tcp rtp "
                   "192.0.2.20:9001",
     .to_answerer = "audio: rtp 40000, rtcp 40001",
     .settings = with_tcp()},
    {.name = "SameNumberInBothProtocolsAreTwoPinholes",
     .rfc = "RFC 6544 4.5",
     .offer = {"|audio 30000 RTP/AVP 0|a=candidate:1 1 TCP 9 192.0.2.10 30000 typ host tcptype passive"},
     .answer = {answered},
     .offered = "audio: rtp 30000, rtcp 30001, tcp rtp 30000",
     .to_offerer = "audio: rtp 30000, rtcp 30001, tcp rtp 30000",
     .to_answerer = "audio: rtp 40000, rtcp 40001",
     .settings = with_tcp()},
};
TEST_ROWS(IceTcpRow, ice_tcp_rows);

const Row no_port_rows[] = {
    {.name = "PortNineWithCandidatesOpensTheCandidates",
     .rfc = "RFC 8840 4.1.1",
     .offer = {"|audio 9 UDP/TLS/RTP/SAVPF 111|a=rtcp:9 IN IP4 0.0.0.0" + host_candidates},
     .answer = {"|audio 9 UDP/TLS/RTP/SAVPF 111|a=candidate:1 1 UDP 9 203.0.113.5 40100 typ host"},
     .offered = "audio: rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_answerer = "audio: rtp 40100"},
    {.name = "PortNineBeforeAnyCandidateOpensNothingYet",
     .rfc = "RFC 8840 4.1.1",
     .offer = {"|audio 9 UDP/TLS/RTP/SAVPF 111|a=ice-ufrag:x"},
     .answer = {"|audio 9 UDP/TLS/RTP/SAVPF 111|a=ice-ufrag:y"}},
    {.name = "PortNineWithoutIceIsLeftToPolicy",
     .rfc = "calls.md 5, port-policy",
     .offer = {"|audio 9 RTP/AVP 0"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .offered = "audio: rtp 9, rtcp 10",
     .to_offerer = "audio: rtp 9, rtcp 10",
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "UnspecifiedConnectionOpensTheCandidates",
     .rfc = "RFC 8840 4.1.1, RFC 8839 4.2.1.1",
     .offer = {"0.0.0.0|audio 30000 RTP/AVP 0" + host_candidates},
     .answer = {"::|audio 40000 RTP/AVP 0|a=candidate:1 1 UDP 9 203.0.113.5 40100 typ host"},
     .offered = "audio: rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_offerer = "audio: rtp 192.0.2.20:30100, rtcp 192.0.2.20:30101",
     .to_answerer = "audio: rtp 40100"},
    {.name = "UnspecifiedConnectionIsTheOldHold",
     .rfc = "RFC 3264 8.4 (RFC 2543 hold)",
     .offer = {"0.0.0.0|audio 30000 RTP/AVP 0"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "UnspecifiedConnectionForIpv6",
     .rfc = "RFC 6157 5.2.1, calls.md 4",
     .offer = {"::|audio 30000 RTP/AVP 0|a=rtcp:30009 IN IP6 ::"},
     .answer = {"|audio 40000 RTP/AVP 0"},
     .to_answerer = "audio: rtp 40000, rtcp 40001"},
    {.name = "PortZeroWithCandidatesOpensNothing",
     .rfc = "RFC 3264 6",
     .offer = {"|audio 0 RTP/AVP 0" + host_candidates},
     .answer = {"|audio 0 RTP/AVP 0" + host_candidates}},
};
TEST_ROWS(NoPortRow, no_port_rows);

// RFC 8839 appendix A, with the addresses it has there.
TEST(IceRow, Rfc8839AppendixA) {
  const Announcement offer = announcement(
      "v=0\r\n"
      "o=jdoe 2890844526 2890842807 IN IP6 fe80::6676:baff:fe9c:ee4a\r\n"
      "s=\r\n"
      "c=IN IP6 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9\r\n"
      "t=0 0\r\n"
      "a=ice-options:ice2\r\n"
      "a=ice-pacing:50\r\n"
      "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
      "a=ice-ufrag:8hhY\r\n"
      "m=audio 45664 RTP/AVP 0\r\n"
      "b=RS:0\r\n"
      "b=RR:0\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "a=candidate:1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host\r\n"
      "a=candidate:2 1 UDP 1694498815 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9 45664 typ srflx raddr "
      "fe80::6676:baff:fe9c:ee4a rport 8998\r\n",
      "2001:db8:8101:3a55:4858:a2a9:22ff:99b9");
  const Announcement answer = announcement(
      "v=0\r\n"
      "o=bob 2808844564 2808844564 IN IP4 192.0.2.1\r\n"
      "s=\r\n"
      "c=IN IP4 192.0.2.1\r\n"
      "t=0 0\r\n"
      "a=ice-options:ice2\r\n"
      "a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh\r\n"
      "a=ice-ufrag:9uB6\r\n"
      "m=audio 3478 RTP/AVP 0\r\n"
      "b=RS:0\r\n"
      "b=RR:0\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host\r\n",
      "192.0.2.1");
  const Agreement agreement = agree(offer, answer, {});
  EXPECT_EQ(to_text(agreement.toward_offerer),
            "audio: rtp [2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45664, rtcp "
            "[2001:db8:8101:3a55:4858:a2a9:22ff:99b9]:45665, rtp [fe80::6676:baff:fe9c:ee4a]:8998");
  EXPECT_EQ(to_text(agreement.toward_answerer), "audio: rtp 192.0.2.1:3478, rtcp 192.0.2.1:3479");
  EXPECT_EQ(senders_text(agreement.toward_answerer),
            "2001:db8:8101:3a55:4858:a2a9:22ff:99b9, fe80::6676:baff:fe9c:ee4a, "
            "2001:db8:8101:3a55:4858:a2a9:22ff:99b9")
      << "what of it is no source is policy's to say";
}

}  // namespace
}  // namespace dpinholer::negotiation::test
