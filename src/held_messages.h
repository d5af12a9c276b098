// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"
#include "held_flows.h"
#include "set_keeper.h"
#include "system/queue.h"

namespace dpinholer {

/// Messages that wait for a commit, batch by batch, in the order in which they came.
class HeldMessages {
 public:
  explicit HeldMessages(std::size_t queues) : answers_(queues) {}

  /// Whether a packet of the batch that is being read has to wait; `answer` is the verdict that it has then.
  bool takes(const Reading& reading, bool changes_something, std::size_t queue, system::Answer answer);

  struct Batch {
    std::vector<std::vector<system::Answer>> answers;  ///< by queue
    std::size_t count = 0;
    SetKeeper::Commit commit = 0;  ///< that it waits for
    base::TimePoint read;
    base::TimePoint until;  ///< it waits no longer
  };
  /// The batch has been read, and what it changes is handed over as `commit`.
  void end_batch(SetKeeper::Commit commit, base::TimePoint read, base::TimePoint until);

  /// The oldest batch that was read and waits; null: none.
  const Batch* oldest() const { return batches_.empty() ? nullptr : &batches_.front(); }
  Batch let_go();

 private:
  HeldFlows flows_;
  std::vector<std::vector<system::Answer>> answers_;  // of the batch that is being read
  std::size_t count_ = 0;
  std::deque<Batch> batches_;
};

}  // namespace dpinholer
