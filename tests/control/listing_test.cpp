// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/listing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "control/lines.h"
#include "control/office.h"

namespace dpinholer::control {
namespace {

namespace limits = base::limits;
using test::Office;

std::vector<std::string> all(const Listing& listing, std::size_t* pages = nullptr) {
  std::vector<std::string> ids;
  for (std::string last;;) {
    const auto rows = listing.after(last);
    if (rows.empty()) return ids;
    for (const CallRow& row : rows) ids.push_back(row.call_id);
    last = rows.back().call_id;
    if (pages != nullptr) ++*pages;
  }
}

TEST(Listing, ShowsACallAsItIs) {
  Office office;
  office.offer("a@b", "192.0.2.10", 30000);
  auto rows = office.listing().after("");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_FALSE(rows[0].answered);
  EXPECT_EQ(rows[0].pinholes.size(), 2U);
  EXPECT_EQ(rows[0].packets, (std::map<base::Address, std::uint64_t>{{test::address("192.0.2.10"), 0}}));

  office.answer("a@b", "192.0.2.10", 30000, "203.0.113.5", 40000);
  office.count("192.0.2.10", 30000, 1000);
  office.count("192.0.2.10", 30001, 7);  // RTCP
  rows = office.listing().after("");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].answered);
  EXPECT_TRUE(is_one_way(rows[0]));
  ASSERT_EQ(rows[0].pinholes.size(), 4U);
  EXPECT_EQ(rows[0].pinholes[0].from, std::vector{test::address("203.0.113.5")});
  EXPECT_TRUE(rows[0].pinholes[0].expires);
  // One in 64 is counted twice.
  EXPECT_EQ(rows[0].pinholes[0].packets, 985U);
  EXPECT_EQ(rows[0].packets, (std::map<base::Address, std::uint64_t>{{test::address("192.0.2.10"), 985},
                                                                     {test::address("203.0.113.5"), 0}}));
  office.hang_up("a@b");
  EXPECT_TRUE(office.listing().after("").empty());
}

TEST(Listing, ACallWhoseCountsAreLostIsNotOneWay) {
  Office office;
  office.offer("a@b", "192.0.2.10", 30000);
  office.answer("a@b", "192.0.2.10", 30000, "203.0.113.5", 40000);
  office.count("192.0.2.10", 30000, 1000);
  EXPECT_TRUE(is_one_way(office.listing().after("")[0]));
  office.lose_count("203.0.113.5", 40000);
  const auto row = office.listing().after("")[0];
  EXPECT_TRUE(row.counts_lost);
  EXPECT_FALSE(is_one_way(row));
}

// A server on this host, and rules without a jump on the output hook.
TEST(Listing, ADirectionThatNoRuleCountsIsNotOneWay) {
  Office office;
  office.host.own = {test::address("203.0.113.1")};
  office.offer("a@b", "203.0.113.1", 35000);
  office.answer("a@b", "203.0.113.1", 35000, "203.0.113.5", 40000);
  office.count("203.0.113.1", 35000, 1000);
  auto row = office.listing().after("")[0];
  EXPECT_EQ(row.uncounted, std::set{test::address("203.0.113.5")});
  EXPECT_FALSE(is_one_way(row));
  EXPECT_NE(call_line(row, {}).find(
                R"({"to":"203.0.113.5","packets":0,"counted":false}],"behind_nat":[],"one_way":false)"),
            std::string::npos);
  office.own.note_counted({base::Protocol::udp, {test::address("203.0.113.7"), 40000}},
                          test::address("203.0.113.1"));
  row = office.listing().after("")[0];
  EXPECT_TRUE(row.uncounted.empty());
  EXPECT_TRUE(is_one_way(row));
  office.own.forget();
  office.count("203.0.113.5", 40000, 10);
  row = office.listing().after("")[0];
  EXPECT_TRUE(row.uncounted.empty()) << "it is counted, as one sees";
  EXPECT_FALSE(is_one_way(row));
}

// source = "any" binds nothing: then how long its elements live tells.
TEST(Listing, AnUnboundCallIsAnsweredWhenItLivesAsLongAsOne) {
  Office office;
  office.offer("a@b", "192.0.2.10", 30000, base::seconds{300});
  EXPECT_TRUE(office.listing().after("")[0].answered);
}

TEST(Listing, EachCallIsThereOnce) {
  Office office;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back("call " + std::to_string(1000 + i));
    office.offer(expected.back(), "192.0.2.10", static_cast<std::uint16_t>(30000 + 2 * i));
  }
  std::size_t pages = 0;
  EXPECT_EQ(all(office.listing(), &pages), expected);
  EXPECT_EQ(pages, (200 + limits::listed_pinholes / 2 - 1) / (limits::listed_pinholes / 2));
}

TEST(Listing, APageCostsTheSameHoweverManyThereAre) {
  Office office;
  for (int i = 0; i < 300; ++i)
    office.offer("call " + std::to_string(i), "192.0.2.10", static_cast<std::uint16_t>(30000 + 2 * i));
  const std::size_t before = office.sets.lookups();
  office.listing().after("");
  EXPECT_LE(office.sets.lookups() - before, limits::listed_pinholes);
}

// A call of a thousand pinholes comes whole, but not all of it is looked up.
TEST(Listing, ACallOfAnySizeIsOneRow) {
  Office office;
  for (int i = 0; i < 500; ++i) office.offer("a@b", "192.0.2.10", static_cast<std::uint16_t>(30000 + 2 * i));
  const std::size_t before = office.sets.lookups();
  const auto rows = office.listing().after("");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].pinholes.size(), 1000U);
  EXPECT_EQ(office.sets.lookups() - before, limits::listed_elements);
  EXPECT_FALSE(rows[0].pinholes.back().expires);
}

TEST(Listing, WhatTheKernelDoesNotHaveIsShownAsItIsKnown) {
  Office office;
  office.offer("a@b", "192.0.2.10", 30000);
  office.count("192.0.2.10", 30000, 100);
  office.see();
  office.sets.flush();
  const auto row = office.listing().after("").at(0);
  EXPECT_FALSE(row.pinholes[0].expires);
  EXPECT_EQ(row.pinholes[0].packets, 99U);
}

TEST(Listing, SurvivesSetsThatCantBeRead) {
  Office office;
  office.offer("a@b", "192.0.2.10", 30000);
  office.sets.blind = 1;
  EXPECT_EQ(office.listing().after("").size(), 1U);
}

TEST(Listing, CallsThatComeAndGoMeanwhileDisturbNobody) {
  Office office;
  for (int i = 0; i < 100; ++i)
    office.offer("call " + std::to_string(100 + i), "192.0.2.10", static_cast<std::uint16_t>(30000 + 2 * i));
  const auto first = office.listing().after("");
  const std::string last = first.back().call_id;
  office.hang_up(last);
  office.hang_up("call 199");
  office.offer("call 000", "192.0.2.10", 40000);
  office.offer("call 150b", "192.0.2.10", 40002);
  std::size_t rest = 0;
  for (std::string at = last;;) {
    const auto rows = office.listing().after(at);
    if (rows.empty()) break;
    rest += rows.size();
    at = rows.back().call_id;
  }
  EXPECT_EQ(first.size() + rest, 100U);  // one went, one came
}

}  // namespace
}  // namespace dpinholer::control
