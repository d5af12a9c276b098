// SPDX-License-Identifier: GPL-2.0-or-later
#include "unread.h"

#include <algorithm>
#include <utility>

namespace dpinholer {

void Unread::note(const Sample& sample) {
  const auto more = [&](std::uint64_t counted) { return static_cast<std::int64_t>(counted - sample.read); };
  const bool set_back = !last_ || sample.before < *last_;
  last_ = sample.after;
  if (set_back) {
    earlier_ += std::exchange(since_, 0);
    before_ = more(sample.after);
    return;
  }
  if (sample.before == sample.after && sample.waiting == 0) before_ = std::min(before_, more(sample.before));
  const std::int64_t unread = more(sample.before) - before_ - static_cast<std::int64_t>(sample.waiting);
  since_ = std::max(since_, static_cast<std::uint64_t>(std::max<std::int64_t>(unread, 0)));
}

std::optional<std::uint64_t> Unread::packets() const {
  if (!last_) return std::nullopt;
  return earlier_ + since_;
}

}  // namespace dpinholer
