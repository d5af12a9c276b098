// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>

namespace dpinholer::base {

/// The clock of the core. It can't be asked for the time: every function that needs a moment is given it,
/// by the live daemon from the monotonic clock, by a replay from the capture. Resolution: microseconds.
struct Clock {
  using rep = std::chrono::microseconds::rep;
  using period = std::chrono::microseconds::period;
  using duration = std::chrono::microseconds;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using Duration = Clock::duration;
using TimePoint = Clock::time_point;
using std::chrono::seconds;

}  // namespace dpinholer::base
