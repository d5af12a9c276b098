// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/backlog.h"

#include <gtest/gtest.h>

#include <chrono>

namespace dpinholer::pinhole {
namespace {

using std::chrono::milliseconds;

const base::TimePoint start{std::chrono::hours{1}};

Key pinhole(std::uint16_t port) {
  return {base::Protocol::udp, {base::Address::parse("192.0.2.10").value(), port}};
}

base::Duration until_next(const Backlog& backlog, base::TimePoint now) {
  return backlog.next().value() - now;
}

TEST(Backlog, HasNothingToDoAtFirst) {
  Backlog backlog({});
  EXPECT_EQ(backlog.next(), std::nullopt);
  EXPECT_EQ(backlog.due(start), std::nullopt);
  EXPECT_EQ(backlog.size(), 0U);
}

TEST(Backlog, TriesTheOldestAloneAndThenTheOthers) {
  Backlog backlog({});
  for (std::uint16_t port = 1; port <= 4; ++port) backlog.put(pinhole(port), Set::rtp4, true, start);
  backlog.put(pinhole(1), Set::rtp4, true, start);  // again: now it is the last
  EXPECT_EQ(backlog.size(), 4U);
  EXPECT_EQ(backlog.due(start), std::nullopt);
  base::TimePoint now = *backlog.next();
  EXPECT_EQ(backlog.due(now), Set::rtp4);
  EXPECT_EQ(backlog.take(Set::rtp4, 2), std::vector{pinhole(2)});
  backlog.tried(Set::rtp4, true, now);
  EXPECT_EQ(backlog.due(now), Set::rtp4) << "and goes on at once";
  EXPECT_EQ(backlog.take(Set::rtp4, 2), (std::vector{pinhole(3), pinhole(4)}));
  backlog.tried(Set::rtp4, true, now);
  EXPECT_EQ(backlog.take(Set::rtp4, 2), std::vector{pinhole(1)});
  EXPECT_EQ(backlog.next(), std::nullopt);
  EXPECT_EQ(backlog.size(), 0U);
}

TEST(Backlog, WaitsLongerAfterEveryFailureUpToABound) {
  Backlog backlog({});
  backlog.put(pinhole(1), Set::rtp4, true, start);
  base::TimePoint now = start;
  std::vector<base::Duration> pauses;
  for (int i = 0; i < 8; ++i) {
    pauses.push_back(until_next(backlog, now));
    now = *backlog.next();
    for (const Key& key : backlog.take(Set::rtp4, 9)) backlog.put(key, Set::rtp4, true, now);
    backlog.tried(Set::rtp4, false, now);
  }
  EXPECT_EQ(pauses.front(), milliseconds{100});
  for (std::size_t i = 1; i < pauses.size(); ++i) EXPECT_GE(pauses[i], pauses[i - 1]);
  EXPECT_EQ(pauses.back(), milliseconds{2000});
}

TEST(Backlog, RoomEndsThePause) {
  Backlog backlog({});
  backlog.put(pinhole(1), Set::rtp4, true, start);
  backlog.put(pinhole(2), Set::rtp6, true, start);
  EXPECT_TRUE(backlog.full(Set::rtp4));
  backlog.room(Set::rtp4, start);
  EXPECT_FALSE(backlog.full(Set::rtp4));
  EXPECT_TRUE(backlog.full(Set::rtp6)) << "another set has its own";
  EXPECT_EQ(backlog.due(start), Set::rtp4);
}

TEST(Backlog, OnlyAFullSetKeepsOthersFromTrying) {
  Backlog backlog({});
  EXPECT_FALSE(backlog.full(Set::rtp4));
  backlog.put(pinhole(1), Set::rtp4, false, start);
  EXPECT_FALSE(backlog.full(Set::rtp4));
  backlog.put(pinhole(2), Set::rtp4, true, start);
  EXPECT_TRUE(backlog.full(Set::rtp4));
  backlog.remove(pinhole(1));
  EXPECT_TRUE(backlog.full(Set::rtp4));
  backlog.remove(pinhole(2));
  EXPECT_FALSE(backlog.full(Set::rtp4)) << "nobody waits for it any more";
  EXPECT_EQ(backlog.next(), std::nullopt);
}

TEST(Backlog, APinholeWaitsForOneSet) {
  Backlog backlog({});
  backlog.put(pinhole(1), Set::rtp4, true, start);
  backlog.put(pinhole(1), Set::rtp4_from, true, start);
  EXPECT_EQ(backlog.size(), 1U);
  EXPECT_TRUE(backlog.take(Set::rtp4, 9).empty());
  EXPECT_TRUE(backlog.waits(pinhole(1)));
  EXPECT_EQ(backlog.take(Set::rtp4_from, 9), std::vector{pinhole(1)});
  EXPECT_FALSE(backlog.waits(pinhole(1)));
}

}  // namespace
}  // namespace dpinholer::pinhole
