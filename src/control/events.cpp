// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/events.h"

#include <utility>

#include "base/limits.h"

namespace dpinholer::control {

void Events::add(const pinhole::Change& change) {
  if (change.kind != pinhole::Change::Kind::refresh) keep(change);
}

void Events::add(const pinhole::Refusal& refusal) {
  keep(refusal);
}

void Events::add(const scanners::Offence& offence) {
  keep(offence);
}

void Events::add(const message::UnreadEvent& unread) {
  keep(unread);
}

void Events::add(const pinhole::FarNat& nat) {
  keep(nat);
}

void Events::keep(Event event) {
  if (events_.size() == base::limits::remembered_events) events_.pop_front();
  events_.push_back(std::move(event));
  ++next_;
}

}  // namespace dpinholer::control
