// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/wait.h"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <thread>

namespace dpinholer::system {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool wait_for(int fd, short events, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd one{fd, events, 0};
    const int ready = poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

std::optional<int> wait_for_end(pid_t child, steady_clock::time_point until) {
  constexpr milliseconds between_looks{1};
  for (;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    if (steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(between_looks);
  }
}

}  // namespace dpinholer::system
