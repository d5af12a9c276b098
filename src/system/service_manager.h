// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

/// What systemd is told of the daemon (sd_notify(3), Type=notify). Without systemd all of it does nothing,
/// and a manager that does not listen is no failure: the daemon works without one.
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

}  // namespace dpinholer::system::service_manager
