// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/once.h"

#include <chrono>
#include <utility>

#include "base/limits.h"

namespace dpinholer::system {

bool OncePerHour::first(std::string_view subject, base::TimePoint now) {
  if (now - hour_began_ >= std::chrono::hours{1}) {
    seen_.clear();
    hour_began_ = now;
  }
  const bool room = seen_.size() < base::limits::subjects_per_hour;
  if (room && seen_.insert(base::keyed_hash(hash_key_, base::as_bytes(subject))).second) return true;
  ++suppressed_;
  return false;
}

std::uint64_t OncePerHour::take_suppressed() {
  return std::exchange(suppressed_, 0);
}

}  // namespace dpinholer::system
