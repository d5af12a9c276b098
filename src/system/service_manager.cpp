// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/service_manager.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
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

bool leave(std::string_view name, int fd) {
  const std::string assignments = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + std::string(name);
  if (sd_pid_notify_with_fds(0, 0, assignments.c_str(), &fd, 1) <= 0) return false;
  // What comes from a process that is gone is not believed.
  constexpr std::uint64_t a_second = 1'000'000;
  sd_notify_barrier(0, a_second);
  return true;
}

std::optional<int> listening_socket() {
  const int count = sd_listen_fds(1);
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    constexpr int is_listening = 1;
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, is_listening) > 0) return fd;
  }
  return std::nullopt;
}

std::map<std::string, int> take_left() {
  std::map<std::string, int> left;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    if (!left.emplace(names[i], fd).second) close(fd);
    sd_notify(0, (std::string("FDSTOREREMOVE=1\nFDNAME=") + names[i]).c_str());
    free(names[i]);
  }
  free(names);
  return left;
}

}  // namespace dpinholer::system::service_manager
