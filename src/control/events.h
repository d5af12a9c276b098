// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>

#include "message/unread.h"
#include "pinhole/far_nat.h"
#include "pinhole/pinhole.h"
#include "scanners/offence.h"

namespace dpinholer::control {

using Event =
    std::variant<pinhole::Change, pinhole::Refusal, scanners::Offence, message::UnreadEvent, pinhole::FarNat>;

/// The last events, limits::remembered_events of them, each with its number: whoever reads along keeps the
/// number of the next one, and can tell how many he missed.
class Events {
 public:
  /// Refreshes are no events.
  void add(const pinhole::Change& change);
  void add(const pinhole::Refusal& refusal);
  void add(const scanners::Offence& offence);  ///< that led to a ban
  void add(const message::UnreadEvent& unread);
  void add(const pinhole::FarNat& nat);

  std::uint64_t first() const { return next_ - events_.size(); }  ///< number of the oldest that is left
  std::uint64_t next() const { return next_; }                    ///< of the next one to come
  /// `number`: from first() up to next().
  const Event& at(std::uint64_t number) const { return events_[number - first()]; }

 private:
  void keep(Event event);

  std::deque<Event> events_;
  std::uint64_t next_ = 0;
};

}  // namespace dpinholer::control
