// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "control/server.h"

namespace dpinholer {

struct TopOptions {
  std::string socket = control::default_socket;
  int seconds = 2;  ///< between two looks
};

/// A live view of calls and pinholes on the terminal, until q, SIGINT or SIGTERM. Returns an exit status.
int top_command(const TopOptions& options);

}  // namespace dpinholer
