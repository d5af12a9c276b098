// SPDX-License-Identifier: GPL-2.0-or-later
#include "bans.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "base/limits.h"
#include "support/host.h"

namespace dpinholer {
namespace {

using scanners::Cause;
using scanners::Offence;
using std::chrono::seconds;

base::Address address(const std::string& text) {
  return base::Address::parse(text).value();
}

// The sets of a kernel that may refuse.
class FakeBanSets : public system::BanSets {
 public:
  std::map<base::Address, system::Ban> elements;
  int error = 0;
  int transactions = 0;
  std::mutex ruleset;  ///< held by others: the kernel is busy

  tl::expected<void, system::SystemError> add(std::span<const system::Ban> bans) override {
    const std::lock_guard lock(ruleset);
    ++transactions;
    if (error != 0) return tl::unexpected(system::SystemError{"nft element", error, "of set sip_banned4"});
    for (const system::Ban& ban : bans) elements.emplace(ban.source, ban);
    return {};
  }
  tl::expected<bool, system::SystemError> remove(const base::Address& source) override {
    const std::lock_guard lock(ruleset);
    if (error != 0) return tl::unexpected(system::SystemError{"nft element", error, "of set sip_banned4"});
    return elements.erase(source) > 0;
  }
  tl::expected<void, system::SystemError> for_each(
      const std::function<void(const system::Ban&)>& visit) override {
    for (const auto& [source, ban] : elements) visit(ban);
    return {};
  }
};

class BansTest : public testing::Test {
 protected:
  BansTest() { host_.own = {address("203.0.113.1")}; }

  std::size_t ban(const std::string& source, const std::string& text = "sipcli") {
    return bans_.ban({{address(source), Cause::user_agent, text, now_}}, now_).size();
  }

