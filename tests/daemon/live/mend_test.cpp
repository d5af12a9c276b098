// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "gatekeeper.h"
#include "system/host_networks.h"
#include "system/clock.h"
#include "system/live/live.h"

namespace dpinholer {
namespace {

using live::Namespace;
using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;
using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr int calls = 2000;

// As the pinholes of so many calls: four elements each.
std::vector<Change> openings() {
  std::vector<Change> changes;
  const base::Address peer = base::Address::parse("203.0.113.5").value();
  for (int i = 0; i < calls * 4; ++i) {
    const std::string host = "192.0.2." + std::to_string(i / 40'000 + 1);
    const pinhole::Key key{base::Protocol::udp,
                           {base::Address::parse(host).value(), static_cast<std::uint16_t>(10'000 + i)}};
    changes.push_back({Change::Kind::open,
                       key,
                       {},
                       {peer},
                       base::seconds{300},
                       {"call" + std::to_string(i / 4) + "@example.com", "audio", Component::rtp},
                       Cause::answer,
                       system::now()});
  }
  return changes;
}

class MendTest : public live::LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    live::load(home_, live::sets_ruleset());
    home_.inside([&] { keeper_.emplace(system::Config{}, networks_.emplace(), base::HashKey{}); });
    keeper_->recover({});
    const auto changes = openings();
    keeper_->write(changes);
    keeper_->finish({changes, {}, {}}, system::now());
    settle();
  }
  // Waits for commits that a busy machine has not done at once. Whether there was one.
  bool settle() {
    if (!keeper_->busy()) return false;
    while (keeper_->busy()) keeper_->settle(system::now(), std::chrono::seconds{1});
    return true;
  }
  std::size_t elements() {
    const std::string text = home_.run("nft list set inet filter sip_rtp4_from | grep -o comment | wc -l");
    return std::stoul(text);
  }
  // As the daemon does it, until nothing is left for now; the longest step.
  microseconds mend() {
    microseconds longest{0};
    keeper_->read_news(system::now());
    for (bool more = true; more;) {
      const auto began = system::now();
      more = keeper_->mend(began) || settle();
      longest = std::max(longest, duration_cast<microseconds>(system::now() - began));
    }
    return longest;
  }
  void tell(const std::string& what, base::TimePoint began, microseconds longest) {
    const auto all = duration_cast<microseconds>(system::now() - began);
    std::printf("%s: %d pinholes after %.1f ms, the longest step %.2f ms\n", what.c_str(), calls * 4,
                static_cast<double>(all.count()) / 1000, static_cast<double>(longest.count()) / 1000);
  }

  Namespace home_;
  std::optional<system::HostNetworks> networks_;
  std::optional<Gatekeeper> keeper_;
};

TEST_F(MendTest, AFlushedSetIsFilledAgainInSmallSteps) {
  ASSERT_EQ(elements(), calls * 4U);
  home_.run("nft flush set inet filter sip_rtp4_from");
  const auto began = system::now();
  tell("flush set", began, mend());
  EXPECT_EQ(elements(), calls * 4U);
  EXPECT_EQ(keeper_->counters().rewritten, calls * 4U);
}

TEST_F(MendTest, AFlushedRulesetIsFilledAgainInSmallSteps) {
  live::load(home_, "flush ruleset\n" + live::sets_ruleset());
  const auto began = system::now();
  tell("flush ruleset", began, mend());
  EXPECT_EQ(elements(), calls * 4U);
  EXPECT_EQ(keeper_->counters().rewritten, calls * 4U);
}

TEST_F(MendTest, ASweepOfAllSetsIsDoneInSmallSteps) {
  home_.run("nft 'add element inet filter sip_rtp6 { 2001:db8::1 . 5 comment \"door phone\" }'");
  const auto began = system::now();
  auto now = began;
  microseconds longest{0};
  for (const auto end = began + std::chrono::seconds{3}; now < end; now = keeper_->next_deadline().value()) {
    for (bool more = true; more;) {
      const auto step = system::now();
      more = keeper_->mend(now) || settle();
      longest = std::max(longest, duration_cast<microseconds>(system::now() - step));
    }
  }
  tell("sweep", began, longest);
  EXPECT_EQ(elements(), calls * 4U);
  EXPECT_EQ(keeper_->counters().swept, 0U);
}

}  // namespace
}  // namespace dpinholer
