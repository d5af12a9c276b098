// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_keeper.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "fake_sets.h"

namespace dpinholer {
namespace {

using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;
using pinhole::ElementKey;
using pinhole::Key;
using pinhole::Set;
using Fault = FakeSets::Fault;
using Kind = Change::Kind;
using Sources = std::vector<base::Address>;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

const base::Address peer = address("203.0.113.5");
const base::Address relay = address("203.0.113.6");
const std::string our_comment = pinhole::comment({"over@example.com", "audio", Component::rtp});

Key pinhole(std::uint16_t port) {
  return {base::Protocol::udp, {address("192.0.2.10"), port}};
}
ElementKey element(std::uint16_t port) {
  return {Set::rtp4, std::nullopt, pinhole(port).destination};
}
ElementKey element(std::uint16_t port, const base::Address& source) {
  return {Set::rtp4_from, source, pinhole(port).destination};
}

/// A keeper, its kernel, and what is to be open, as the changes say.
class Keeping {
 public:
  Keeping() : keeper(sets, false, {}) { keeper.recover(now); }

  void open(std::uint16_t port, Sources from = {}) { add(Kind::open, port, {}, std::move(from)); }
  void bind(std::uint16_t port, Sources from) { add(Kind::bind, port, wanted.at(port), std::move(from)); }
  void refresh(std::uint16_t port) { add(Kind::refresh, port, {}, wanted.at(port)); }
  void close(std::uint16_t port) { add(Kind::close, port, {}, wanted.at(port)); }

  /// What the daemon does with a batch of packets.
  void finish_batch() {
    keeper.write(changes_);
    keeper.finish(changes_, now, [](const Change&, const pinhole::Installed::Entry*) {});
    changes_.clear();
  }
  /// And in between.
  void work() {
    keeper.note(std::exchange(sets.news, {}), now);
    while (keeper.refresh_some([&](const Key& key, const auto& source) { seen.emplace(key, source); }))
      continue;
    for (int i = 0; i < 10'000 && keeper.mend(now); ++i) continue;
  }
  void pass(base::Duration time) {
    const base::TimePoint end = now + time;
    work();
    for (auto next = keeper.next_deadline(); next && *next <= end; next = keeper.next_deadline()) {
      now = std::max(now, *next);
      work();
    }
    now = end;
  }

  std::set<ElementKey> wanted_elements() const {
    std::set<ElementKey> all;
    for (const auto& [port, from] : wanted) {
      for (const ElementKey& key : pinhole::element_keys(pinhole(port), from)) all.insert(key);
    }
    return all;
  }

  FakeSets sets;
  SetKeeper keeper;
  base::TimePoint now{std::chrono::hours{1}};
  std::map<std::uint16_t, Sources> wanted;
  std::set<std::pair<Key, std::optional<base::Address>>> seen;  // with media, when they were refreshed

 private:
  void add(Kind kind, std::uint16_t port, Sources before, Sources from) {
    if (kind == Kind::close) wanted.erase(port);
    if (kind != Kind::close) wanted[port] = from;
    changes_.push_back({kind,
                        pinhole(port),
                        std::move(before),
                        std::move(from),
                        base::seconds{300},
                        {"call" + std::to_string(port), "audio", Component::rtp},
                        Cause::offer,
                        now});
  }

  std::vector<Change> changes_;
};

/// All comes right within this: a sweep and its second look are in it.
constexpr std::chrono::seconds settling{130};

/// Elements as nft would show them, for failures that can be read.
std::set<std::string> text(const std::set<ElementKey>& keys) {
  std::set<std::string> lines;
  for (const ElementKey& key : keys) lines.insert(system::to_string(key));
  return lines;
}

void expect_agreement(const Keeping& it, const std::string& what) {
  EXPECT_EQ(text(it.sets.keys()), text(it.wanted_elements())) << what;
  EXPECT_EQ(it.keeper.waiting(), 0U) << what;
}

// ---- Faults at every step
// ----------------------------------------------------------------------------------

// Calls in all their ways: some twenty changes of elements.
void run_calls(Keeping& it) {
  it.open(1);
  it.open(2);
  it.finish_batch();
  it.work();
  it.bind(1, {peer});
  it.open(3, {peer, relay});
  it.finish_batch();
  it.open(4);
  it.bind(3, {relay});
  it.bind(2, {peer});
  it.finish_batch();
  it.work();
  it.refresh(1);
  it.close(3);
  it.open(5);
  it.close(5);
  it.finish_batch();
  it.open(3);
  it.close(2);
  it.bind(1, {peer, relay});
  it.finish_batch();
  it.work();
}

class EveryStep : public testing::TestWithParam<Fault> {};

TEST_P(EveryStep, A7_AfterAFaultTableAndKernelAgree) {
  std::size_t struck = 0;
  for (std::size_t at = 0;; ++at) {
    Keeping it;
    it.sets.fault = GetParam();
    it.sets.at = at;
    run_calls(it);
    it.sets.empty();
    it.pass(settling);
    expect_agreement(it, "fault at step " + std::to_string(at));
    if (!it.sets.struck) break;
    ++struck;
  }
  EXPECT_GE(struck, 18U);
}

INSTANTIATE_TEST_SUITE_P(SetKeeper, EveryStep,
                         testing::Values(Fault::refuse, Fault::lose_if_done, Fault::lose_if_not,
                                         Fault::wait_if_done, Fault::wait_if_not, Fault::fail,
                                         Fault::flush_before, Fault::flush_after, Fault::destroy_after,
                                         Fault::fill));

// ---- Random lives
// ------------------------------------------------------------------------------------------

class RandomLives {
 public:
  explicit RandomLives(unsigned seed) : random_(seed) {}

