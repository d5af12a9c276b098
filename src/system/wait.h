// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

/// Waits for other processes, each with an end that holds whatever they do and whatever interrupts the wait.
namespace dpinholer::system {

/// Until `fd` is ready for `events` (poll(2)), or has an error, which the next call for it tells; false when
/// it is not ready by `until`.
bool wait_for(int fd, short events, std::chrono::steady_clock::time_point until);

/// The wait status of `child` (wait(2)) once it has ended; nothing when it has not ended by `until`.
std::optional<int> wait_for_end(pid_t child, std::chrono::steady_clock::time_point until);

}  // namespace dpinholer::system
