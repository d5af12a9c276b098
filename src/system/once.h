// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"

namespace dpinholer::system {

/// For log lines that strangers cause: each subject once in a while, and no more than so many of them. The
/// others are counted, and the next line tells how many.
class OncePer {
 public:
  OncePer(base::Duration period, std::size_t lines, base::HashKey hash_key)
      : period_(period), lines_(lines), hash_key_(hash_key) {}

  /// What the line is to end with, which is "; 5 more of its kind were not logged" or nothing at all.
  /// Nothing: there is to be no line.
  std::optional<std::string> tell(std::string_view subject, base::TimePoint now);

 private:
  base::Duration period_;
  std::size_t lines_;  // in it
  base::HashKey hash_key_;
  std::set<std::uint64_t> seen_;
  base::TimePoint began_;
  std::uint64_t not_told_ = 0;  // since the last line
};

/// For what stays as it is until somebody mends it.
struct OncePerHour : OncePer {
  explicit OncePerHour(base::HashKey hash_key)
      : OncePer(std::chrono::hours{1}, base::limits::subjects_per_hour, hash_key) {}
};

/// For what each message may bring.
struct OncePerMinute : OncePer {
  explicit OncePerMinute(base::HashKey hash_key)
      : OncePer(std::chrono::minutes{1}, base::limits::subjects_per_minute, hash_key) {}
};

}  // namespace dpinholer::system
