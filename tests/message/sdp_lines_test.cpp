// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/sdp_lines.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace dpinholer::message {
namespace {

TEST(SdpLines, Rfc8866Section514Profiles) {
  struct Case {
    const char* proto;
    Profile profile;
  };
  using enum Profile;
  const Case cases[] = {
      {"RTP/AVP", rtp},            // RFC 3551
      {"rtp/avp", rtp},            // calls.md section 7: without regard to case
      {"RTP/SAVP", rtp},           // RFC 3711
      {"RTP/AVPF", rtp},           // RFC 4585
      {"RTP/SAVPF", rtp},          // RFC 5124
      {"UDP/TLS/RTP/SAVP", rtp},   // RFC 5764
      {"UDP/TLS/RTP/SAVPF", rtp},  // RFC 5764
      {"udptl", udp},              // RFC 3362
      {"UDPTL", udp},
      {"UDP/UDPTL", udp},
      {"UDP/TLS/UDPTL", udp},  // RFC 7345
      {"UDP/DTLS/SCTP", udp},  // RFC 8841
      {"DTLS/SCTP", udp},      // its drafts
      {"UDP/BFCP", udp},       // RFC 8856
      {"UDP/TLS/BFCP", udp},   // RFC 8856
      {"udp", udp},            // RFC 8866
      {"UDP/anything", udp},
      {"udpsprt", udp},       // ITU-T V.150.1
      {"TCP", tcp},           // RFC 4145
      {"TCP/MSRP", tcp},      // RFC 4975
      {"TCP/TLS/MSRP", tcp},  // RFC 4975
      {"TCP/BFCP", tcp},      // RFC 8856
      {"TCP/TLS/BFCP", tcp},  // RFC 8856
      {"TCP/RTP/AVP", tcp},   // RFC 4571
      {"TCP/TLS/RTP/SAVP", tcp},
      {"TCP/DTLS/SCTP", tcp},         // RFC 8841
      {"TCP/MRCPv2", tcp},            // RFC 6787
      {"tcp/tls", tcp},               // RFC 8122
      {"DCCP/RTP/AVP", unsupported},  // RFC 5762
      {"DCCP", unsupported},
      {"SCTP", unsupported},
      {"SCTP/DTLS", unsupported},
      {"PSTN", unsupported},      // RFC 7195
      {"AAL2/ITU", unsupported},  // RFC 3108
      {"RTP", unsupported},
      {"RTP/AVPX", unsupported},
      {"UDP/", unsupported},
      {"TCP/", unsupported},
      {"UDPX", unsupported},
  };
  for (const auto& c : cases) {
    const auto media = read_media_line("audio 49170 " + std::string(c.proto) + " 0");
    ASSERT_TRUE(media) << c.proto;
    EXPECT_EQ(media->profile, c.profile) << c.proto;
  }
}

TEST(SdpLines, Rfc8866Section514MediaLine) {
  struct Case {
    const char* value;
    bool readable;
    std::uint32_t port;
    std::uint32_t count;
  };
  const Case cases[] = {
      {"audio 49170 RTP/AVP 0", true, 49170, 1},
      {"video 49170/2 RTP/AVP 31", true, 49170, 2},
      {"audio 0 RTP/AVP 0", true, 0, 1},
      {"audio 00049170 RTP/AVP 0", true, 49170, 1},  // calls.md section 7: decimal whatever zeros lead
      {"audio 492170 RTP/AVP 0", true, 492170, 1},   // the policy's business
      {"audio 4294967295/4294967295 RTP/AVP 0", true, 4294967295, 4294967295},
      {"audio 4294967296 RTP/AVP 0", false, 0, 0},
      {"audio 1/4294967296 RTP/AVP 0", false, 0, 0},
      {"audio  49170  RTP/AVP  0", true, 49170, 1},
      {"audio 49170 RTP/AVP", true, 49170, 1},
      {"audio 49170", false, 0, 0},
      {"audio", false, 0, 0},
      {"", false, 0, 0},
      {"audio 0x10 RTP/AVP 0", false, 0, 0},
      {"audio -1 RTP/AVP 0", false, 0, 0},
      {"audio +1 RTP/AVP 0", false, 0, 0},
      {"audio 49170/ RTP/AVP 0", false, 0, 0},
      {"audio 49170/0 RTP/AVP 0", false, 0, 0},
      {"audio 49170/2/2 RTP/AVP 0", false, 0, 0},
      {"audio /2 RTP/AVP 0", false, 0, 0},
      {"audio $ RTP/AVP 0", false, 0, 0},
      {"audio\t49170\tRTP/AVP\t0", false, 0, 0},
  };
  for (const auto& c : cases) {
    const auto media = read_media_line(c.value);
    ASSERT_EQ(media.has_value(), c.readable) << c.value;
    if (!media) continue;
    EXPECT_EQ(media->port, c.port) << c.value;
    EXPECT_EQ(media->port_count, c.count) << c.value;
  }
  EXPECT_EQ(read_media_line(std::string(100, 'x') + " 1 udp")->media.size(), base::limits::token_length);
}

TEST(SdpLines, Rfc8866Section57ConnectionData) {
  struct Case {
    const char* why;
    const char* value;
    const char* read;  // nullptr: can't be
  };
  const Case cases[] = {
      {"5.7", "IN IP4 198.51.100.1", "198.51.100.1"},
      {"5.7", "IN IP6 2001:db8::1", "2001:db8::1"},
      {"calls.md section 7: without regard to case", "in ip4 192.0.2.1", "192.0.2.1"},
      {"5.7: multicast with a TTL", "IN IP4 233.252.0.1/127", "233.252.0.1"},
      {"and a count", "IN IP4 233.252.0.1/127/3", "233.252.0.1"},
      {"without", "IN IP4 233.252.0.1", "233.252.0.1"},
      {"of IPv6 with a count", "IN IP6 ff00::db8:0:101/3", "ff00::db8:0:101"},
      {"a hold", "IN IP4 0.0.0.0", "0.0.0.0"},
      {"a hold", "IN IP6 ::", "::"},
      {"A18: a name", "IN IP4 host.example.com", "name host.example.com"},
      {"one label", "IN IP6 localhost", "name localhost"},
      {"RFC 8839 5.1: mDNS", "IN IP4 1f4712db-ea17-4bcf-a596-105139dfd8bf.local",
       "name 1f4712db-ea17-4bcf-a596-105139dfd8bf.local"},
      {"more spaces", "IN  IP4  192.0.2.1 ", "192.0.2.1"},
      {"A16: the other family", "IN IP4 2001:db8::1", nullptr},
      {"A16: the other family", "IN IP6 192.0.2.1", nullptr},
      {"A16: octal", "IN IP4 0300.0.2.1", nullptr},
      {"A16: leading zeros", "IN IP4 192.000.002.001", nullptr},
      {"A16: hexadecimal", "IN IP4 0xc0000201", nullptr},
      {"A16: hexadecimal parts", "IN IP4 0x7f.1", nullptr},
      {"A16: one number", "IN IP4 3221225985", nullptr},
      {"A16: three parts", "IN IP4 127.0.1", nullptr},
      {"A16: a dot behind", "IN IP4 192.0.2.1.", nullptr},
      {"A16: a dot behind a name", "IN IP4 example.com.", nullptr},
      {"A16: a zone id", "IN IP6 fe80::1%eth0", nullptr},
      {"A16: brackets", "IN IP6 [2001:db8::1]", nullptr},
      {"A16: mapped is read, and refused by the policy", "IN IP6 ::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"calls.md section 7: a slash on a unicast address", "IN IP4 192.0.2.1/24", nullptr},
      {"calls.md section 7: the same", "IN IP6 2001:db8::1/64", nullptr},
      {"a TTL that is none", "IN IP4 233.252.0.1/", nullptr},
      {"a TTL that is none", "IN IP4 233.252.0.1/x", nullptr},
      {"too many", "IN IP4 233.252.0.1/127/3/4", nullptr},
      {"IPv6 has no TTL", "IN IP6 ff00::1/127/3", nullptr},
      {"a slash on a name", "IN IP4 host.example.com/127", nullptr},
      {"a name that could be a number", "IN IP4 1.2.3.4a", nullptr},
      {"an underscore", "IN IP4 a_b", nullptr},
      {"another network", "ATM NSAP 47.0091", nullptr},
      {"another address type", "IN IP5 192.0.2.1", nullptr},
      {"nothing", "", nullptr},
      {"no address", "IN IP4", nullptr},
      {"more than an address", "IN IP4 192.0.2.1 192.0.2.2", nullptr},
      {"a tab", "IN IP4\t192.0.2.1", nullptr},
  };
  for (const auto& c : cases) {
    const auto connection = read_connection(c.value);
    ASSERT_EQ(connection.has_value(), c.read != nullptr) << c.why << ": " << c.value;
    if (!connection) continue;
    const bool named = connection->kind == Connection::Kind::host_name;
    EXPECT_EQ(named ? "name " + connection->host_name : connection->address.to_string(), c.read) << c.why;
  }
  const std::string long_name(base::limits::host_name_length + 1, 'x');
  EXPECT_EQ(read_connection("IN IP4 " + long_name)->host_name.size(), base::limits::host_name_length);
}

TEST(SdpLines, Rfc3605Section21Rtcp) {
  struct Case {
    const char* value;
    std::optional<std::uint32_t> port;
    std::optional<std::string> address;
  };
  const Case cases[] = {
      {"53020", 53020, {}},
      {"53020 IN IP4 126.16.64.4", 53020, "126.16.64.4"},
      {"53020 IN IP6 2001:db8::1", 53020, "2001:db8::1"},
      {"65536", 65536, {}},
      {"", {}, {}},
      {"x", {}, {}},
      {"4294967296", {}, {}},
      {"53020 IN", {}, {}},
      {"53020 IN IP4 host.example.com", {}, {}},
      {"53020 IN IP4 2001:db8::1", {}, {}},
      {"53020 IN IP4 192.0.2.1/24", {}, {}},
      {"53020 IN IP4 192.0.2.1 more", {}, {}},
  };
  for (const auto& c : cases) {
    const auto rtcp = read_rtcp(c.value);
    ASSERT_EQ(rtcp.has_value(), c.port.has_value()) << c.value;
    if (!rtcp) continue;
    EXPECT_EQ(rtcp->port, *c.port) << c.value;
    ASSERT_EQ(rtcp->address.has_value(), c.address.has_value()) << c.value;
    EXPECT_EQ(rtcp->address ? rtcp->address->to_string() : "", c.address.value_or("")) << c.value;
  }
}

TEST(SdpLines, Rfc4145Section4Setup) {
  EXPECT_EQ(read_setup("active"), Setup::active);
  EXPECT_EQ(read_setup("passive"), Setup::passive);
  EXPECT_EQ(read_setup("actpass"), Setup::actpass);
  EXPECT_EQ(read_setup("holdconn"), Setup::holdconn);
  EXPECT_EQ(read_setup("ACTIVE"), Setup::active);  // a literal of the grammar (RFC 5234 section 2.3)
  EXPECT_FALSE(read_setup(""));
  EXPECT_FALSE(read_setup("active passive"));
}

TEST(SdpLines, Rfc8839Section51Candidates) {
  struct Case {
    const char* why;
    const char* value;
    const char* read;  // nullptr: can't be
  };
  const Case cases[] = {
      {"5.1", "1 1 UDP 2130706431 203.0.113.141 8998 typ host", "udp 203.0.113.141:8998 1 none"},
      {"5.1", "2 2 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
       "udp 192.0.2.3:45664 2 none"},
      {"IPv6", "1 1 UDP 1 2001:db8::1 8998 typ host", "udp [2001:db8::1]:8998 1 none"},
      {"any type", "1 1 udp 1 192.0.2.3 1 typ strange", "udp 192.0.2.3:1 1 none"},
      {"unknown extensions", "1 1 udp 1 192.0.2.3 1 typ host generation 0 ufrag x network-cost 999",
       "udp 192.0.2.3:1 1 none"},
      {"half an extension", "1 1 udp 1 192.0.2.3 1 typ host generation", "udp 192.0.2.3:1 1 none"},
      {"the last component", "1 256 udp 1 192.0.2.3 1 typ host", "udp 192.0.2.3:1 256 none"},
      {"a port for the policy", "1 1 udp 1 192.0.2.3 65536 typ host", "udp 192.0.2.3:65536 1 none"},
      {"RFC 6544 4.5", "1 1 TCP 2128609279 192.0.2.1 9 typ host tcptype active", "tcp 192.0.2.1:9 1 active"},
      {"RFC 6544 4.5", "2 1 TCP 2124414975 192.0.2.1 8998 typ host tcptype passive",
       "tcp 192.0.2.1:8998 1 passive"},
      {"RFC 6544 4.5", "3 1 TCP 2120220671 192.0.2.1 8999 typ host tcptype so", "tcp 192.0.2.1:8999 1 so"},
      {"tcptype after others", "3 1 tcp 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 9 tcptype so",
       "tcp 192.0.2.1:1 1 so"},
      {"no tcptype", "3 1 TCP 1 192.0.2.1 1 typ host", "tcp 192.0.2.1:1 1 none"},
      {"an unknown tcptype", "3 1 TCP 1 192.0.2.1 1 typ host tcptype odd", "tcp 192.0.2.1:1 1 none"},
      {"tcptype as a value", "3 1 TCP 1 192.0.2.1 1 typ host x tcptype passive y", "tcp 192.0.2.1:1 1 none"},
      {"tcptype of UDP", "3 1 UDP 1 192.0.2.1 1 typ host tcptype passive", "udp 192.0.2.1:1 1 none"},
      {"a name", "1 1 UDP 1 1f4712db.local 8998 typ host", nullptr},
      {"component 0", "1 0 UDP 1 192.0.2.3 1 typ host", nullptr},
      {"component 257", "1 257 UDP 1 192.0.2.3 1 typ host", nullptr},
      {"another transport", "1 1 ssltcp 1 192.0.2.3 443 typ host", nullptr},
      {"A16: no address", "1 1 UDP 1 192.0.02.3 1 typ host", nullptr},
      {"no priority", "1 1 UDP x 192.0.2.3 1 typ host", nullptr},
      {"a port that is none", "1 1 UDP 1 192.0.2.3 x typ host", nullptr},
      {"a port beyond 32 bits", "1 1 UDP 1 192.0.2.3 4294967296 typ host", nullptr},
      {"no typ", "1 1 UDP 1 192.0.2.3 1 host", nullptr},
      {"no type", "1 1 UDP 1 192.0.2.3 1 typ", nullptr},
      {"cut", "1 1 UDP 1 192.0.2.3", nullptr},
      {"nothing", "", nullptr},
  };
  for (const auto& c : cases) {
    const auto candidate = read_candidate(c.value);
    ASSERT_EQ(candidate.has_value(), c.read != nullptr) << c.why << ": " << c.value;
    if (!candidate) continue;
    constexpr const char* types[] = {"none", "active", "passive", "so"};
    std::string address = candidate->address.to_string();
    if (candidate->address.family() == base::Family::ipv6) address = "[" + address + "]";
    EXPECT_EQ(std::string(base::name(candidate->protocol)) + " " + address + ":" +
                  std::to_string(candidate->port) + " " + std::to_string(candidate->component) + " " +
                  types[static_cast<std::size_t>(candidate->tcp_type)],
              c.read)
        << c.why;
  }
}

}  // namespace
}  // namespace dpinholer::message
