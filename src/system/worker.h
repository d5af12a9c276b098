// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "system/descriptor.h"

namespace dpinholer::system {

/// Does one piece of work at a time in a thread of its own, where the kernel may take long and nothing can
/// cut it short. Handing work over and waiting for it costs 10 microseconds on one CPU, and 45 where a
/// virtual machine has to wake another one.
class Worker {
 public:
  /// The thread stays in the network namespace of the thread that makes it, and has its capabilities. It
  /// takes no signals.
  Worker();
  /// Waits until the work at hand is done.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Not while it is busy. Once `wait` has returned true, the caller may read all that the work changes.
  void start(std::function<void()> work);
  /// Waits for the work at hand, for `most` at the longest. True when none is at hand any more.
  bool wait(std::chrono::nanoseconds most);
  /// From `start` until `wait` has said that the work is done.
  bool busy() const { return busy_; }
  /// Readable once work is done for which `wait` has waited in vain.
  int fd() const { return late_.get(); }

 private:
  void run(const std::stop_token& stop);

  Descriptor late_;
  bool busy_ = false;  // of the thread that hands over; the others are shared:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable done_;
  std::function<void()> work_;
  bool working_ = false;
  bool missed_ = false;  // `wait` has waited in vain
  std::jthread thread_;  // the last member: it uses all others
};

}  // namespace dpinholer::system
