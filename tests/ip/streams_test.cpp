// SPDX-License-Identifier: GPL-2.0-or-later
// The work and memory of one connection's segments, whatever their sizes and order (attack A28): counted, not
// timed. tests/pipeline/tcp_test.cpp tests that the bytes come out right.
#include "ip/streams.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"

namespace dpinholer::ip {
namespace {

namespace limits = base::limits;

constexpr std::uint32_t isn = 1000;

// A client's bytes, each place in the stream always with the same one.
class Client {
 public:
  explicit Client(Streams& streams, std::uint16_t port = 40000) : streams_(streams), port_(port) {
    add(0, "", true, false);
    answer(true, 0);
  }

  static std::string bytes(std::uint32_t at, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + (at + i) % 23);
    return text;
  }

  // So many bytes from `at`, counted from the first.
  Delivery send(std::uint32_t at, std::size_t count) { return add(1 + at, bytes(at, count), false, true); }
  void answer(bool syn, std::uint32_t acknowledged) {
    segment({server_,
             {client_, port_},
             syn ? 9000U : 9001U,
             isn + 1 + acknowledged,
             syn,
             true,
             false,
             false,
             {},
             false});
  }

 private:
  Delivery add(std::uint32_t at, const std::string& bytes, bool syn, bool ack) {
    return segment(
        {{client_, port_}, server_, isn + at, 9001, syn, ack, false, false, base::as_bytes(bytes), false});
  }
  Delivery segment(const Segment& segment) { return streams_.add(segment); }

