// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace dpinholer {

struct CheckOptions {
  std::string config;  ///< empty: the default file, if it is there
  bool json = false;
  bool preflight = false;  ///< before the daemon starts
};

/// The doctor: looks at configuration, ruleset and kernel, and says what is wrong, why it matters, and the
/// line that mends it, on standard output. Changes nothing.
///
/// Returns the exit status: 0 when there is no fault (there may be warnings), 1 when there is one, 2 when the
/// configuration can't be used, 3 when the kernel can't be asked.
///
/// As a preflight it writes lines for a log to standard error, leaves out that nobody reads the queue and
/// what keeps the daemon from starting, which it says by itself, and returns 0 or 2: a daemon may well run
/// before the rules are right.
int check_command(const CheckOptions& options);

}  // namespace dpinholer
