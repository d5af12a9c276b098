// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_account.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "base/limits.h"

namespace dpinholer {
namespace {

using pinhole::Change;
using pinhole::FlowTuple;
using pinhole::Installed;
using pinhole::Key;

base::Endpoint at(std::string_view address, std::uint16_t port) {
  return {base::Address::parse(address).value(), port};
}

// A phone behind NAT (10.0.0.2, outside 203.0.113.1), and its peer.
const base::Endpoint phone = at("10.0.0.2", 30000);
const base::Endpoint translated = at("203.0.113.1", 30000);
const base::Endpoint peer = at("198.51.100.7", 40000);
const Key to_phone{base::Protocol::udp, translated};
const Key to_peer{base::Protocol::udp, peer};

class FlowAccountTest : public testing::Test {
 protected:
  FlowAccountTest() {
    open(to_phone, {peer.address});
    open(to_peer, {phone.address, translated.address});
  }

  void open(const Key& key, std::vector<base::Address> from) {
    Change change;
    change.key = key;
    change.from = std::move(from);
    installed_.apply(change);
  }
  static system::TrackedFlow flow(std::uint64_t there, std::uint64_t back) {
    return {
        {base::Protocol::udp, phone, peer}, {base::Protocol::udp, peer, translated}, there, back, true, 0};
  }
  std::uint64_t passed(const Key& key) const { return installed_.find(key)->passed(); }
  std::size_t heard(const Key& key) { return installed_.find(key)->take_heard().size(); }

  Installed installed_{base::HashKey{}};
  FlowAccount account_{installed_, base::HashKey{}};
};

TEST_F(FlowAccountTest, CountsEachDirectionForItsPinhole) {
  account_.note(flow(100, 90));
  EXPECT_EQ(passed(to_peer), 100U);
  EXPECT_EQ(passed(to_phone), 90U);
  EXPECT_EQ(heard(to_peer), 1U);
  EXPECT_EQ(heard(to_phone), 1U);
  account_.note(flow(150, 90));
  EXPECT_EQ(passed(to_peer), 150U);
  EXPECT_EQ(heard(to_peer), 1U);
  EXPECT_EQ(heard(to_phone), 0U) << "nothing came";
}

TEST_F(FlowAccountTest, AFlowThatBeginsAnewCountsOn) {
  account_.note(flow(100, 90));
  account_.note(flow(7, 3));
  EXPECT_EQ(passed(to_peer), 107U);
  EXPECT_EQ(passed(to_phone), 93U);
}

TEST_F(FlowAccountTest, TheSameInAnotherZoneCountsOnce) {
  system::TrackedFlow other = flow(98, 90);
  other.zone = 5;
  for (int i = 0; i < 3; ++i) {
    account_.note(flow(100, 90));
    account_.note(other);
  }
  EXPECT_EQ(passed(to_peer), 100U);
  EXPECT_EQ(passed(to_phone), 90U);
}

TEST_F(FlowAccountTest, AChangedPortIsAnotherFlow) {
  account_.note(flow(100, 90));
  system::TrackedFlow other = flow(10, 20);
  other.original.source.port = other.reply.destination.port = 1024;
  other.reply.destination = translated;
  account_.note(other);
  account_.note(flow(100, 90));
  EXPECT_EQ(passed(to_peer), 110U);
}

TEST_F(FlowAccountTest, TheRedirectedCount) {
  open({base::Protocol::udp, phone}, {peer.address});
  installed_.apply([] {
    Change close;
    close.kind = Change::Kind::close;
    close.key = to_phone;
    return close;
  }());
  // DNAT: the pinhole names where it leads.
  account_.note(
      {{base::Protocol::udp, peer, translated}, {base::Protocol::udp, phone, peer}, 50, 60, true, 0});
  EXPECT_EQ((installed_.find({base::Protocol::udp, phone})->passed()), 50U);
  EXPECT_EQ(passed(to_peer), 60U);
}

TEST_F(FlowAccountTest, WhatHasNoPinholeOrMayNotSendCountsNowhere) {
  const FlowTuple stranger{base::Protocol::udp, at("192.0.2.66", 40000), translated};
  account_.note({stranger, {base::Protocol::udp, translated, stranger.source}, 50, 60, true, 0});
  const FlowTuple other{base::Protocol::tcp, peer, translated};
  account_.note({other, {base::Protocol::tcp, translated, peer}, 50, 60, true, 0});
  EXPECT_EQ(passed(to_phone), 0U);
  EXPECT_EQ(heard(to_phone), 0U);
  EXPECT_EQ(account_.size(), 0U);
}

TEST_F(FlowAccountTest, RemembersSoManyFlowsOfAPinhole) {
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const FlowTuple there{base::Protocol::udp, {phone.address, port}, peer};
    account_.note({there, {base::Protocol::udp, peer, {translated.address, port}}, 1, 0, true, 0});
  }
  EXPECT_EQ(passed(to_peer), 100U);
  Change close;
  close.kind = Change::Kind::close;
  close.key = to_peer;
  std::vector<FlowTuple> flows;
  account_.read_last({&close, 1}, flows);
  EXPECT_EQ(flows.size(), base::limits::flows_per_pinhole) << "they are to be forgotten, too";
  EXPECT_EQ(account_.size(), 0U);
}

TEST_F(FlowAccountTest, WithoutPinholesNobodyWalks) {
  Installed none{base::HashKey{}};
  FlowAccount idle{none, base::HashKey{}};
  EXPECT_FALSE(idle.walk_some(base::TimePoint{std::chrono::hours{1}}));
}

}  // namespace
}  // namespace dpinholer