  void step() {
    if (it_.sets.struck) arm();
    const int batch = below(4);
    for (int i = 0; i < batch; ++i) change();
    it_.finish_batch();
    if (below(3) == 0) interfere();
    if (below(2) == 0) it_.work();
    if (below(4) == 0) it_.pass(std::chrono::milliseconds{below(3000)});
  }

  void settle() {
    it_.sets.fault = Fault::none;
    it_.sets.empty();
    it_.sets.blind = 0;
    if (it_.sets.missing) it_.sets.restore();
    it_.pass(settling);
    // What nobody was told of comes right when the calls are refreshed.
    for (const auto& [port, from] : std::map(it_.wanted)) it_.refresh(port);
    it_.finish_batch();
    it_.pass(settling);
  }

  const Keeping& state() const { return it_; }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  Sources sources() {
    const std::vector<Sources> all{{}, {peer}, {relay}, {peer, relay}};
    return all[random_() % all.size()];
  }

  void arm() {
    it_.sets.struck = false;
    it_.sets.fault = static_cast<Fault>(below(static_cast<int>(Fault::fill) + 1));
    it_.sets.at += static_cast<std::size_t>(below(30));
  }

  void change() {
    const auto port = static_cast<std::uint16_t>(below(12));
    if (!it_.wanted.contains(port)) return it_.open(port, sources());
    switch (below(4)) {
      case 0:
        return it_.refresh(port);
      case 1:
        return it_.close(port);
      default:
        if (const Sources from = sources(); from != it_.wanted.at(port)) it_.bind(port, from);
    }
  }

  // What others do to the sets.
  void interfere() {
    const auto port = static_cast<std::uint16_t>(below(12));
    const bool told = below(4) > 0;
    const ElementKey key = below(2) == 0 ? element(port) : element(port, peer);
    switch (below(8)) {
      case 0:
        return it_.sets.flush();
      case 1:
        if (it_.sets.missing) return it_.sets.restore();
        return it_.sets.destroy();
      case 2:
        it_.sets.size = static_cast<std::size_t>(below(8));
        return;
      case 3:
        return it_.sets.empty();
      case 4:
        if (!it_.sets.missing) it_.sets.add(key, our_comment, told);
        return;
      case 5:
        it_.sets.news.lost = true;
        return;
      case 6:
        it_.sets.blind = below(4);
        return;
      default:
        return it_.sets.remove(key, told);
    }
  }

