// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/clock.h"

#include <chrono>

namespace dpinholer::system {

base::TimePoint now() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return base::TimePoint{std::chrono::duration_cast<base::Duration>(since_boot)};
}

}  // namespace dpinholer::system
