// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

/// Reports the daemon's state to systemd (sd_notify(3), Type=notify). Without systemd, or in a build without
/// its library, all of it does nothing, and a manager that does not listen is no failure: the daemon works
/// without one.
namespace dpinholer::system::service_manager {

/// Ready for packets. Once, after which `systemctl start` returns.
void ready();

/// What `systemctl status` shows. One line; text from the wire must have been escaped (escape.h).
void status(std::string_view text);

/// On the way out: a stop that was not asked for by systemd is not mistaken for a crash.
void stopping();

/// WatchdogSec= of the unit, if it has one. Who lets it pass without alive() is killed and started again.
std::optional<base::Duration> watchdog();

/// The sign of life. To be given from the loop that does the work, every half of watchdog() at the latest.
void alive();

/// Leaves an open descriptor to the daemon after this one: systemd keeps it while it restarts the unit, and
/// closes it when the unit just stops. Returns when systemd has it, or soon; false if no systemd keeps it.
bool leave(std::string_view name, int fd);

/// A socket of the unit's own `.socket` unit, open and listening; to be closed by the caller.
std::optional<int> listening_socket();

/// What the daemon before this one left, by name: once, and each to be closed by the caller. From then on
/// systemd keeps none of it: a daemon that crashes leaves nothing.
std::map<std::string, int> take_left();

}  // namespace dpinholer::system::service_manager
