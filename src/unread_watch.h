// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "system/config.h"
#include "system/nft_counter.h"
#include "unread.h"

namespace dpinholer {

/// Looks once a minute, and on request, for messages that the kernel passed or dropped unread because a queue
/// was full: the kernel itself has no figure of those that fail-open passes. The counter sip_queued of
/// nft/dpinholer.nft stands ahead of the queue rule; without it nothing is known.
class UnreadWatch {
 public:
  explicit UnreadWatch(const system::KernelSettings& settings);

  /// `read`: packets, from all queues; `idle`: no packet waits in any.
  void look(std::uint64_t read, bool idle, base::TimePoint now);
  base::TimePoint next_deadline() const { return due_; }
  /// A client asks for the figure: the next look comes soon.
  void hurry();

  std::optional<std::uint64_t> packets() const { return unread_.packets(); }

 private:
  void tell(base::TimePoint now);

  system::KernelSettings settings_;
  std::uint64_t room_ = 0;  // of all queues
  system::NftCounter counter_;
  Unread unread_;
  std::optional<std::uint64_t> before_;  // counted, when a look began
  base::TimePoint began_;
  base::TimePoint due_;
  std::uint64_t told_ = 0;
  base::TimePoint tell_again_;
};

}  // namespace dpinholer
