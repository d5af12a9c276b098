// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "control/server.h"
#include "system/channel.h"

namespace dpinholer {

struct RunOptions {
  std::string config;  ///< empty: the default file, if it is there
  std::string socket = control::default_socket;
};

/// The daemon; returns an exit status when it was told to stop or can't go on.
int run_command(const RunOptions& options);

/// An inspector of that daemon: `order` is its configuration (inspector_roles.h).
void inspect_as_ordered(system::Channel& channel, const std::string& order);

}  // namespace dpinholer
