// SPDX-License-Identifier: GPL-2.0-or-later
// SIP over UDP as it arrives: in fragments, as large as a datagram can be, cut short, or not SIP at all.
#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

using Packet = std::vector<std::uint8_t>;

std::string invite_of(std::size_t octets, const std::string& address) {
  Sip sip{.start = "INVITE", .body = sdp({address + "|audio 30000 RTP/AVP 0"})};
  const std::size_t plain = to_text(sip).size();
  if (octets > plain) sip.headers = "X: " + std::string(octets - plain - 5, 'x') + "\r\n";
  return to_text(sip);
}

std::string opened(const std::string& host) {
  return "open " + host + ":30000 any audio rtp 180 offer\nopen " + host +
         ":30001 any audio rtcp 180 offer\n";
}

// RFC 791: offsets count eight octets; RFC 8200 section 4.5: a fragment header behind the IPv6 header.
std::vector<Packet> fragments(const Packet& packet, std::size_t payload_octets) {
  const bool ipv4 = packet[0] >> 4 == 4;
  const std::size_t header = ipv4 ? 20 : 40;
  std::vector<Packet> pieces;
  for (std::size_t at = header; at < packet.size(); at += payload_octets) {
    const std::size_t length = std::min(payload_octets, packet.size() - at);
    const bool more = at + length < packet.size();
    const std::size_t offset = (at - header) / 8;
    Packet piece(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(header));
    if (ipv4) {
      const std::size_t total = header + length;
      piece[2] = static_cast<std::uint8_t>(total >> 8);
      piece[3] = static_cast<std::uint8_t>(total);
      piece[4] = 0x12;  // identification
      piece[6] = static_cast<std::uint8_t>((more ? 0x20 : 0) | offset >> 8);
      piece[7] = static_cast<std::uint8_t>(offset);
    } else {
      const std::size_t total = 8 + length;
      piece[4] = static_cast<std::uint8_t>(total >> 8);
      piece[5] = static_cast<std::uint8_t>(total);
      piece[6] = 44;
      const std::size_t field = offset << 3 | (more ? 1 : 0);
      piece.insert(piece.end(), {17, 0, static_cast<std::uint8_t>(field >> 8),
                                 static_cast<std::uint8_t>(field), 0, 0, 0, 7});
    }
    piece.insert(piece.end(), packet.begin() + static_cast<std::ptrdiff_t>(at),
                 packet.begin() + static_cast<std::ptrdiff_t>(at + length));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

TEST(Datagram, AnInviteInFragmentsIsReadWhenTheLastOneIsThere) {
  struct Case {
    Host from, to;
    std::string place;
  };
  for (const Case& c : {Case{{"192.0.2.10"}, {"203.0.113.5"}, "192.0.2.10"},
                        Case{{"2001:db8:1::10"}, {"2001:db8:2::5"}, "[2001:db8:1::10]"}}) {
    for (bool backwards : {false, true}) {
      Scenario s;
      auto pieces = fragments(udp_packet(c.from, c.to, invite_of(9000, c.from.address)), 1400);
      ASSERT_EQ(pieces.size(), 7U);
      if (backwards) std::reverse(pieces.begin(), pieces.end());
      const Packet last = pieces.back();
      pieces.pop_back();
      EXPECT_EQ(s.send_packets(pieces), "");
      EXPECT_EQ(s.send_packet(last), opened(c.place));
    }
  }
}

// Attack A1: a fragment that begins as SIP is no datagram.
TEST(Datagram, A1_AFragmentThatBeginsAsSipOpensNothing) {
  const std::string padding = std::string(1390, 'a') + "\r\n";
  Scenario s;
  const auto pieces =
      fragments(udp_packet({"192.0.2.10"}, {"203.0.113.5"}, padding + invite_of(600, "192.0.2.10")), 1400);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(s.send_packet(pieces[1]), "");
  EXPECT_EQ(s.send_packet(pieces[0]), "");
  EXPECT_EQ(s.pipeline().counters().not_sip, 1U);
}

TEST(Datagram, TheLargestThatUdpCanCarryIsRead) {
  Scenario s;
  EXPECT_EQ(s.send_raw({"192.0.2.10"}, {"203.0.113.5"}, invite_of(65535 - 28, "192.0.2.10")),
            opened("192.0.2.10"));
}

TEST(Datagram, WhatTheQueueOrTheCaptureCutShortOpensNothing) {
  const Packet whole = udp_packet({"192.0.2.10"}, {"203.0.113.5"}, invite_of(0, "192.0.2.10"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Scenario s;
    EXPECT_EQ(s.send_packet({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}), "")
        << length;
  }
}

TEST(Datagram, OtherThingsOnTheSipPortAreCounted) {
  Scenario s;
  for (const char* payload : {"", "\r\n\r\n", "\r\n", "jaK"})
    s.send_raw({"192.0.2.10"}, {"203.0.113.5"}, payload);
  s.send_raw({"192.0.2.10"}, {"203.0.113.5"}, std::string_view("\0\0\0\0", 4));
  s.send_raw({"192.0.2.10"}, {"203.0.113.5"}, "NOTIFY * HTTP/1.1\r\n\r\n");
  s.send_raw({"192.0.2.10"}, {"203.0.113.5"}, "INVITE sip:x SIP/2.0\r\nCall-ID: only\r\n\r\n");
  const Counters& counters = s.pipeline().counters();
  EXPECT_EQ(counters.keep_alives, 4U);
  EXPECT_EQ(counters.not_sip, 2U);
  EXPECT_EQ(counters.malformed, 1U);
  EXPECT_EQ(counters.sip_messages, 0U);
}

}  // namespace
}  // namespace dpinholer::test
