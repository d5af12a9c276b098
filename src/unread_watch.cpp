// SPDX-License-Identifier: GPL-2.0-or-later
#include "unread_watch.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/counted.h"
#include "system/log.h"

namespace dpinholer {

namespace {

constexpr base::Duration period = std::chrono::minutes{1};
constexpr base::Duration least_period = std::chrono::seconds{1};
constexpr base::Duration telling_period = std::chrono::hours{1};
// A packet that the rule has counted is in the queue, or past it, within that time.
constexpr base::Duration into_the_queue = std::chrono::milliseconds{1};
// A queue that is never seen empty for so long is taken for a full one.
constexpr base::Duration idle_patience = std::chrono::seconds{1};

}  // namespace

UnreadWatch::UnreadWatch(const system::KernelSettings& settings)
    : settings_(settings),
      room_(std::uint64_t{settings.queue_length} * (settings.queues.last - settings.queues.first + 1U)),
      counter_(settings.table, "sip_queued") {}

// In two steps: a packet that the rule has counted at the first should have been read at the second.
void UnreadWatch::look(std::uint64_t read, bool idle, base::TimePoint now) {
  if (now < due_) return;
  if (before_ && !idle && now - began_ < idle_patience) return;
  const auto counted = counter_.packets();
  due_ = now + period;
  if (!counted) {
    before_.reset();
    return unread_.lose();
  }
  if (!before_) {
    before_ = counted;
    began_ = now;
    due_ = now + into_the_queue;
    return;
  }
  unread_.note({*before_, read, *counted, idle ? 0 : room_});
  before_.reset();
  tell(now);
}

void UnreadWatch::hurry() {
  if (!before_) due_ = std::min(due_, began_ + least_period);
}

void UnreadWatch::tell(base::TimePoint now) {
  const std::uint64_t all = unread_.packets().value_or(0);
  if (all == told_ || (told_ > 0 && now < tell_again_)) return;
  system::log::warning(base::counted(all - told_, "message", "messages") +
                       (settings_.fail_open ? " passed unread" : " were dropped unread") +
                       ", for want of room in the queue: no pinhole opens for them; a longer "
                       "kernel.queue-length (now " +
                       std::to_string(settings_.queue_length) + ") or more kernel.queues hold more");
  told_ = all;
  tell_again_ = now + telling_period;
}

}  // namespace dpinholer