  std::mt19937 random_;
  Keeping it_;
};

TEST(SetKeeper, AfterRandomLivesTableAndKernelAgree) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed != first + 300; ++seed) {
    RandomLives lives(seed);
    for (int i = 0; i < 60; ++i) lives.step();
    lives.settle();
    expect_agreement(lives.state(), "seed " + std::to_string(seed));
    if (testing::Test::HasFailure()) return;
  }
}

// ---- One behaviour each
// ------------------------------------------------------------------------------------

TEST(SetKeeper, WhatIsFlushedIsWrittenAgainAtOnce) {
  Keeping it;
  for (std::uint16_t port = 0; port < 1000; ++port) it.open(port, {peer, relay});
  it.finish_batch();
  it.sets.flush();
  it.work();
  expect_agreement(it, "flushed");
  EXPECT_EQ(it.keeper.counters().rewritten, 1000U);
  it.sets.destroy();
  it.work();
  EXPECT_TRUE(it.sets.keys().empty());
  it.sets.restore();
  it.work();
  expect_agreement(it, "made again");
  EXPECT_EQ(it.keeper.counters().rewritten, 2000U);
}

TEST(SetKeeper, WritesInSlices) {
  Keeping it;
  for (std::uint16_t port = 0; port < 1000; ++port) it.open(port);
  it.finish_batch();
  it.sets.flush();
  it.keeper.note(std::exchange(it.sets.news, {}), it.now);
  EXPECT_TRUE(it.keeper.mend(it.now));
  EXPECT_LE(it.sets.keys().size(), 200U);
  EXPECT_EQ(it.keeper.next_deadline(), it.now) << "and goes on at once";
}

TEST(SetKeeper, TriesNothingWhileTheSetsAreMissing) {
  Keeping it;
  it.sets.destroy();
  it.work();
  const std::size_t before = it.sets.commits();
  for (std::uint16_t port = 0; port < 10; ++port) {
    it.open(port);
    it.finish_batch();
    it.pass(std::chrono::seconds{1});
  }
  EXPECT_EQ(it.sets.commits(), before);
  EXPECT_EQ(it.keeper.counters().failures, 10U);
  it.sets.missing = false;  // of which nobody tells
  it.pass(std::chrono::seconds{2});
  expect_agreement(it, "sets are back");
}

TEST(SetKeeper, WaitsForSetsThatAreNotThereYet) {
  FakeSets sets;
  sets.missing = true;
  SetKeeper keeper(sets, false, {});
  base::TimePoint now{std::chrono::hours{1}};
  const auto said = [&](const std::function<void()>& action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(
      said([&] { EXPECT_TRUE(keeper.recover(now).empty()); }).find("no sets; no pinhole opens until then"),
      std::string::npos);
  const Change opening{Kind::open, pinhole(1), {}, {}, base::seconds{9}, {}, Cause::offer, {}};
  keeper.write({opening});
  keeper.finish({opening}, now, [](const Change&, const pinhole::Installed::Entry*) {});
  EXPECT_EQ(said([&] {
              for (int second = 0; second < 5; ++second) {
                now = keeper.next_deadline().value();
                keeper.mend(now);
              }
            }),
            "")
      << "once";
  EXPECT_EQ(sets.commits(), 0U);
  sets.missing = false;  // of which nobody tells
  now = keeper.next_deadline().value();
  const auto log = said([&] {
    while (keeper.mend(now)) continue;
  });
  EXPECT_NE(log.find("the sets are there"), std::string::npos);
  EXPECT_EQ(sets.keys().size(), 1U);
}

TEST(SetKeeper, A7_AFullSetIsTriedNowAndThenAndNotByEveryCall) {
  Keeping it;
  it.sets.size = 2;
  for (std::uint16_t port = 0; port < 100; ++port) {
    it.open(port);
    it.finish_batch();
  }
  EXPECT_EQ(it.sets.keys().size(), 2U);
  EXPECT_EQ(it.keeper.waiting(), 98U);
  EXPECT_LE(it.sets.aborts(), 2U);
  it.pass(std::chrono::seconds{60});
  EXPECT_LE(it.sets.aborts(), 2U + 40U);
  it.close(0);
  it.finish_batch();
  it.work();
  EXPECT_EQ(it.sets.keys().size(), 2U) << "what closes makes room for one that waits, at once";
  EXPECT_EQ(it.keeper.waiting(), 97U);
  it.sets.empty();
  it.pass(std::chrono::seconds{3});
  expect_agreement(it, "there is room");
  EXPECT_EQ(it.keeper.counters().retried, 98U);
}

TEST(SetKeeper, WhatWaitsForRoomIsForgottenWhenItsCallEnds) {
  Keeping it;
  it.sets.size = 0;
  it.open(1);
  it.open(2);
  it.finish_batch();
  it.close(1);
  it.finish_batch();
  EXPECT_EQ(it.keeper.waiting(), 1U);
  it.sets.empty();
  it.pass(std::chrono::seconds{3});
  expect_agreement(it, "one call ended");
}

// The race of ruleset.md: a packet that matched just before the element went makes it again.
TEST(SetKeeper, WhatComesBackAfterItWasClosedIsRemoved) {
  Keeping it;
  it.open(1, {peer});
  it.open(2);
  it.finish_batch();
  it.close(1);
  it.bind(2, {peer});
  it.finish_batch();
  it.sets.add(element(1, peer), "", false);
  it.sets.add(element(2), "", false);
  it.pass(std::chrono::seconds{2});
  expect_agreement(it, "strays");
  EXPECT_EQ(it.keeper.counters().swept, 2U);
}

TEST(SetKeeper, WhatAPacketOnItsWayMakesAgainGoesSoon) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  const pinhole::ElementKey key = *it.sets.keys().begin();
  it.close(1);
  it.finish_batch();
  it.sets.add(key, "", false);
  it.pass(std::chrono::milliseconds{25});
  EXPECT_EQ(it.sets.keys().size(), 0U);
  it.sets.add(key, "", false);
  it.pass(std::chrono::milliseconds{1100});
  EXPECT_EQ(it.sets.keys().size(), 0U) << "a late one";
}

TEST(SetKeeper, ElementsOfCallsThatAreOverAreSwept) {
  Keeping it;
  it.open(1, {peer});
  it.finish_batch();
  it.sets.add(element(1), our_comment, false);         // bound since
  it.sets.add(element(1, relay), our_comment, false);  // and to others
  it.sets.add(element(7), our_comment, false);
  it.pass(std::chrono::seconds{61});
  expect_agreement(it, "swept");
  it.sets.add(element(7), our_comment);
  it.work();
  expect_agreement(it, "at once when it is told");
}

// nf_tables walks a hash table that is being resized without passing all of it.
TEST(SetKeeper, WhatAReadingPassesOverIsTakenOverAllTheSame) {
  FakeSets sets;
  for (std::uint16_t port = 1; port <= 10; ++port) sets.add(element(port), our_comment);
  sets.resizing = 1;
  SetKeeper keeper(sets, false, {});
  EXPECT_EQ(keeper.recover({}).size(), 10U);
}

TEST(SetKeeper, TheFirstSweepNeedsNoOccasion) {
  Keeping it;
  it.sets.add(element(7), our_comment, false);
  const base::TimePoint end = it.now + settling;
  for (auto next = it.keeper.next_deadline(); next && *next <= end; next = it.keeper.next_deadline()) {
    it.now = std::max(it.now, *next);
    while (it.keeper.mend(it.now)) continue;
  }
  expect_agreement(it, "swept");
}

TEST(SetKeeper, ForeignElementsAreLeftAlone) {
  Keeping it;
  const std::set<ElementKey> foreign{element(7), element(8), element(9)};
  it.sets.add(element(7), "door phone");
  it.sets.add(element(8), "");
  it.sets.add(element(9), "door phone", false);
  it.open(1);
  it.open(9);  // the call uses the same port
  it.finish_batch();
  it.pass(settling);
  EXPECT_EQ(it.sets.elements.at(element(9)).comment, "door phone");
  it.close(1);
  it.finish_batch();
  it.pass(settling);
  EXPECT_EQ(it.sets.keys(), foreign);
}

TEST(SetKeeper, NothingIsSweptByWhoDidNotReadTheSetsFirst) {
  FakeSets sets;
  sets.add(element(7), our_comment, false);
  SetKeeper keeper(sets, false, {});
  base::TimePoint now{std::chrono::hours{1}};
  for (int i = 0; i < 100; ++i, now += std::chrono::seconds{10}) {
    while (keeper.mend(now)) continue;
  }
  EXPECT_EQ(sets.keys(), std::set{element(7)});
}

TEST(SetKeeper, NewsThatGetLostAllTheTimeAreWorthALookASecond) {
  Keeping it;
  for (std::uint16_t port = 0; port < 1000; ++port) it.open(port);
  it.finish_batch();
  it.sets.elements.clear();
  it.sets.news.lost = true;
  it.work();
  expect_agreement(it, "looked at once");
  const std::size_t before = it.sets.lookups();
  for (int i = 0; i < 100; ++i) {
    it.sets.news.lost = true;
    it.pass(std::chrono::milliseconds{50});
  }
  const std::size_t looked = it.sets.lookups() - before;
  EXPECT_GE(looked, 4000U);
  EXPECT_LE(looked, 6000U);
}

TEST(SetKeeper, ObservingWritesNothing) {
  FakeSets sets;
  SetKeeper keeper(sets, true, {});
  keeper.recover({});
  const Change opening{Kind::open, pinhole(1), {}, {}, base::seconds{9}, {}, Cause::offer, {}};
  keeper.write({opening});
  keeper.finish({opening}, {}, [](const Change&, const pinhole::Installed::Entry*) {});
  keeper.note({true, true, {}, {}}, {});
  EXPECT_FALSE(keeper.mend({}));
  EXPECT_EQ(keeper.next_deadline(), std::nullopt);
  EXPECT_EQ(sets.commits(), 0U);
}

// ---- Figures
// -----------------------------------------------------------------------------------------------

// What is known of a pinhole's packets when it closes.
std::uint64_t packets_at_close(Keeping& it, std::uint16_t port) {
  std::uint64_t packets = 0;
  const Change closing{Kind::close, pinhole(port), {}, it.wanted.at(port), {}, {}, Cause::bye, it.now};
  it.keeper.write({closing});
  it.keeper.finish({closing}, it.now,
                   [&](const Change&, const pinhole::Installed::Entry* entry) { packets = entry->packets; });
  return packets;
}

TEST(SetKeeper, CountsWhatElementsHadCountedThatOthersRemoved) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  it.sets.elements.at(element(1)).packets = 70;
  it.sets.flush();
  it.work();
  it.sets.elements.at(element(1)).packets = 5;
  EXPECT_EQ(packets_at_close(it, 1), 75U);
}