  test::FakeHost host_;
  FakeBanSets sets_;
  Bans bans_{sets_, host_, false, {}, {}};
  base::TimePoint now_ = base::TimePoint{seconds{10}};
};

TEST_F(BansTest, AreWrittenWithTheirReasonAndEndByThemselves) {
  EXPECT_EQ(ban("203.0.113.5", "friendly \"scanner\""), 1U);
  const system::Ban& written = sets_.elements.at(address("203.0.113.5"));
  EXPECT_EQ(written.expires, seconds{3600});
  EXPECT_EQ(written.comment, "banned user-agent friendly%20%22scanner%22");
  EXPECT_EQ(bans_.count(now_), 1U);
  EXPECT_EQ(bans_.count(now_ + seconds{3599}), 1U);
  EXPECT_EQ(bans_.count(now_ + seconds{3600}), 0U);
  EXPECT_EQ(bans_.counters().bans, 1U);
}

TEST_F(BansTest, OneTransactionForABatchAndEachSourceOnce) {
  std::vector<Offence> offences;
  for (int i = 0; i < 100; ++i)
    offences.push_back({address("203.0.113." + std::to_string(50 + i % 50)), Cause::from, "evil", now_});
  EXPECT_EQ(bans_.ban(offences, now_).size(), 50U);
  EXPECT_EQ(sets_.transactions, 1);
  EXPECT_EQ(sets_.elements.size(), 50U);
}

// What is on the way does not ban again; what comes later shows that somebody has emptied the set.
TEST_F(BansTest, AreMadeAgainWhenTheyAreGoneFromTheKernel) {
  ban("203.0.113.5");
  sets_.elements.clear();
  now_ += std::chrono::milliseconds{900};
  EXPECT_EQ(ban("203.0.113.5"), 0U);
  now_ += seconds{1};
  EXPECT_EQ(ban("203.0.113.5"), 1U);
  EXPECT_EQ(sets_.elements.size(), 1U);
}

TEST_F(BansTest, NeverOfThisHostNorOfThoseThatAreSpared) {
  for (const char* source : {"203.0.113.1", "192.168.1.1", "10.0.0.1", "fd00::1"}) EXPECT_EQ(ban(source), 0U);
  scanners::Settings settings;
  settings.never = {*base::Network::parse("198.51.100.0/24")};
  bans_.reconfigure(settings);
  EXPECT_EQ(ban("198.51.100.7"), 0U);
  EXPECT_EQ(ban("192.168.1.1"), 1U);
}

// Somebody who has one address of an IPv6 network goes on from the next.
TEST_F(BansTest, OfIpv6TheWholeNetwork) {
  const std::vector<Offence> banned =
      bans_.ban({{address("2001:db8:1:2::66"), Cause::user_agent, "sipcli", now_}}, now_);
  ASSERT_EQ(banned.size(), 1U);
  EXPECT_EQ(banned[0].banned.value().text(), "2001:db8:1:2::/64");
  EXPECT_TRUE(sets_.elements.contains(address("2001:db8:1:2::")));
  EXPECT_EQ(ban("2001:db8:1:2::67"), 0U) << "it is on the way";
  EXPECT_EQ(sets_.elements.size(), 1U);

  Bans next(sets_, host_, false, {}, {});
  next.recover(now_);
  next.for_each(10, [&](const base::Network& source, const Bans::Banned&) {
    EXPECT_EQ(source.text(), "2001:db8:1:2::/64");
  });
  EXPECT_EQ(next.lift(address("2001:db8:1:2:3:4:5:6")), true);
  EXPECT_TRUE(sets_.elements.empty());
}

// Addresses that are never banned: this host, and scanners.never.
TEST_F(BansTest, OfIpv6OneAddressWhereSomebodyInItsNetworkIsSpared) {
  host_.own.insert(address("2001:db8:1::1"));
  scanners::Settings settings;
  settings.never = {*base::Network::parse("2001:db8:2::5/128"),
                    *base::Network::parse("2001:db8:3:8000::/49")};
  bans_.reconfigure(settings);
  for (const char* source : {"2001:db8:1::66", "2001:db8:2::66", "2001:db8:3:9::66"})
    EXPECT_EQ(ban(source), 1U);
  EXPECT_TRUE(sets_.elements.contains(address("2001:db8:1::66")));
  EXPECT_TRUE(sets_.elements.contains(address("2001:db8:2::66")));
  EXPECT_TRUE(sets_.elements.contains(address("2001:db8:3:9::")));
  EXPECT_EQ(ban("2001:db8:1::67"), 1U);
  EXPECT_EQ(bans_.lift(address("2001:db8:1::66")), true);
  EXPECT_EQ(sets_.elements.size(), 3U);
}

TEST_F(BansTest, OfIpv6WhatTheSettingSays) {
  scanners::Settings settings;
  settings.ipv6_prefix = 128;
  bans_.reconfigure(settings);
  EXPECT_EQ(ban("2001:db8:1::66"), 1U);
  EXPECT_EQ(ban("2001:db8:1::67"), 1U);
  settings.ipv6_prefix = 48;
  bans_.reconfigure(settings);
  EXPECT_EQ(ban("2001:db8:1:7::66"), 1U);
  EXPECT_TRUE(sets_.elements.contains(address("2001:db8:1::")));
  EXPECT_EQ(bans_.lift(address("2001:db8:1::66")), true);
  EXPECT_EQ(sets_.elements.size(), 1U) << "the network and the address";
}

TEST_F(BansTest, AreLifted) {
  ban("203.0.113.5");
  sets_.elements[address("203.0.113.6")] = {};  // by hand
  EXPECT_EQ(bans_.lift(address("203.0.113.5")), true);
  EXPECT_EQ(bans_.lift(address("203.0.113.6")), true);
  EXPECT_EQ(bans_.lift(address("203.0.113.5")), false);
  EXPECT_TRUE(sets_.elements.empty());
  EXPECT_EQ(bans_.count(now_), 0U);
  EXPECT_EQ(ban("203.0.113.5"), 1U);
}

TEST_F(BansTest, WhatTheKernelRefusesIsCountedAndTriedAgain) {
  sets_.error = ENOENT;
  EXPECT_EQ(ban("203.0.113.5"), 0U);
  EXPECT_EQ(bans_.count(now_), 0U);
  EXPECT_EQ(bans_.counters().failed, 1U);
  const auto lifted = bans_.lift(address("203.0.113.5"));
  ASSERT_FALSE(lifted);
  EXPECT_EQ(
      lifted.error(),
      "nft element of set sip_banned4: No such file or directory; include dpinholer/dpinholer.nft in that "
      "table");
  sets_.error = 0;
  EXPECT_EQ(ban("203.0.113.5"), 1U);
}

TEST_F(BansTest, AFloodOfSourcesIsBounded) {
  std::vector<Offence> offences;
  for (std::uint32_t i = 0; i < base::limits::banned_sources + 100; ++i) {
    const auto source =
        base::Address::v4({198, 18, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
    offences.push_back({source, Cause::from, "evil", now_});
  }
  EXPECT_EQ(bans_.ban(offences, now_).size(), base::limits::banned_sources);
  EXPECT_EQ(bans_.count(now_), base::limits::banned_sources);
  EXPECT_EQ(bans_.counters().failed, 100U);
  EXPECT_EQ(bans_.count(now_ + seconds{3600}), 0U);
}

TEST_F(BansTest, ADaemonThatOnlyLooksOnWritesNothing) {
  Bans observing(sets_, host_, true, {}, {});
  EXPECT_EQ(observing.ban({{address("203.0.113.5"), Cause::failures, "9/min", now_}}, now_).size(), 1U);
  EXPECT_EQ(sets_.transactions, 0);
  EXPECT_EQ(observing.count(now_), 1U);
}

TEST_F(BansTest, TheNextDaemonKnowsThem) {
  ban("203.0.113.5");
  sets_.elements[address("203.0.113.6")] = {address("203.0.113.6"), seconds{99}, "by hand"};
  Bans next(sets_, host_, false, {}, {});
  next.recover(now_);
  EXPECT_EQ(next.count(now_), 1U);
  next.for_each(10, [&](const base::Network& source, const Bans::Banned& banned) {
    EXPECT_EQ(source.text(), "203.0.113.5");
    EXPECT_EQ(banned.why, "user-agent sipcli");
    EXPECT_EQ(banned.until, now_ + seconds{3600});
  });
}

TEST(Bans, A31_AreWrittenWhenTheKernelIsNotBusyAnyMore) {
  test::FakeHost host;
  FakeBanSets sets;
  Bans bans{sets, host, false, {}, {}, std::chrono::milliseconds{1}};
  const base::TimePoint now{seconds{10}};
  auto ban = [&](const std::string& source) {
    return bans.ban({{address(source), Cause::user_agent, "sipcli", now}}, now).size();
  };
  auto free = [&](std::unique_lock<std::mutex> others) {
    others.unlock();
    for (pollfd ready{bans.fd(), POLLIN, 0}; poll(&ready, 1, 100) == 1;) bans.settle(now);
  };
  std::unique_lock others(sets.ruleset);
  EXPECT_EQ(ban("203.0.113.66"), 1U);
  EXPECT_EQ(ban("203.0.113.67"), 1U);
  EXPECT_EQ(ban("203.0.113.68"), 1U);
  EXPECT_EQ(bans.count(now), 3U);
  EXPECT_EQ(bans.counters().bans, 0U) << "nobody knows yet";
  EXPECT_FALSE(bans.lift(address("203.0.113.66"))) << "who asks is not made to wait";
  free(std::move(others));
  EXPECT_EQ(sets.elements.size(), 3U);
  EXPECT_EQ(sets.transactions, 2);
  EXPECT_EQ(bans.counters().bans, 3U);
  EXPECT_EQ(bans.lift(address("203.0.113.66")), true);

  others = std::unique_lock(sets.ruleset);
  sets.error = ENOENT;
  EXPECT_EQ(ban("203.0.113.69"), 1U);
  free(std::move(others));
  EXPECT_EQ(bans.counters().failed, 1U);
  EXPECT_EQ(bans.count(now), 2U) << "what the kernel refused in the end is none";
}

}  // namespace
}  // namespace dpinholer
