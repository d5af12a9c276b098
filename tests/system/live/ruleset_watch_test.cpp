// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/ruleset_watch.h"

#include <poll.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "system/live/live.h"
#include "system/nft_sets.h"

namespace dpinholer::system {
namespace {

using live::Namespace;
using pinhole::ElementChange;
using pinhole::Set;
using Kind = pinhole::ElementChange::Kind;

ElementChange change(Kind kind, std::uint16_t port) {
  return {kind,
          {Set::rtp4, std::nullopt, {base::Address::parse("192.0.2.10").value(), port}},
          base::seconds{180},
          kind == Kind::remove ? "" : "ours"};
}

class RulesetWatchTest : public live::LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    live::load(home_, live::sets_ruleset());
    home_.inside([&] {
      sets_.emplace(TableName{});
      watch_.emplace(TableName{}, sets_->port_id());
    });
  }
  // The kernel tells while the change is made: nothing to wait for.
  RulesetNews after(const std::string& command) {
    home_.run(command);
    return watch_->read();
  }
  bool readable() const {
    pollfd entry{watch_->fd(), POLLIN, 0};
    return poll(&entry, 1, 0) > 0;
  }

  Namespace home_;
  std::optional<NftSets> sets_;
  std::optional<RulesetWatch> watch_;
};

TEST_F(RulesetWatchTest, NoNewsIsEmpty) {
  EXPECT_TRUE(watch_->read().empty());
}

TEST_F(RulesetWatchTest, OwnTransactionsAreNotTold) {
  ASSERT_TRUE(sets_->commit(std::vector{change(Kind::add, 1), change(Kind::add, 2)}));
  ASSERT_TRUE(sets_->commit(std::vector{change(Kind::renew, 1), change(Kind::remove, 2)}));
  EXPECT_FALSE(readable());
  EXPECT_TRUE(watch_->read().empty());
}

TEST_F(RulesetWatchTest, ElementsThatOthersAddAndRemove) {
  ASSERT_TRUE(sets_->commit(std::vector{change(Kind::add, 1)}));
  RulesetNews news = after("nft 'add element inet filter sip_tcp6 { 2001:db8::1 . 5 comment \"theirs\" }'");
  EXPECT_TRUE(news.removed.empty());
  ASSERT_EQ(news.added.size(), 1U);
  EXPECT_EQ(news.added.front().key.set, Set::tcp6);
  EXPECT_EQ(news.added.front().comment, "theirs");
  news = after("nft 'delete element inet filter sip_rtp4 { 192.0.2.10 . 1 }'");
  EXPECT_TRUE(news.added.empty());
  ASSERT_EQ(news.removed.size(), 1U);
  EXPECT_EQ(news.removed.front().key, change(Kind::add, 1).key);
  EXPECT_EQ(news.removed.front().comment, "ours");
  EXPECT_FALSE(news.sets || news.lost);
}

TEST_F(RulesetWatchTest, ASetThatIsFlushedTellsItsElements) {
  ASSERT_TRUE(sets_->commit(std::vector{change(Kind::add, 1), change(Kind::add, 2), change(Kind::add, 3)}));
  const RulesetNews news = after("nft flush set inet filter sip_rtp4");
  EXPECT_EQ(news.removed.size(), 3U);
  EXPECT_FALSE(news.sets);
}

TEST_F(RulesetWatchTest, SetsAndTablesThatComeAndGo) {
  EXPECT_TRUE(after("nft delete set inet filter sip_tcp4").sets);
  EXPECT_TRUE(after("nft -f - <<'RULESET'\n" + live::sets_ruleset() + "\nRULESET\n").sets);
  EXPECT_TRUE(after("nft flush ruleset").sets);
  EXPECT_TRUE(after("nft add table inet filter").sets);
}

TEST_F(RulesetWatchTest, RulesThatGo) {
  EXPECT_FALSE(
      after("nft 'add chain inet filter c; add rule inet filter c accept; add rule inet filter c drop'")
          .rules);
  EXPECT_TRUE(after("nft flush chain inet filter c").rules);
  EXPECT_FALSE(after("nft add rule inet filter c accept").rules);
  EXPECT_TRUE(after("nft flush table inet filter").rules);
  home_.run("nft 'add table inet other; add chain inet other c; add rule inet other c accept'");
  EXPECT_FALSE(after("nft flush chain inet other c").rules);
}

TEST_F(RulesetWatchTest, WhatIsNotOursIsNoNews) {
  for (const std::string command : {
           "nft add chain inet filter a",
           "nft add rule inet filter a accept",
           "nft add set inet filter mine '{ type ipv4_addr; }'",
           "nft add element inet filter mine '{ 192.0.2.1 }'",
           "nft add table inet other",
           "nft add table ip filter",
           "nft add set ip filter sip_rtp4 '{ type ipv4_addr . inet_service; }'",
           "nft add element ip filter sip_rtp4 '{ 192.0.2.1 . 5 }'",
           "nft delete table ip filter",
       }) {
    EXPECT_TRUE(after(command).empty()) << command;
  }
}

TEST_F(RulesetWatchTest, MoreThanCanBeToldIsToldAsLost) {
  std::string elements = "add element inet filter sip_rtp4 { ";
  for (std::size_t i = 0; i <= base::limits::ruleset_news; ++i) {
    elements += (i > 0 ? ", 192.0.2.1 . " : "192.0.2.1 . ") + std::to_string(i);
  }
  const RulesetNews news = after("nft -f - <<'RULESET'\n" + elements + " }\nRULESET\n");
  EXPECT_TRUE(news.lost);
  EXPECT_EQ(news.added.size(), base::limits::ruleset_news);
  EXPECT_TRUE(watch_->read().empty());
}

// A buffer that ran over: nobody reads while others change more than it holds.
TEST_F(RulesetWatchTest, AnOverrunIsToldAndListeningGoesOn) {
  NftSets other = [&] {
    std::optional<NftSets> made;
    home_.inside([&] { made.emplace(TableName{}); });
    return std::move(*made);
  }();
  std::vector<ElementChange> changes;
  for (std::uint16_t i = 0; i < 2000; ++i) changes.push_back(change(Kind::renew, i));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(other.commit(changes));
  EXPECT_TRUE(watch_->read().lost);
  EXPECT_TRUE(watch_->read().empty());
  EXPECT_EQ(after("nft 'add element inet filter sip_rtp4 { 192.0.2.1 . 5 }'").added.size(), 1U);
}

}  // namespace
}  // namespace dpinholer::system