  Streams& streams_;
  base::Address client_ = base::Address::parse("192.0.2.1").value();
  base::Endpoint server_{base::Address::parse("198.51.100.2").value(), 5060};
  std::uint16_t port_;
};

using Order = std::vector<std::uint32_t>;  // of the segments, by the place of their octet

Order forwards(std::uint32_t count) {
  Order order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

struct Pattern {
  const char* name;
  Order (*order)(std::uint32_t count);
};
const Pattern patterns[] = {
    {"in order", forwards},
    {"backwards",
     [](std::uint32_t count) {
       Order order = forwards(count);
       std::reverse(order.begin(), order.end());
       return order;
     }},
    {"the first one last",
     [](std::uint32_t count) {
       Order order = forwards(count);
       std::rotate(order.begin(), order.begin() + 1, order.end());
       return order;
     }},
    {"in blocks, the later ones first",
     [](std::uint32_t count) {
       Order order;
       const std::uint32_t block = count / 50;
       for (std::uint32_t i = 50; i-- > 0;) {
         for (std::uint32_t k = 0; k < block; ++k) order.push_back(i * block + k);
       }
       return order;
     }},
    {"pieces that grow toward each other",
     [](std::uint32_t count) {
       Order order;
       for (std::uint32_t i = 0; i < count / 2 - 1; ++i) order.insert(order.end(), {i + 1, count - 1 - i});
       order.insert(order.end(), {count / 2, 0});
       return order;
     }},
    {"every octet twice",
     [](std::uint32_t count) {
       Order order;
       for (std::uint32_t i = count; i-- > 0;) order.insert(order.end(), {i, i});
       return order;
     }},
    {"every second one, in windows of 64",
     [](std::uint32_t count) {
       Order order;
       for (std::uint32_t window = 0; window + 64 <= count; window += 64) {
         for (std::uint32_t i = 1; i < 64; i += 2) order.push_back(window + i);
         for (std::uint32_t i = 0; i < 64; i += 2) order.push_back(window + i);
       }
       return order;
     }},
    {"any order within windows of 64",
     [](std::uint32_t count) {
       Order order = forwards(count);
       std::mt19937 random(1);
       for (std::uint32_t window = 0; window + 64 <= count; window += 64)
         std::shuffle(order.begin() + window, order.begin() + window + 64, random);
       return order;
     }},
};

StreamWork work_for(const Pattern& pattern, std::uint32_t count) {
  Streams streams({}, {});
  Client client(streams);
  std::size_t delivered = 0;
  for (std::uint32_t at : pattern.order(count)) {
    const Delivery delivery = client.send(at, 1);
    if (delivery.stream == 0) continue;
    delivered = delivery.unread.size();
  }
  EXPECT_EQ(delivered, count / 64 * 64 == count ? count : delivered) << pattern.name;
  EXPECT_GE(delivered, count * 9 / 10) << pattern.name;
  return streams.work();
}

TEST(Streams, A28_OctetsAreCopiedAndPiecesWalkedInProportionToTheSegments) {
  for (const Pattern& pattern : patterns) {
    const StreamWork few = work_for(pattern, 3200);
    const StreamWork many = work_for(pattern, 32000);
    EXPECT_LE(many.octets_copied, 12 * few.octets_copied) << pattern.name;
    EXPECT_LE(many.pieces_walked, 12 * few.pieces_walked + 12) << pattern.name;
    EXPECT_LE(many.octets_copied, 12 * 32000U) << pattern.name;
    EXPECT_LE(many.pieces_walked, 6 * 32000U) << pattern.name;
  }
}

// Messages that are read, and acknowledged octet by octet or never: a flood of keep-alives is one.
TEST(Streams, A28_WhatWasReadIsForgottenInProportionToItsOctets) {
  for (bool acknowledged : {true, false}) {
    std::uint64_t copied[2] = {};
    for (std::uint32_t times : {1U, 10U}) {
      Streams streams({}, {});
      Client client(streams);
      for (std::uint32_t at = 0; at < 30000 * times; at += 2) {
        const Delivery delivery = client.send(at, 2);
        ASSERT_EQ(delivery.unread.size(), 2U);
        streams.consume(delivery.stream, delivery.sender, 2);
        if (acknowledged && at >= 20000) client.answer(false, at - 20000);
      }
      copied[times / 10] = streams.work().octets_copied;
      EXPECT_LE(streams.memory(), 5 * StreamSettings{}.buffer);
    }
    EXPECT_LE(copied[1], 12 * copied[0]) << acknowledged;
    EXPECT_LE(copied[1], 300000U * 6) << acknowledged;
  }
}

TEST(Streams, A28_TheGapsOfAConnectionAreBounded) {
  Streams streams({}, {});
  Client client(streams);
  const auto given_up = [&] {
    return streams.counters().given_up[static_cast<std::size_t>(GivenUp::over_bound)];
  };
  for (std::uint32_t i = 0; i < limits::waiting_pieces; ++i) client.send(2 * i + 1, 1);
  EXPECT_EQ(given_up(), 0U);
  const std::uint32_t more = 2 * limits::waiting_pieces;
  client.send(more, 1);      // touches the last
  client.send(more - 2, 1);  // and this joins two
  client.send(more + 2, 1);
  EXPECT_EQ(given_up(), 0U);
  client.send(more + 4, 1);
  EXPECT_EQ(given_up(), 1U);
  EXPECT_EQ(streams.size(), 0U);
  EXPECT_EQ(streams.memory(), 0U);
}

// Other bytes are found in any piece.
TEST(Streams, A13_AConflictWithAnyPiece) {
  for (std::uint32_t at : {3U, 30U, 31U, 39U, 60U, 90U}) {
    for (std::uint32_t before : {0U, 1U, 3U}) {
      Streams streams({}, {});
      Client client(streams);
      for (std::uint32_t piece : {3U, 30U, 60U, 90U}) client.send(piece, 10);
      client.send(at - before, 1 + before);
      EXPECT_EQ(streams.size(), 1U);
      std::string other = Client::bytes(at - before, before) + "?";
      streams.add({{base::Address::parse("192.0.2.1").value(), 40000},
                   {base::Address::parse("198.51.100.2").value(), 5060},
                   isn + 1 + at - before,
                   9001,
                   false,
                   true,
                   false,
                   false,
                   base::as_bytes(other),
                   false});
      EXPECT_EQ(streams.counters().given_up[static_cast<std::size_t>(GivenUp::conflict)], 1U) << at << before;
    }
  }
}

// 7 GB were taken before the bound was reached, when only octets counted.
TEST(Streams, A28_ConnectionsAreChargedWhatTheyCost) {
  const std::size_t before = mallinfo2().uordblks;
  const std::string probe(100000, 'x');
  if (mallinfo2().uordblks < before + probe.size()) GTEST_SKIP() << "a sanitizer has its own allocator";
  for (std::size_t octets : {1U, 400U}) {
    const std::size_t empty = mallinfo2().uordblks;
    {
      Streams streams({.flows = 100000}, {});
      for (std::uint16_t port = 1; port < 10000 && streams.memory() < limits::stream_octets / 8; ++port) {
        Client client(streams, port);
        for (std::uint32_t i = 0; i < limits::waiting_pieces; ++i)
          client.send(static_cast<std::uint32_t>(i * (octets + 1) + 1), octets);
      }
      const std::size_t held = mallinfo2().uordblks - empty;
      const std::size_t bookkeeping = 1500 * streams.size() + 64 * 6000;  // bounded by limits.tcp-flows
      EXPECT_LE(held, streams.memory() + bookkeeping) << octets;
      EXPECT_GE(streams.memory(), limits::stream_octets / 8) << octets;
    }
  }
}

TEST(Streams, A28_WhatTheReaderKeepsCounts) {
  Streams streams({}, {});
  Client first(streams, 1);
  Client second(streams, 2);
  const StreamId old = first.send(0, 1).stream;
  const StreamId young = second.send(0, 1).stream;
  const std::size_t before = streams.memory();
  EXPECT_TRUE(streams.note_reader(young, 5000));
  EXPECT_EQ(streams.memory(), before + 5000);
  EXPECT_TRUE(streams.note_reader(young, 100));
  EXPECT_EQ(streams.memory(), before + 100);
  EXPECT_TRUE(streams.note_reader(young, limits::stream_octets - 1)) << "the older one gives way";
  EXPECT_EQ(streams.size(), 1U);
  EXPECT_TRUE(streams.note_reader(old, 5000)) << "is not there any more";
  EXPECT_FALSE(streams.note_reader(young, limits::stream_octets + 1));
  EXPECT_EQ(streams.size(), 0U);
  EXPECT_EQ(streams.memory(), 0U);
}

}  // namespace
}  // namespace dpinholer::ip
