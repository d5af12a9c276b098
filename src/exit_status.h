// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace dpinholer {

/// What the programs return. A worse one is a greater number.
enum class ExitStatus : int {
  fine = 0,
  not_fine = 1,     ///< the thing asked about: a fault found, a call not found, a capture that breaks off
  usage = 2,        ///< command line, configuration, or a file that can't be used
  unreachable = 3,  ///< the kernel or the daemon
};

/// "dpinholer: TEXT" on standard error, behind all that was printed so far; of another program, its own name.
/// `text` is one line that names the thing and says what would be right; what comes from outside is escaped
/// in it (system/escape.h).
void complain(const std::string& text);

/// Complains, and returns `status` for main.
int failed(ExitStatus status, const std::string& text);

/// The end of a command that has printed something: `status` for main, or `not_fine` if that is worse and the
/// output could not be written.
int ended(ExitStatus status);

}  // namespace dpinholer
