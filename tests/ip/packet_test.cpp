// SPDX-License-Identifier: GPL-2.0-or-later
#include "ip/packet.h"

#include <gtest/gtest.h>

#include <string>

#include "support/hex.h"

namespace dpinholer::ip {
namespace {

using test::hex;

// Everything that a packet was read as, in one line; the payload in hexadecimal.
std::string dump(base::Bytes octets) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t octet : octets) text += {digits[octet >> 4], digits[octet & 15]};
  return text;
}

std::string transcript(PacketError error) {
  switch (error) {
    case PacketError::malformed:
      return "malformed";
    case PacketError::other_protocol:
      return "other protocol";
    case PacketError::encrypted:
      return "encrypted";
  }
  return "";
}

std::string transcript(const tl::expected<Packet, PacketError>& packet) {
  if (!packet) return transcript(packet.error());
  std::string text = packet->source.to_string() + " > " + packet->destination.to_string() + " protocol " +
                     std::to_string(packet->protocol);
  if (packet->fragment) {
    text += " fragment " + std::to_string(packet->fragment->identification) + " at " +
            std::to_string(packet->fragment->offset) + (packet->fragment->more ? " more" : " last");
  }
  if (packet->truncated) text += " truncated";
  return text + " [" + dump(packet->payload) + "]";
}

struct Case {
  const char* name;
  const char* octets;
  const char* expected;
};

TEST(Packet, ReadsIpv4AsRfc791Says) {
  const Case cases[] = {
      {"nothing", "", "malformed"},
      {"no IP version that there is", "50 00 00 14", "malformed"},
      {"header without payload", "45 00 00 14 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02",
       "192.0.2.1 > 198.51.100.2 protocol 17 []"},
      {"payload", "45 00 00 16 00 00 40 00 40 11 00 00 c0 00 02 01 c6 33 64 02 ab cd",
       "192.0.2.1 > 198.51.100.2 protocol 17 [abcd]"},
      {"link padding is cut by the total length",
       "45 00 00 16 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02 ab cd 00 00 00 00",
       "192.0.2.1 > 198.51.100.2 protocol 17 [abcd]"},
      {"options", "46 00 00 19 00 00 00 00 40 06 00 00 c0 00 02 01 c6 33 64 02 94 04 00 00 ab",
       "192.0.2.1 > 198.51.100.2 protocol 6 [ab]"},
      {"cut short by the snap length", "45 00 05 dc 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02 ab",
       "192.0.2.1 > 198.51.100.2 protocol 17 truncated [ab]"},
      {"first fragment",
       "45 00 00 1c 12 34 20 00 40 11 00 00 c0 00 02 01 c6 33 64 02 01 02 03 04 05 06 07 08",
       "192.0.2.1 > 198.51.100.2 protocol 17 fragment 4660 at 0 more [0102030405060708]"},
      {"last fragment, at the largest offset",
       "45 00 00 15 00 01 1f ff 40 11 00 00 c0 00 02 01 c6 33 64 02 01",
       "192.0.2.1 > 198.51.100.2 protocol 17 fragment 1 at 65528 last [01]"},
      {"don't fragment is no fragment", "45 00 00 14 00 01 40 00 40 11 00 00 c0 00 02 01 c6 33 64 02",
       "192.0.2.1 > 198.51.100.2 protocol 17 []"},
      {"19 octets of header", "45 00 00 14 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64", "malformed"},
      {"header length of 16", "44 00 00 14 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02", "malformed"},
      {"options cut off", "46 00 00 18 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02 94 04", "malformed"},
      {"total length below the header length", "45 00 00 13 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02",
       "malformed"},
      {"total length zero", "45 00 00 00 00 00 00 00 40 11 00 00 c0 00 02 01 c6 33 64 02", "malformed"},
  };
  for (const auto& c : cases) EXPECT_EQ(transcript(read_packet(hex(c.octets))), c.expected) << c.name;
}

// version .. hop limit is written in each case; these are the addresses 2001:db8::1 and 2001:db8::2.
constexpr const char* addresses = "20010db8000000000000000000000001 20010db8000000000000000000000002 ";

struct Ipv6Case {
  const char* name;
  const char* before_addresses;
  const char* after_addresses;
  const char* expected;  // after "2001:db8::1 > 2001:db8::2 "
};

