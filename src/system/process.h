// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace dpinholer::system {

/// Octets of memory of a process that are resident (proc(5), statm); 0 when it can't be told. `process` 0:
/// this one.
std::uint64_t resident_octets(int process);

}  // namespace dpinholer::system
