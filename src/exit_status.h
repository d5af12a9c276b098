// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace dpinholer {

/// What `dpinholer` returns. A worse one is a greater number.
enum class ExitStatus : int {
  fine = 0,
  not_fine = 1,     ///< the thing asked about: a fault found, a call not found, a capture that breaks off
  usage = 2,        ///< command line, configuration, or a file that can't be used
  unreachable = 3,  ///< the kernel or the daemon
};

}  // namespace dpinholer
