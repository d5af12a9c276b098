// SPDX-License-Identifier: GPL-2.0-or-later
#include "unread.h"

#include <gtest/gtest.h>

namespace dpinholer {
namespace {

TEST(Unread, IsNotKnownWithoutACounter) {
  Unread unread;
  EXPECT_EQ(unread.packets(), std::nullopt);
  unread.note({.before = 10, .read = 0, .after = 10});
  EXPECT_EQ(unread.packets(), 0U);
  unread.lose();
  EXPECT_EQ(unread.packets(), std::nullopt);
}

TEST(Unread, IsWhatTheRuleCountedAndNobodyRead) {
  Unread unread;
  unread.note({.before = 700, .read = 0, .after = 700});  // of the time before
  unread.note({.before = 800, .read = 100, .after = 800});
  EXPECT_EQ(unread.packets(), 0U);
  unread.note({.before = 1000, .read = 280, .after = 1000});
  EXPECT_EQ(unread.packets(), 20U);
  unread.note({.before = 2000, .read = 1280, .after = 2000});
  EXPECT_EQ(unread.packets(), 20U) << "they were counted once";
}

TEST(Unread, IsNeverTooMuch) {
  Unread unread;
  unread.note({.before = 130, .read = 100, .after = 135});  // 30 wait, or were there before: nobody knows
  unread.note({.before = 230, .read = 230, .after = 230});
  EXPECT_EQ(unread.packets(), 0U);
  unread.note({.before = 300, .read = 305, .after = 305});  // five came in between
  EXPECT_EQ(unread.packets(), 0U);
  unread.note({.before = 400, .read = 400, .after = 400});
  EXPECT_EQ(unread.packets(), 0U);
  unread.note({.before = 5000, .read = 500, .after = 5000, .waiting = 4096});
  EXPECT_EQ(unread.packets(), 404U) << "the others may wait";
  unread.note({.before = 5000, .read = 1500, .after = 5000});
  EXPECT_EQ(unread.packets(), 3500U);
}

TEST(Unread, BeginsAnewWithACounterThatWasSetBack) {
  Unread unread;
  unread.note({.before = 100, .read = 100, .after = 100});
  unread.note({.before = 150, .read = 140, .after = 150});
  EXPECT_EQ(unread.packets(), 10U);
  unread.note({.before = 3, .read = 143, .after = 3});  // the ruleset was loaded anew
  EXPECT_EQ(unread.packets(), 10U);
  unread.note({.before = 13, .read = 150, .after = 13});
  EXPECT_EQ(unread.packets(), 13U);
  unread.lose();  // an include without it
  unread.note({.before = 0, .read = 150, .after = 0});
  EXPECT_EQ(unread.packets(), 13U);
}

}  // namespace
}  // namespace dpinholer
