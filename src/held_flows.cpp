// SPDX-License-Identifier: GPL-2.0-or-later
#include "held_flows.h"

#include <algorithm>

namespace dpinholer {

bool has_flow(Reading::Kind kind) {
  switch (kind) {
    case Reading::Kind::sip:
    case Reading::Kind::scanner:
    case Reading::Kind::malformed:
    case Reading::Kind::keep_alive:
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
  const bool waits = changes_something || unknown_ || (!known && any_) ||
                     std::find(flows_.begin(), flows_.end(), flow) != flows_.end();
  if (!waits) return false;
  any_ = true;
  unknown_ = unknown_ || !known;
  if (known) flows_.push_back(flow);
  return true;
}

void HeldFlows::clear() {
  flows_.clear();
  any_ = false;
  unknown_ = false;
}

}  // namespace dpinholer
