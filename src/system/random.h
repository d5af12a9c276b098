// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/hash.h"

namespace dpinholer::system {

/// From the kernel's random numbers; waits until there are any. Throws KernelError.
base::HashKey draw_hash_key();

}  // namespace dpinholer::system
