// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/service_manager.h"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <string>

namespace dpinholer::system::service_manager {

void ready() {
  sd_notify(0, "READY=1");
}

void status(std::string_view text) {
  std::string assignment = "STATUS=";
  assignment += text.substr(0, text.find('\n'));  // a line of its own would be an assignment of its own
  sd_notify(0, assignment.c_str());
}

void stopping() {
  sd_notify(0, "STOPPING=1");
}

std::optional<base::Duration> watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void alive() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace dpinholer::system::service_manager
