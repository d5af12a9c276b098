// SPDX-License-Identifier: GPL-2.0-or-later
#include "held_messages.h"

#include <utility>

namespace dpinholer {

bool HeldMessages::takes(const Reading& reading, bool changes_something, std::size_t queue,
                         system::Answer answer) {
  if (!flows_.holds(reading, changes_something)) return false;
  answers_[queue].push_back(answer);
  ++count_;
  return true;
}

void HeldMessages::end_batch(SetKeeper::Commit commit, base::TimePoint read, base::TimePoint until) {
  if (count_ == 0) return;
  flows_.end_batch();
  const std::size_t queues = answers_.size();
  batches_.push_back({std::exchange(answers_, std::vector<std::vector<system::Answer>>(queues)),
                      std::exchange(count_, 0), commit, read, until});
}

HeldMessages::Batch HeldMessages::let_go() {
  flows_.let_go();
  Batch oldest = std::move(batches_.front());
  batches_.pop_front();
  return oldest;
}

}  // namespace dpinholer
