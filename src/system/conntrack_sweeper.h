// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pinhole/flow_tuple.h"
#include "pinhole/pinhole.h"
#include "system/conntrack.h"

namespace dpinholer::system {

/// Deletes conntrack entries in a thread of its own, so that no packet waits for it. Flows that are named go
/// at once. What else belongs to the pinholes is found by walking through the table; what comes in during a
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

  /// All flows of `closings`, those in `flows` first. Returns at once.
  void forget(std::span<const Closing> closings, std::span<const pinhole::FlowTuple> flows);

  struct Report {
    std::uint64_t walks = 0;
    std::uint64_t deleted = 0;  ///< entries
    std::uint64_t failed = 0;   ///< walks and deletions; the closings are swept again with the next walk
    std::string last_error;
    bool idle = true;  ///< nothing waits and nothing is going on
  };
  Report report() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop);
  void forget_flows(std::unique_lock<std::mutex>& lock);
  void walk(std::unique_lock<std::mutex>& lock, bool last);
  void note(const tl::expected<std::size_t, SystemError>& deleted);

  Conntrack table_;
  Conntrack table_between_;  // its socket is free while the other one is read
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Closing> closings_;
  std::vector<pinhole::FlowTuple> flows_;
  Clock::time_point next_walk_;
  Report report_;
  std::jthread thread_;  // the last member: it uses all others
};

}  // namespace dpinholer::system
