// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/once.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/limits.h"

namespace dpinholer::system {
namespace {

using std::chrono::minutes;

TEST(OncePerHour, TellsEachSubjectOnceAndHowManyItDidNot) {
  OncePerHour once({});
  const base::TimePoint start{minutes{1000}};
  struct Line {
    const char* subject;
    minutes time;
    std::optional<std::string> ending;
  };
  const Line lines[] = {
      {"a", minutes{0}, ""},
      {"b", minutes{1}, ""},
      {"a", minutes{1}, std::nullopt},
      {"c", minutes{2}, "; 1 more of its kind was not logged"},
      {"d", minutes{2}, ""},
      {"a", minutes{30}, std::nullopt},
      {"b", minutes{59}, std::nullopt},
      {"a", minutes{60}, "; 2 more of its kind were not logged"},
      {"a", minutes{61}, std::nullopt},
  };
  for (const Line& line : lines) {
    EXPECT_EQ(once.tell(line.subject, start + line.time), line.ending)
        << line.subject << " after " << line.time.count() << " min";
  }
}

TEST(OncePerHour, IsBounded) {
  OncePerHour once({});
  const base::TimePoint start{minutes{1000}};
  std::size_t told = 0;
  for (std::size_t i = 0; i < base::limits::subjects_per_hour * 2; ++i)
    told += once.tell(std::to_string(i), start) ? 1 : 0;
  EXPECT_EQ(told, base::limits::subjects_per_hour);
  EXPECT_EQ(once.tell("x", start + minutes{60}),
            "; " + std::to_string(base::limits::subjects_per_hour) + " more of its kind were not logged");
}

}  // namespace
}  // namespace dpinholer::system
