// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "control/rows.h"

namespace dpinholer::control {

/// How long packets were held, in buckets of fixed bounds: from what a quiet daemon takes up to what phones
/// notice.
class Histogram {
 public:
  void add(base::Duration duration, std::uint64_t times = 1) {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && duration > bounds[bucket]) ++bucket;
    counts_[bucket] += times;
    sum_ += duration * static_cast<base::Duration::rep>(times);
  }

  HistogramRow row() const {
    constexpr double per_second = 1e6;
    HistogramRow row;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      row.count += counts_[i];
      if (i == bounds.size()) break;
      row.bounds.push_back(static_cast<double>(bounds[i].count()) / per_second);
      row.counts.push_back(row.count);
    }
    row.sum = static_cast<double>(sum_.count()) / per_second;
    return row;
  }

 private:
  using us = std::chrono::microseconds;
  static constexpr std::array bounds{us{50},   us{100},   us{250},   us{500},    us{1000},  us{2500},
                                     us{5000}, us{10000}, us{25000}, us{100000}, us{500000}};

  std::array<std::uint64_t, bounds.size() + 1> counts_{};
  base::Duration sum_{0};
};

}  // namespace dpinholer::control