TEST(SetKeeper, KnowsWhetherCountsAreLost) {
  Keeping it;
  for (std::uint16_t port = 1; port <= 2; ++port) it.open(port);
  it.open(3, {peer, relay});
  it.finish_batch();
  const auto lost = [&](std::uint16_t port) { return it.keeper.installed().find(pinhole(port))->lost; };
  it.sets.flush();
  it.work();
  expect_agreement(it, "flushed");
  for (std::uint16_t port = 1; port <= 3; ++port)
    EXPECT_FALSE(lost(port)) << "the kernel told what was counted";

  it.sets.remove(element(3, peer));
  it.sets.remove(element(1), false);
  it.refresh(1);
  it.finish_batch();
  it.work();
  expect_agreement(it, "one gone that was told, one that was not");
  EXPECT_TRUE(lost(1));
  EXPECT_FALSE(lost(2));
  EXPECT_FALSE(lost(3));

  it.sets.destroy();
  it.work();
  it.open(4);  // which has no element, and counts nothing, until the sets are back
  it.finish_batch();
  it.sets.restore();
  it.work();
  expect_agreement(it, "made again");
  for (std::uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(lost(port));
  EXPECT_FALSE(lost(4));
}

TEST(SetKeeper, KeepsWhatWasSeenOfACountThatIsLost) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  it.sets.elements.at(element(1)).packets = 70;
  EXPECT_EQ(it.keeper.has_media({pinhole(1), {std::nullopt}}), pinhole::Sources{std::nullopt});
  it.sets.elements.at(element(1)).packets = 80;
  it.sets.destroy();
  it.sets.restore();
  it.work();
  EXPECT_TRUE(it.keeper.has_media({pinhole(1), {std::nullopt}}).empty());
  it.sets.elements.at(element(1)).packets = 5;
  EXPECT_FALSE(it.keeper.has_media({pinhole(1), {std::nullopt}}).empty())
      << "media after the loss is a sign of life";
  EXPECT_EQ(packets_at_close(it, 1), 75U);
}

