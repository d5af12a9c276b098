// SPDX-License-Identifier: GPL-2.0-or-later
#include "held_flows.h"

namespace dpinholer {

bool has_flow(Reading::Kind kind) {
  switch (kind) {
    case Reading::Kind::sip:
    case Reading::Kind::scanner:
    case Reading::Kind::malformed:
    case Reading::Kind::keep_alive:
    case Reading::Kind::stun:
    case Reading::Kind::stream:
    case Reading::Kind::other:
      return true;
    case Reading::Kind::fragment:
    case Reading::Kind::unreadable:
      return false;
  }
  return false;
}

bool HeldFlows::holds(const Reading& reading, bool changes_something) {
  const Flow flow{reading.protocol, reading.source, reading.destination};
  const bool known = has_flow(reading.kind);
  const bool any = unknown_ > 0 || !packets_.empty();
  if (!changes_something && unknown_ == 0 && (known ? !packets_.contains(flow) : !any)) return false;
  if (known) {
    batches_.back().flows.push_back(flow);
    ++packets_[flow];
  } else {
    ++batches_.back().unknown;
    ++unknown_;
  }
  return true;
}

void HeldFlows::end_batch() {
  batches_.emplace_back();
}

void HeldFlows::let_go() {
  const Batch& oldest = batches_.front();
  for (const Flow& flow : oldest.flows) {
    const auto place = packets_.find(flow);
    if (--place->second == 0) packets_.erase(place);
  }
  unknown_ -= oldest.unknown;
  batches_.pop_front();
  if (batches_.empty()) batches_.emplace_back();
}

}  // namespace dpinholer
