// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "control/server.h"
#include "system/error.h"

namespace dpinholer {

/// What the commands have in common that ask the running daemon.
struct ControlOptions {
  std::string socket = control::default_socket;
  bool json = false;    ///< print the daemon's lines as they are (control/lines.h)
  bool follow = false;  ///< events
  std::string call_id;  ///< close: as the other commands show it
  std::string address;  ///< unban
};

/// Says on standard error who does not answer and what may help. Returns `unreachable`.
int no_daemon(const system::SystemError& error);

/// Each returns an exit status; `unreachable` when no daemon answers, which it says on standard error.
int status_command(const ControlOptions& options);
int calls_command(const ControlOptions& options);
int pinholes_command(const ControlOptions& options);
int events_command(const ControlOptions& options);
/// `not_fine` when there is no such call.
int close_command(const ControlOptions& options);
/// `not_fine` when it is not banned, `usage` when it is no address.
int unban_command(const ControlOptions& options);

}  // namespace dpinholer
