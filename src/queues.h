// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "system/config.h"
#include "system/queue.h"

namespace dpinholer {

/// The queues of the configuration: those of a daemon that this one replaces, with the packets that wait in
/// them, or else new ones. Throws system::KernelError as system::Queue does. Logs when the kernel gives a
/// queue less room than the configuration asks for.
std::vector<system::Queue> take_queues(const system::KernelSettings& settings);

/// Leaves them to the next daemon, with what waits in them. Those that no service manager keeps are still in
/// `queues`.
void leave_queues(std::vector<system::Queue>& queues);

/// Ends them. Packets that came since they were drained pass unread, as all do without a daemon.
void give_up_queues(std::vector<system::Queue>& queues);

}  // namespace dpinholer
