// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/once.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "base/limits.h"

namespace dpinholer::system {
namespace {

using std::chrono::minutes;

TEST(OncePerHour, SaysYesOncePerSubject) {
  OncePerHour once({});
  const base::TimePoint start{minutes{1000}};
  EXPECT_TRUE(once.first("a", start));
  EXPECT_FALSE(once.first("a", start + minutes{1}));
  EXPECT_TRUE(once.first("b", start + minutes{1}));
  EXPECT_EQ(once.take_suppressed(), 1U);
  EXPECT_EQ(once.take_suppressed(), 0U);
  EXPECT_TRUE(once.first("a", start + minutes{60}));
}

TEST(OncePerHour, IsBounded) {
  OncePerHour once({});
  const base::TimePoint start{minutes{1000}};
  std::size_t said = 0;
  for (std::size_t i = 0; i < base::limits::subjects_per_hour * 2; ++i)
    said += once.first(std::to_string(i), start);
  EXPECT_EQ(said, base::limits::subjects_per_hour);
  EXPECT_TRUE(once.first("x", start + minutes{60}));
}

}  // namespace
}  // namespace dpinholer::system
