// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/once.h"

#include <chrono>
#include <utility>

#include "base/counted.h"
#include "base/limits.h"

namespace dpinholer::system {

std::optional<std::string> OncePerHour::tell(std::string_view subject, base::TimePoint now) {
  if (now - hour_began_ >= std::chrono::hours{1}) {
    seen_.clear();
    hour_began_ = now;
  }
  const bool room = seen_.size() < base::limits::subjects_per_hour;
  if (!room || !seen_.insert(base::keyed_hash(hash_key_, base::as_bytes(subject))).second) {
    ++not_told_;
    return std::nullopt;
  }
  const std::uint64_t more = std::exchange(not_told_, 0);
  if (more == 0) return "";
  return "; " + base::counted(more, "more of its kind was", "more of its kind were") + " not logged";
}

}  // namespace dpinholer::system