TEST(SetKeeper, CountsRenewedElementsOnce) {
  Keeping it;
  it.open(1, {peer});
  it.finish_batch();
  it.sets.elements.at(element(1, peer)).packets = 70;
  it.bind(1, {peer, relay});  // renews the first
  it.finish_batch();
  it.sets.elements.at(element(1, peer)).packets = 3;
  it.sets.elements.at(element(1, relay)).packets = 2;
  EXPECT_EQ(packets_at_close(it, 1), 75U);
}

// Alice and Carol talk to one port.
TEST(SetKeeper, A15TellsFromWhomMediaCame) {
  Keeping it;
  it.open(1, {peer, relay});
  it.finish_batch();
  it.sets.elements.at(element(1, peer)).packets = 70;
  EXPECT_TRUE(it.keeper.has_media({pinhole(1), {relay}}).empty());
  EXPECT_EQ(it.keeper.has_media({pinhole(1), {peer, relay}}), pinhole::Sources{peer});
  EXPECT_TRUE(it.keeper.has_media({pinhole(1), {peer, relay}}).empty());

  it.sets.elements.at(element(1, relay)).packets = 5;
  it.refresh(1);
  it.finish_batch();
  it.work();
  EXPECT_EQ(it.seen, (std::set<std::pair<Key, std::optional<base::Address>>>{{pinhole(1), relay}}));
  EXPECT_TRUE(it.keeper.has_media({pinhole(1), {peer, relay}}).empty()) << "it was told already";
}

// A pinhole is renewed when the next source is let in: its packets since the last look are not forgotten.
TEST(SetKeeper, A15MediaBeforeARenewalCounts) {
  Keeping it;
  it.open(1, {peer});
  it.finish_batch();
  it.sets.elements.at(element(1, peer)).packets = 70;
  it.bind(1, {peer, relay});
  it.finish_batch();
  EXPECT_EQ(it.keeper.has_media({pinhole(1), {peer}}), pinhole::Sources{peer});
  EXPECT_TRUE(it.keeper.has_media({pinhole(1), {peer}}).empty());
}

