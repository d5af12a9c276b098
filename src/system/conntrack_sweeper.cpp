// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/conntrack_sweeper.h"

#include <signal.h>

#include <chrono>
#include <utility>

namespace dpinholer::system {

namespace {

using pinhole::FlowTuple;

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

void ConntrackSweeper::forget(std::span<const Closing> closings, std::span<const FlowTuple> flows) {
  if (closings.empty() && flows.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    closings_.insert(closings_.end(), closings.begin(), closings.end());
    flows_.insert(flows_.end(), flows.begin(), flows.end());
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
    const auto something = [&] { return !flows_.empty() || !closings_.empty(); };
    wake_.wait(lock, stop, something);
    if (!something()) return;
    forget_flows(lock);
    // A pause ends when there is a flow to forget, when it is over, or when the daemon stops.
    if (!closings_.empty() && Clock::now() < next_walk_ && !stop.stop_requested()) {
      wake_.wait_until(lock, stop, next_walk_, [&] { return !flows_.empty(); });
      continue;
    }
    walk(lock, stop.stop_requested());
    report_.idle = !something();
  }
}

void ConntrackSweeper::forget_flows(std::unique_lock<std::mutex>& lock) {
  if (flows_.empty()) return;
  const std::vector<FlowTuple> flows = std::exchange(flows_, {});
  lock.unlock();
  const auto deleted = table_between_.forget_flows(flows);
  lock.lock();
  note(deleted);
}

// What a walk that fails was to find is left to the next one, unless this is the last.
void ConntrackSweeper::walk(std::unique_lock<std::mutex>& lock, bool last) {
  if (closings_.empty()) return;
  const std::vector<Closing> closings = std::exchange(closings_, {});
  lock.unlock();
  const auto began = Clock::now();
  const auto deleted = table_.forget(closings, [&] {
    lock.lock();
    forget_flows(lock);
    lock.unlock();
  });
  const auto ended = Clock::now();
  lock.lock();
  ++report_.walks;
  note(deleted);
  next_walk_ = ended + (deleted ? idle_share * (ended - began) : retry_wait);
  if (!deleted && !last) closings_.insert(closings_.end(), closings.begin(), closings.end());
}

void ConntrackSweeper::note(const tl::expected<std::size_t, SystemError>& deleted) {
  if (deleted) {
    report_.deleted += *deleted;
  } else {
    ++report_.failed;
    report_.last_error = deleted.error().to_string();
  }
}

}  // namespace dpinholer::system
