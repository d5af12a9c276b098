// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/time.h"

namespace dpinholer::system {

/// The time of a running daemon: monotonic, and like the timeouts of the kernel's sets it stands still while
/// the machine sleeps.
base::TimePoint now();

}  // namespace dpinholer::system