// The inspector may take a pinhole for bound before that is written, or after it is over.
TEST(SetKeeper, A15TellsTheSourcesOfAPinholeAsItIs) {
  Keeping it;
  it.open(1);
  it.open(2, {peer});
  it.finish_batch();
  it.sets.elements.at(element(1)).packets = 7;
  it.sets.elements.at(element(2, peer)).packets = 7;
  EXPECT_EQ(it.keeper.has_media({pinhole(1), {peer}}), pinhole::Sources{std::nullopt});
  EXPECT_EQ(it.keeper.has_media({pinhole(2), {std::nullopt}}), pinhole::Sources{peer});
  EXPECT_TRUE(it.keeper.has_media({pinhole(3), {peer}}).empty());
}

// ---- What it tells ----------------------------------------------------------------------------------------

// What `action` and what follows from it log.
std::string logged(Keeping& it, const std::function<void()>& action) {
  testing::internal::CaptureStderr();
  action();
  it.pass(settling);
  return testing::internal::GetCapturedStderr();
}

// The last line of that, without time and level.
std::string told(Keeping& it, const std::function<void()>& action) {
  std::string log = logged(it, action);
  if (log.empty()) return log;
  log.pop_back();
  log.erase(0, log.rfind('\n') + 1);
  for (int blanks = 0; blanks < 3; ++blanks) log.erase(0, log.find(' ') + 1);
  return log;
}

TEST(SetKeeper, TellsWhatItMendsAndWhatItCannot) {
  Keeping it;
  EXPECT_EQ(told(it,
                 [&] {
                   it.open(1);
                   it.open(2);
                   it.finish_batch();
                 }),
            "");
  EXPECT_EQ(told(it, [&] { it.sets.flush(); }), "elements were removed by others: 2 pinholes written again");
  EXPECT_EQ(told(it, [&] { it.sets.remove(element(1)); }),
            "elements were removed by others: 1 pinhole written again");
  EXPECT_EQ(told(it, [&] { it.sets.destroy(); }), "no sets; 2 pinholes will be written then");
  EXPECT_EQ(told(it, [&] { it.sets.restore(); }), "sets were flushed: 2 pinholes written again");
  EXPECT_EQ(told(it, [&] { it.sets.add(element(9), our_comment, false); }),
            "1 element of calls that are over removed");
  const std::string refused =
      "nft element sip_rtp4 { 192.0.2.10 . 3 }: Too many open files in system (the set is full: it needs a "
      "larger size), not "
      "added: "
      "its media stays closed until it is";
  EXPECT_EQ(told(it,
                 [&] {
                   it.sets.size = 2;
                   it.open(3);
                   it.finish_batch();
                 }),
            refused);
}

// The kernel tells of one reload in several pieces: some come while the first pinholes are written.
TEST(SetKeeper, TellsOfAllItWroteAgainWhereNewsComeMeanwhile) {
  Keeping it;
  for (std::uint16_t port = 0; port < 1000; ++port) it.open(port);
  it.finish_batch();
  const auto log = told(it, [&] {
    it.sets.destroy();
    it.sets.restore();
    it.keeper.note(std::exchange(it.sets.news, {}), it.now);
    EXPECT_TRUE(it.keeper.mend(it.now));
    it.sets.news.sets = true;
  });
  EXPECT_EQ(log, "sets were flushed: 1000 pinholes written again");
}

TEST(SetKeeper, TellsWhatTheKernelRefuses) {
  Keeping it;
  auto expect = [&](const std::string& consequence, const std::function<void()>& action) {
    const std::string log = logged(it, [&] {
      it.sets.fail_next(Fault::refuse);
      action();
      it.finish_batch();
    });
    const std::string line =
        "nft element sip_rtp4 { 192.0.2.10 . 1 }: Cannot allocate memory, " + consequence;
    EXPECT_NE(log.find(" error " + line + "\n"), std::string::npos) << log;
    EXPECT_EQ(it.sets.keys(), it.wanted_elements());
    it.pass(std::chrono::hours{1});  // what was told lately is not told again
  };
  expect("not added: its media stays closed until it is", [&] { it.open(1); });
  expect("not renewed yet", [&] {
    it.sets.remove(element(1), false);
    it.refresh(1);
  });
  expect("not removed yet", [&] { it.close(1); });
}

