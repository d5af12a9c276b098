// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "base/address.h"
#include "pipeline.h"

namespace dpinholer {

/// Whether its protocol, source and destination are said of a packet.
bool has_flow(Reading::Kind kind);

/// Which packets of a batch wait for the transaction: those that change something, and those that would
/// otherwise overtake one of their own flow.
class HeldFlows {
 public:
  /// Whether the packet that `reading` tells of has to wait. In the order of the batch.
  bool holds(const Reading& reading, bool changes_something);

  /// For the next batch.
  void clear();

 private:
  struct Flow {
    base::Protocol protocol;
    base::Endpoint source;
    base::Endpoint destination;

    friend bool operator==(const Flow&, const Flow&) = default;
  };

  std::vector<Flow> flows_;
  bool any_ = false;      // something is held
  bool unknown_ = false;  // ... of which the flow is not known: it may be any
};

}  // namespace dpinholer