TEST(Packet, ReadsIpv6AndItsExtensionHeadersAsRfc8200Says) {
  const Ipv6Case cases[] = {
      {"no payload", "60 00 00 00 00 00 11 40", "", "protocol 17 []"},
      {"payload", "60 00 00 00 00 02 11 40", "ab cd", "protocol 17 [abcd]"},
      {"link padding is cut by the payload length", "60 00 00 00 00 02 11 40", "ab cd 00 00",
       "protocol 17 [abcd]"},
      {"cut short by the snap length", "60 00 00 00 05 dc 11 40", "ab", "protocol 17 truncated [ab]"},
      {"hop-by-hop options", "60 00 00 00 00 09 00 40", "11 00 05 02 00 00 01 00 ab", "protocol 17 [ab]"},
      {"destination options of 16 octets", "60 00 00 00 00 11 3c 40",
       "06 01 01 0c 00000000 0000000000000000 ab", "protocol 6 [ab]"},
      {"routing header", "60 00 00 00 00 09 2b 40", "11 00 04 00 00 00 00 00 ab", "protocol 17 [ab]"},
      {"authentication header counts in units of four (RFC 4302)", "60 00 00 00 00 0d 33 40",
       "11 01 00 00 00000000 00000000 ab", "protocol 17 [ab]"},
      {"several in a row", "60 00 00 00 00 19 00 40",
       "2b 00 05 02 00 00 01 00  3c 00 04 00 00 00 00 00  11 00 01 04 00 00 00 00  ab", "protocol 17 [ab]"},
      {"first fragment", "60 00 00 00 00 10 2c 40", "11 00 00 01 de ad be ef  01 02 03 04 05 06 07 08",
       "protocol 17 fragment 3735928559 at 0 more [0102030405060708]"},
      {"last fragment, at the largest offset", "60 00 00 00 00 09 2c 40", "11 00 ff f8 00 00 00 01 ab",
       "protocol 17 fragment 1 at 65528 last [ab]"},
      {"headers behind a fragment header are not looked into", "60 00 00 00 00 10 2c 40",
       "3c 00 00 01 00 00 00 07  11 00 01 04 00 00 00 00",
       "protocol 60 fragment 7 at 0 more [1100010400000000]"},
      {"an atomic fragment is a whole datagram (RFC 6946)", "60 00 00 00 00 09 2c 40",
       "11 00 00 00 00 00 00 01 ab", "protocol 17 [ab]"},
      {"an atomic fragment with options behind it", "60 00 00 00 00 11 2c 40",
       "3c 00 00 00 00 00 00 01  11 00 01 04 00 00 00 00  ab", "protocol 17 [ab]"},
      {"no next header", "60 00 00 00 00 00 3b 40", "", "protocol 59 []"},
      {"ICMPv6", "60 00 00 00 00 01 3a 40", "80", "protocol 58 [80]"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(transcript(read_packet(hex(std::string(c.before_addresses) + addresses + c.after_addresses))),
              std::string("2001:db8::1 > 2001:db8::2 ") + c.expected)
        << c.name;
  }
}

TEST(Packet, RefusesIpv6ThatContradictsItself) {
  const Ipv6Case cases[] = {
      {"ESP hides the rest", "60 00 00 00 00 08 32 40", "00 00 00 01 00 00 00 01", "encrypted"},
      {"ESP behind other headers", "60 00 00 00 00 0c 3c 40", "32 00 01 04 00 00 00 00 00 00 00 01",
       "encrypted"},
      {"extension header without room", "60 00 00 00 00 00 00 40", "", "malformed"},
      {"one octet of extension header", "60 00 00 00 00 01 3c 40", "11", "malformed"},
      {"extension header longer than the packet", "60 00 00 00 00 08 3c 40", "11 01 01 04 00 00 00 00",
       "malformed"},
      {"extension header longer than what was captured", "60 00 00 00 08 00 3c 40", "11 ff 01 04 00 00 00 00",
       "malformed"},
      {"fragment header of seven octets", "60 00 00 00 00 07 2c 40", "11 00 00 01 00 00 00", "malformed"},
      {"padding is no part of an extension header", "60 00 00 00 00 04 3c 40", "11 00 01 04 00 00 00 00",
       "malformed"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(transcript(read_packet(hex(std::string(c.before_addresses) + addresses + c.after_addresses))),
              c.expected)
        << c.name;
  }
  const auto whole = hex(std::string("60 00 00 00 00 00 11 40") + addresses);
  EXPECT_EQ(transcript(read_packet(base::Bytes(whole).first(39))), "malformed");
}

TEST(Packet, EveryPrefixIsReadOrRefused) {
  const auto whole =
      hex(std::string("60 00 00 00 00 1d 00 40") + addresses +
          "2b 00 05 02 00 00 01 00  11 00 04 00 00 00 00 00  13 c4 13 c4 00 0d 00 00 68 65 6c 6c 6f");
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    // A copy of its own, so that a sanitizer sees a read behind the end.
    const std::vector<std::uint8_t> prefix(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(length));
    const auto packet = read_packet(prefix);
    EXPECT_EQ(packet.has_value(), length >= 56) << length;
    EXPECT_EQ(packet && packet->truncated, length >= 56 && length < whole.size()) << length;
  }
}

// A whole packet with this payload, as a capture with a snap length may have delivered it.
Packet packet_of(std::uint8_t protocol, base::Bytes payload, bool truncated) {
  return {.source = *base::Address::parse("192.0.2.1"),
          .destination = *base::Address::parse("198.51.100.2"),
          .protocol = protocol,
          .fragment = std::nullopt,
          .payload = payload,
          .truncated = truncated};
}

TEST(Datagram, ReadsUdpAsRfc768Says) {
  struct UdpCase {
    const char* name;
    std::uint8_t protocol;
    bool truncated;
    const char* payload;
    const char* expected;
  };
  const UdpCase cases[] = {
      {"payload", 17, false, "13 c4 75 30 00 0a ff ff 68 69", "192.0.2.1:5060 > 198.51.100.2:30000 [6869]"},
      {"empty", 17, false, "13 c4 75 30 00 08 00 00", "192.0.2.1:5060 > 198.51.100.2:30000 []"},
      {"octets behind the UDP length are not the receiver's", 17, false, "13 c4 75 30 00 09 00 00 68 69",
       "192.0.2.1:5060 > 198.51.100.2:30000 [68]"},
      {"cut short by the snap length", 17, true, "13 c4 75 30 02 00 00 00 68 69",
       "192.0.2.1:5060 > 198.51.100.2:30000 truncated [6869]"},
      {"only what is behind the datagram was cut off", 17, true, "13 c4 75 30 00 0a 00 00 68 69",
       "192.0.2.1:5060 > 198.51.100.2:30000 [6869]"},
      {"length beyond the packet", 17, false, "13 c4 75 30 00 0b 00 00 68 69", "malformed"},
      {"length of seven", 17, false, "13 c4 75 30 00 07 00 00 68 69", "malformed"},
      {"length of zero", 17, false, "13 c4 75 30 00 00 00 00 68 69", "malformed"},
      {"seven octets", 17, false, "13 c4 75 30 00 07 00", "malformed"},
      {"seven octets left by the snap length", 17, true, "13 c4 75 30 00 09 00", "malformed"},
      {"TCP", 6, false, "13 c4 75 30 00 08 00 00", "other protocol"},
  };
  for (const auto& c : cases) {
    const auto payload = hex(c.payload);
    const auto datagram = read_datagram(packet_of(c.protocol, payload, c.truncated));
    const std::string text =
        datagram ? to_string(datagram->source) + " > " + to_string(datagram->destination) +
                       (datagram->truncated ? " truncated" : "") + " [" + dump(datagram->payload) + "]"
                 : transcript(datagram.error());
    EXPECT_EQ(text, c.expected) << c.name;
  }
}

TEST(Segment, ReadsTcpAsRfc9293Says) {
  struct TcpCase {
    const char* name;
    std::uint8_t protocol;
    bool truncated;
    const char* payload;
    const char* expected;
  };
  const TcpCase cases[] = {
      {"SYN with options", 6, false, "13 c4 13 c5 00000001 00000000 60 02 ff ff 0000 0000 020405b4",
       "192.0.2.1:5060 > 198.51.100.2:5061 1/0 syn []"},
      {"SYN with data (RFC 7413)", 6, false, "13 c4 13 c5 ffffffff 00000000 50 02 ff ff 0000 0000 68 69",
       "192.0.2.1:5060 > 198.51.100.2:5061 4294967295/0 syn [6869]"},
      {"data", 6, false, "13 c4 13 c5 00000002 00000003 50 18 ff ff 0000 0000 68 69",
       "192.0.2.1:5060 > 198.51.100.2:5061 2/3 ack [6869]"},
      {"FIN", 6, false, "13 c4 13 c5 00000002 00000003 50 11 ff ff 0000 0000",
       "192.0.2.1:5060 > 198.51.100.2:5061 2/3 ack fin []"},
      {"RST", 6, false, "13 c4 13 c5 00000002 00000000 50 04 ff ff 0000 0000",
       "192.0.2.1:5060 > 198.51.100.2:5061 2/0 rst []"},
      {"cut short by the snap length", 6, true, "13 c4 13 c5 00000002 00000003 50 10 ff ff 0000 0000 68",
       "192.0.2.1:5060 > 198.51.100.2:5061 2/3 ack truncated [68]"},
      {"19 octets", 6, false, "13 c4 13 c5 00000002 00000003 50 10 ff ff 0000 00", "malformed"},
      {"data offset of 16 octets", 6, false, "13 c4 13 c5 00000002 00000003 40 10 ff ff 0000 0000",
       "malformed"},
      {"data offset beyond the segment", 6, false, "13 c4 13 c5 00000002 00000003 60 10 ff ff 0000 0000",
       "malformed"},
      {"UDP", 17, false, "13 c4 13 c5 00000002 00000003 50 10 ff ff 0000 0000", "other protocol"},
  };
  for (const auto& c : cases) {
    const auto payload = hex(c.payload);
    const auto segment = read_segment(packet_of(c.protocol, payload, c.truncated));
    std::string text = segment ? "" : transcript(segment.error());
    if (segment) {
      text = to_string(segment->source) + " > " + to_string(segment->destination) + " " +
             std::to_string(segment->sequence) + "/" + std::to_string(segment->acknowledgement);
      if (segment->syn) text += " syn";
      if (segment->ack) text += " ack";
      if (segment->fin) text += " fin";
      if (segment->rst) text += " rst";
      if (segment->truncated) text += " truncated";
      text += " [" + dump(segment->payload) + "]";
    }
    EXPECT_EQ(text, c.expected) << c.name;
  }
}

}  // namespace
}  // namespace dpinholer::ip
