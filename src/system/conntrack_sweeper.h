// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pinhole/pinhole.h"
#include "system/conntrack.h"

namespace dpinholer::system {

/// Walks through the table in a thread of its own, so that no packet waits for it. What comes in during a
/// walk shares the next one, and walks take at most a sixth of the time: a small table is swept at once, one
/// of half a million entries every few seconds.
class ConntrackSweeper {
 public:
  /// The thread stays in the network namespace of the one that makes it. Signals are left to the others.
  ConntrackSweeper();
  /// Sweeps what is still to be swept before it ends.
  ~ConntrackSweeper();
  ConntrackSweeper(const ConntrackSweeper&) = delete;
  ConntrackSweeper& operator=(const ConntrackSweeper&) = delete;

  /// Returns at once.
  void forget(std::span<const pinhole::Key> keys);

  struct Report {
    std::uint64_t walks = 0;
    std::uint64_t deleted = 0;  ///< entries
    std::uint64_t failed = 0;   ///< walks; their keys are swept again with the next ones
    std::string last_error;
    bool idle = true;  ///< nothing waits and nothing is going on
  };
  Report report() const;

 private:
  void run(const std::stop_token& stop);

  Conntrack table_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<pinhole::Key> waiting_;
  Report report_;
  std::jthread thread_;  // the last member: it uses all others
};

}  // namespace dpinholer::system