TEST(SetKeeper, TellsWhatItMayNotHaveTakenOver) {
  FakeSets sets;
  SetKeeper keeper(sets, false, {});
  auto log = [&](const std::function<void()>& prepare) {
    prepare();
    testing::internal::CaptureStderr();
    keeper.recover({});
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(log([] {}), "");
  EXPECT_NE(log([&] {
              sets.blind = 1;
            }).find("list of a test: No buffer space available: its elements are not taken over\n"),
            std::string::npos);
  EXPECT_NE(
      log([&] { sets.restless = true; }).find("set sip_rtp4 never stood still: not all may be taken over\n"),
      std::string::npos);
}

// ---- Figures
// -------------------------------------------------------------------------------------------------

TEST(SetKeeper, LooksTwiceBeforeItGivesUp) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  it.sets.flush();
  it.sets.blind = 1;
  it.work();
  EXPECT_EQ(it.keeper.counters().lookups_failed, 0U);
  EXPECT_EQ(it.keeper.counters().rewritten, 1U);
  expect_agreement(it, "flushed, and looked at twice");
}

TEST(SetKeeper, CountsNothingAsWrittenAgainThatItCouldNotLookAt) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  it.sets.blind = 2;
  it.refresh(1);
  it.finish_batch();
  it.work();
  EXPECT_EQ(it.keeper.counters().lookups_failed, 1U);
  EXPECT_EQ(it.keeper.counters().rewritten, 0U) << "it was there, and nobody knew";

  it.sets.news.sets = true;
  it.sets.blind = 2;
  it.work();
  EXPECT_EQ(it.keeper.counters().lookups_failed, 2U);
  EXPECT_EQ(it.keeper.counters().rewritten, 0U) << "nor after a flush";
  EXPECT_FALSE(it.keeper.installed().find(pinhole(1))->lost) << "and nothing says that figures were lost";
  expect_agreement(it, "looked at in vain");
}

TEST(SetKeeper, CountsNothingAsWrittenAgainThatTheKernelRefused) {
  Keeping it;
  it.open(1);
  it.finish_batch();
  it.sets.remove(element(1), false);
  it.sets.fail_next(Fault::wait_if_not);
  it.refresh(1);
  it.finish_batch();
  it.work();
  ASSERT_TRUE(it.sets.struck);
  EXPECT_EQ(it.keeper.counters().rewritten, 0U);
  EXPECT_EQ(it.keeper.waiting(), 1U);
  it.pass(settling);
  expect_agreement(it, "tried again");
}

TEST(SetKeeper, CountsNothingAsSweptThatTheKernelDidNotRemove) {
  Keeping it;
  it.sets.add(element(7), our_comment);
  it.sets.fail_next(Fault::wait_if_not);
  it.work();
  ASSERT_TRUE(it.sets.struck);
  EXPECT_EQ(it.keeper.counters().swept, 0U);
  it.pass(settling);
  EXPECT_EQ(it.keeper.counters().swept, 1U);
  expect_agreement(it, "swept later");
}

// ---- Attack A31: a kernel that is busy with somebody else's ruleset
// -------------------------------------------------------------------------------------------------

/// A keeper that waits a millisecond for a commit, and a kernel that others keep busy.
class Busy {
 public:
  Busy() { keeper.recover(now); }

