// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket_option.h"

#include <sys/un.h>

#include <cstddef>

namespace dpinholer {

namespace {

std::string fault(const std::string& path) {
  constexpr std::size_t most = sizeof sockaddr_un{}.sun_path - 1;
  if (!path.empty() && path.size() <= most) return "";
  return "right would be a path of 1 to " + std::to_string(most) + " octets";
}

}  // namespace

void add_socket(CLI::App& command, std::string& socket) {
  command.add_option("--socket", socket, "Where the daemon listens")
      ->check(fault)
      ->type_name("PATH")
      ->capture_default_str();
}

}  // namespace dpinholer
