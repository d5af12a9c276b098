// SPDX-License-Identifier: GPL-2.0-or-later
#include "ip/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "base/limits.h"
#include "support/hex.h"

namespace dpinholer::ip {
namespace {

using base::Family;
using base::seconds;
using base::TimePoint;

// A fragment in short: where its octets lie, which, and what is odd about it.
struct Piece {
  std::uint32_t offset;
  std::string octets;
  bool more;
  bool truncated = false;
};

Packet packet_of(Family family, const Piece& piece, std::uint32_t identification = 7,
                 std::uint8_t protocol = 17) {
  const bool ipv4 = family == Family::ipv4;
  return {.source = *base::Address::parse(ipv4 ? "192.0.2.1" : "2001:db8::1"),
          .destination = *base::Address::parse(ipv4 ? "198.51.100.2" : "2001:db8::2"),
          .protocol = protocol,
          .fragment = Fragment{identification, piece.offset, piece.more},
          .payload = base::as_bytes(piece.octets),
          .truncated = piece.truncated};
}

// The payload that came out at the last of `pieces`; "-" when none did, "early" when one did before.
std::string outcome(Family family, const std::vector<Piece>& pieces) {
  Reassembly reassembly;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto octets = reassembly.add(packet_of(family, pieces[i]), TimePoint{});
    if (!octets) continue;
    if (i + 1 < pieces.size()) return "early";
    EXPECT_EQ(reassembly.memory(), 0U);
    const auto packet = read_packet(*octets);
    EXPECT_TRUE(packet && !packet->fragment && !packet->truncated);
    EXPECT_EQ(packet->source, packet_of(family, pieces[i]).source);
    EXPECT_EQ(packet->destination, packet_of(family, pieces[i]).destination);
    EXPECT_EQ(packet->protocol, 17);
    return std::string(base::as_text(packet->payload));
  }
  return "-";
}

TEST(Reassembly, MakesADatagramWholeOrGivesItUp) {
  const std::string a = "aaaaaaaa";
  const std::string b = "bbbbbbbb";
  struct Case {
    const char* name;
    std::vector<Piece> pieces;
    const char* expected;
  };
  const Case cases[] = {
      {"in order", {{0, a, true}, {8, b, true}, {16, "c", false}}, "aaaaaaaabbbbbbbbc"},
      {"in reverse order", {{16, "c", false}, {8, b, true}, {0, a, true}}, "aaaaaaaabbbbbbbbc"},
      {"last comes in the middle", {{0, a, true}, {16, "c", false}, {8, b, true}}, "aaaaaaaabbbbbbbbc"},
      {"pieces of several units", {{0, a + b, true}, {16, b, false}}, "aaaaaaaabbbbbbbbbbbbbbbb"},
      {"a gap", {{0, a, true}, {16, "c", false}}, "-"},
      {"no end", {{0, a, true}, {8, b, true}}, "-"},
      {"an exact duplicate", {{0, a, true}, {0, a, true}, {8, b, false}}, "aaaaaaaabbbbbbbb"},
      {"an exact duplicate of the last", {{8, b, false}, {8, b, false}, {0, a, true}}, "aaaaaaaabbbbbbbb"},
      {"duplicate with other octets", {{0, a, true}, {0, b, true}, {8, b, false}}, "-"},
      {"duplicate that says it is the last", {{0, a, true}, {0, a, false}, {8, b, false}}, "-"},
      {"duplicate of the last that says there is more", {{8, b, false}, {8, b, true}, {0, a, true}}, "-"},
      {"overlap with the one before", {{0, a + b, true}, {8, b + b, true}, {24, "c", false}}, "-"},
      {"overlap with the one behind", {{8, b, true}, {0, a + a, true}, {16, "c", false}}, "-"},
      {"overlap inside of one", {{0, a + a + a, true}, {8, a, true}, {24, "c", false}}, "-"},
      {"overlap around one", {{8, a, true}, {0, a + a + a, true}, {24, "c", false}}, "-"},
      {"what comes behind an overlap does not start again",
       {{0, a, true}, {0, b, true}, {0, a, true}, {8, b, false}},
       "-"},
      {"two ends, the second later", {{8, b, false}, {16, b, false}, {0, a, true}}, "-"},
      {"two ends, the second earlier", {{16, b, false}, {8, b, false}, {0, a, true}}, "-"},
      {"octets behind the end", {{8, b, false}, {16, b, true}, {0, a, true}}, "-"},
      {"an end before octets that are there", {{16, b, true}, {8, b, false}, {0, a, true}}, "-"},
      {"not the last and no multiple of eight", {{0, "aaaaaaa", true}, {8, b, false}}, "-"},
      {"empty", {{0, a, true}, {8, "", true}, {8, b, false}}, "-"},
      {"cut short", {{0, a, true, true}, {8, b, false}}, "-"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(outcome(Family::ipv4, c.pieces), c.expected) << "IPv4: " << c.name;
    EXPECT_EQ(outcome(Family::ipv6, c.pieces), c.expected) << "IPv6: " << c.name;
  }
}

TEST(Reassembly, HoldsNoMoreThanAnIpPacketCan) {
  const std::string unit(8, 'u');
  // 65535 octets with the IPv4 header; 65535 without the IPv6 header.
  const std::uint32_t ipv4_end = 65515;
  const std::string most4(ipv4_end - 65504, 'x');
  EXPECT_EQ(outcome(Family::ipv4, {{0, std::string(65504, 'y'), true}, {65504, most4, false}}).size(),
            65515U);
  EXPECT_EQ(outcome(Family::ipv4, {{0, std::string(65504, 'y'), true}, {65504, most4 + "x", false}}), "-");
  EXPECT_EQ(outcome(Family::ipv6, {{0, std::string(65528, 'y'), true}, {65528, "1234567", false}}).size(),
            65535U);
  EXPECT_EQ(outcome(Family::ipv6, {{0, std::string(65528, 'y'), true}, {65528, unit, false}}), "-");
}

TEST(Reassembly, KeepsDatagramsApart) {
  Reassembly reassembly;
  const TimePoint now{};
  const Piece first{0, "aaaaaaaa", true};
  const Piece last{8, "b", false};
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv4, first, 1), now));
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv4, last, 2), now));
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv4, last, 1, 6), now));  // RFC 791: the protocol counts
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv6, last, 1), now));
  EXPECT_EQ(reassembly.pending(), 4U);
  EXPECT_TRUE(reassembly.add(packet_of(Family::ipv4, last, 1), now));
  EXPECT_EQ(reassembly.pending(), 3U);
}

