// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/once.h"

#include <utility>

#include "base/counted.h"

namespace dpinholer::system {

std::optional<std::string> OncePer::tell(std::string_view subject, base::TimePoint now) {
  if (now - began_ >= period_) {
    seen_.clear();
    began_ = now;
  }
  const bool room = seen_.size() < lines_;
  if (!room || !seen_.insert(base::keyed_hash(hash_key_, base::as_bytes(subject))).second) {
    ++not_told_;
    return std::nullopt;
  }
  const std::uint64_t more = std::exchange(not_told_, 0);
  if (more == 0) return "";
  return "; " + base::counted(more, "more of its kind was", "more of its kind were") + " not logged";
}

}  // namespace dpinholer::system
