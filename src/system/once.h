// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"

namespace dpinholer::system {

/// For log lines that strangers cause: each subject once an hour, and no more than limits::subjects_per_hour
/// of them.
class OncePerHour {
 public:
  explicit OncePerHour(base::HashKey hash_key) : hash_key_(hash_key) {}

  /// The first time that it is asked for `subject` within the hour: what the line is to end with, which is
  /// "; 5 more of its kind were not logged" or nothing at all. Nothing: there is to be no line.
  std::optional<std::string> tell(std::string_view subject, base::TimePoint now);

 private:
  base::HashKey hash_key_;
  std::set<std::uint64_t> seen_;
  base::TimePoint hour_began_;
  std::uint64_t not_told_ = 0;  // since the last line
};

}  // namespace dpinholer::system