TEST(Reassembly, TakesTheProtocolFromTheFirstFragment_Rfc8200) {
  Reassembly reassembly;
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv6, {8, "b", false}, 1, 58), TimePoint{}));
  // The first fragment begins with destination options, which belong to what was fragmented.
  const auto options = test::hex("11 00 01 04 00 00 00 00");
  Packet first = packet_of(Family::ipv6, {}, 1, 60);
  first.fragment->more = true;
  first.payload = options;
  const auto octets = reassembly.add(first, TimePoint{});
  ASSERT_TRUE(octets);
  const auto packet = read_packet(*octets);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->protocol, 17);
  EXPECT_EQ(base::as_text(packet->payload), "b");
}

TEST(Reassembly, ForgetsADatagramWhenItsTimeIsOver) {
  const Piece first{0, "aaaaaaaa", true};
  const Piece last{8, "b", false};
  struct Case {
    Family family;
    base::Duration after;
    bool whole;
  };
  const Case cases[] = {
      {Family::ipv4, seconds(30) - base::Duration(1), true},
      {Family::ipv4, seconds(30), false},
      {Family::ipv6, seconds(60) - base::Duration(1), true},
      {Family::ipv6, seconds(60), false},
  };
  for (const auto& c : cases) {
    Reassembly reassembly;
    // One that lives longer waits in front.
    EXPECT_FALSE(reassembly.add(packet_of(Family::ipv6, first, 99), TimePoint{}));
    EXPECT_FALSE(reassembly.add(packet_of(c.family, first), TimePoint{}));
    EXPECT_EQ(reassembly.add(packet_of(c.family, last), TimePoint{} + c.after).has_value(), c.whole);
  }
  Reassembly reassembly;
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv4, first, 1), TimePoint{}));
  EXPECT_FALSE(reassembly.add(packet_of(Family::ipv4, first, 2), TimePoint{} + seconds(30)));
  EXPECT_EQ(reassembly.pending(), 1U);
}

TEST(Reassembly, AFloodOfFragmentsTakesBoundedMemoryAndTheNewestDatagramStillGetsThrough) {
  struct Flood {
    const char* name;
    Piece piece;
  };
  const Flood floods[] = {
      {"smallest", {8, "aaaaaaaa", true}},
      {"largest", {8, std::string(65496, 'a'), true}},
      {"given up at once", {8, "odd", true}},
  };
  for (const auto& flood : floods) {
    Reassembly reassembly;
    for (std::uint32_t id = 0; id < 50000; ++id) {
      EXPECT_FALSE(reassembly.add(packet_of(Family::ipv6, flood.piece, id), TimePoint{}));
      ASSERT_LE(reassembly.memory(), base::limits::reassembly_octets) << flood.name;
    }
    EXPECT_LT(reassembly.pending(), 20000U) << flood.name;
    EXPECT_FALSE(reassembly.add(packet_of(Family::ipv6, {0, "aaaaaaaa", true}, 70000), TimePoint{}));
    EXPECT_TRUE(reassembly.add(packet_of(Family::ipv6, {8, "b", false}, 70000), TimePoint{})) << flood.name;
  }
}

TEST(Reassembly, AnyOrderAndAnyCutGiveTheSameDatagram) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string payload(1 + random() % 4000, '\0');
    for (char& octet : payload) octet = static_cast<char>(random());
    std::vector<Piece> pieces;
    for (std::uint32_t at = 0; at < payload.size();) {
      const auto size = static_cast<std::uint32_t>(8 * (1 + random() % 100));
      pieces.push_back({at, payload.substr(at, size), at + size < payload.size()});
      if (random() % 4 == 0) pieces.push_back(pieces.back());
      at += size;
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    Reassembly reassembly;
    int whole = 0;
    const Family family = random() % 2 == 0 ? Family::ipv4 : Family::ipv6;
    for (const auto& piece : pieces) {
      if (auto octets = reassembly.add(packet_of(family, piece), TimePoint{})) {
        ASSERT_EQ(base::as_text(read_packet(*octets)->payload), payload);
        ++whole;
      }
    }
    ASSERT_GE(whole, 1);  // twice, when every piece came twice
  }
}

}  // namespace
}  // namespace dpinholer::ip
