// SPDX-License-Identifier: GPL-2.0-or-later
// Instead of journal.cpp and service_manager.cpp, in a build without libsystemd.
#include "system/journal.h"
#include "system/service_manager.h"

namespace dpinholer::system {

bool journal::is_there() {
  return false;
}
void journal::write(log::Level, std::string_view, std::span<const log::Field>) {}

namespace service_manager {

void ready() {}
void status(std::string_view) {}
void stopping() {}

std::optional<base::Duration> watchdog() {
  return std::nullopt;
}
void alive() {}

bool leave(std::string_view, int) {
  return false;
}
std::optional<int> listening_socket() {
  return std::nullopt;
}
std::map<std::string, int> take_left() {
  return {};
}

}  // namespace service_manager

}  // namespace dpinholer::system
