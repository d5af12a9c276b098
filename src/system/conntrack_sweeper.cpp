// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/conntrack_sweeper.h"

#include <signal.h>

#include <chrono>
#include <utility>

namespace dpinholer::system {

namespace {

using pinhole::Key;

constexpr int idle_share = 5;  // a pause is so many times as long as the walk before it
constexpr std::chrono::seconds retry_wait{1};

}  // namespace

ConntrackSweeper::ConntrackSweeper() {
  // A new thread inherits the mask: signals go to the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ConntrackSweeper::~ConntrackSweeper() = default;

void ConntrackSweeper::forget(std::span<const Key> keys) {
  if (keys.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), keys.begin(), keys.end());
    report_.idle = false;
  }
  wake_.notify_one();
}

ConntrackSweeper::Report ConntrackSweeper::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void ConntrackSweeper::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, stop, [&] { return !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<Key> keys = std::exchange(waiting_, {});
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    auto deleted = table_.forget_endpoints(keys);
    const auto took = std::chrono::steady_clock::now() - began;
    lock.lock();
    ++report_.walks;
    if (deleted) report_.deleted += *deleted;
    if (!deleted) {
      ++report_.failed;
      report_.last_error = deleted.error().to_string();
      if (!stop.stop_requested()) waiting_.insert(waiting_.end(), keys.begin(), keys.end());
    }
    report_.idle = waiting_.empty();
    // Until the pause is over or the daemon stops.
    const auto pause = deleted ? idle_share * took : std::chrono::nanoseconds(retry_wait);
    wake_.wait_for(lock, stop, pause, [] { return false; });
  }
}

}  // namespace dpinholer::system