  SetKeeper::Commit change(std::vector<Change> changes) {
    const auto commit = keeper.write(changes);
    keeper.finish(changes, now, [](const Change&, const pinhole::Installed::Entry*) {});
    return commit;
  }
  static Change change(Kind kind, std::uint16_t port, Sources before = {}, Sources from = {},
                       const std::string& call = "call") {
    return {kind,
            pinhole(port),
            std::move(before),
            std::move(from),
            base::seconds{300},
            {call, "audio", Component::rtp},
            Cause::offer,
            now};
  }
  /// The kernel is free again, and does what it was told.
  void free() {
    if (others.owns_lock()) others.unlock();
    while (keeper.busy()) {
      pollfd ready{keeper.fd(), POLLIN, 0};
      ASSERT_EQ(poll(&ready, 1, 10'000), 1) << "nobody says that it is done";
      keeper.settle(now);
    }
  }

  FakeSets sets;
  SetKeeper keeper{sets, false, {}, std::chrono::milliseconds{1}};
  std::unique_lock<std::mutex> others{sets.ruleset};
  static constexpr base::TimePoint now{std::chrono::hours{1}};
};

TEST(SetKeeper, A31_GoesOnWhileTheKernelIsBusy) {
  Busy it;
  const auto first = it.change({Busy::change(Kind::open, 1)});
  const auto second = it.change({Busy::change(Kind::open, 2)});
  const auto third = it.change({Busy::change(Kind::open, 3)});
  EXPECT_TRUE(it.keeper.busy());
  for (const auto commit : {first, second, third}) EXPECT_FALSE(it.keeper.is_done(commit));
  EXPECT_EQ(it.keeper.installed().size(), 3U);
  EXPECT_EQ(it.keeper.counters().late, 1U) << "what is behind it waits for no commit of its own";
  it.free();
  for (const auto commit : {first, second, third}) EXPECT_TRUE(it.keeper.is_done(commit));
  EXPECT_EQ(text(it.sets.keys()), text({element(1), element(2), element(3)}));
  EXPECT_EQ(it.sets.commits(), 2U) << "what was behind it goes together";
}

TEST(SetKeeper, A31_WritesWhatTheAccountSaysInTheEnd) {
  Busy it;
  it.change({Busy::change(Kind::open, 1), Busy::change(Kind::open, 2)});
  it.change({Busy::change(Kind::close, 1)});
  it.change({Busy::change(Kind::bind, 2, {}, {peer})});
  it.change({Busy::change(Kind::open, 3), Busy::change(Kind::open, 4)});
  it.change({Busy::change(Kind::close, 3), Busy::change(Kind::close, 4)});
  it.change({Busy::change(Kind::open, 4, {}, {}, "another")});
  it.free();
  EXPECT_EQ(text(it.sets.keys()), text({element(2, peer), element(4)}));
  EXPECT_EQ(it.sets.elements.at(element(4)).comment, pinhole::comment({"another", "audio", Component::rtp}));
  EXPECT_EQ(it.keeper.take_removed_late(), (std::set<Key>{pinhole(1), pinhole(2), pinhole(3), pinhole(4)}))
      << "flows may have begun meanwhile";
}

TEST(SetKeeper, A31_MendsNothingMeanwhile) {
  Busy it;
  it.change({Busy::change(Kind::open, 1)});
  it.sets.news.sets = true;
  it.keeper.note(std::exchange(it.sets.news, {}), Busy::now);
  EXPECT_FALSE(it.keeper.mend(Busy::now));
  EXPECT_FALSE(it.keeper.refresh_some([](const Key&, const auto&) {}));
  EXPECT_EQ(it.keeper.next_deadline(), std::nullopt) << "or it would turn in circles";
  EXPECT_EQ(it.sets.lookups(), 0U);
  it.free();
  EXPECT_TRUE(it.keeper.mend(Busy::now));
  EXPECT_NE(it.keeper.next_deadline(), std::nullopt);
}

TEST(SetKeeper, A31_KnowsWhatPassedThroughAPinholeThatClosesMeanwhile) {
  Busy it;
  it.change({Busy::change(Kind::open, 1), Busy::change(Kind::open, 2)});
  it.free();
  it.sets.elements.at(element(1)).packets = 650;
  it.others.lock();
  std::uint64_t packets = 0;
  const std::vector<Change> close{Busy::change(Kind::close, 1)};
  it.keeper.write(close);
  it.keeper.finish(close, Busy::now,
                   [&](const Change&, const pinhole::Installed::Entry* entry) { packets = entry->packets; });
  EXPECT_EQ(packets, 650U);
  it.free();
  EXPECT_EQ(text(it.sets.keys()), text({element(2)}));
}

TEST(SetKeeper, A31_WhatTheKernelRefusesInTheEndIsTriedAgain) {
  Busy it;
  it.sets.size = 0;
  it.change({Busy::change(Kind::open, 1)});
  it.change({Busy::change(Kind::open, 2)});
  it.free();
  EXPECT_EQ(it.sets.keys().size(), 0U);
  EXPECT_EQ(it.keeper.waiting(), 2U);
}

TEST(SetKeeper, A31_WhatDoesNotFitBehindIsFoundByLookingAtAll) {
  Busy it;
  it.change({Busy::change(Kind::open, 1)});
  std::vector<Change> changes;
  for (int i = 0; i < static_cast<int>(base::limits::elements_behind); ++i) {
    const std::string host = "10.0." + std::to_string(i / 60'000) + ".1";
    const Key key{base::Protocol::udp, {address(host), static_cast<std::uint16_t>(1024 + i % 60'000)}};
    for (const Kind kind : {Kind::open, Kind::close}) {
      changes.push_back(Busy::change(kind, 1));
      changes.back().key = key;
    }
  }
  it.change(changes);
  for (std::uint16_t port = 2; port < 5; ++port) it.change({Busy::change(Kind::open, port)});
  it.free();
  EXPECT_EQ(text(it.sets.keys()), text({element(1)}));
  while (it.keeper.mend(Busy::now) || it.keeper.busy()) it.free();
  EXPECT_EQ(text(it.sets.keys()), text({element(1), element(2), element(3), element(4)}));
}

}  // namespace
}  // namespace dpinholer
