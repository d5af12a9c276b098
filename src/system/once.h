// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"

namespace dpinholer::system {

/// For log lines that strangers cause: each subject once an hour, and no more than limits::subjects_per_hour
/// of them.
class OncePerHour {
 public:
  explicit OncePerHour(base::HashKey hash_key) : hash_key_(hash_key) {}

  /// True the first time that it is asked for `subject` within the hour.
  bool first(std::string_view subject, base::TimePoint now);

  /// How often it said false since it was asked last.
  std::uint64_t take_suppressed();

 private:
  base::HashKey hash_key_;
  std::set<std::uint64_t> seen_;
  base::TimePoint hour_began_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace dpinholer::system
