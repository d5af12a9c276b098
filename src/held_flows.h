// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "base/address.h"
#include "pipeline.h"

namespace dpinholer {

/// Whether its protocol, source and destination are said of a packet.
bool has_flow(Reading::Kind kind);

/// Which packets wait for a commit: those that change something, and those that would otherwise overtake one
/// of their own flow.
class HeldFlows {
 public:
  /// Whether the packet that `reading` tells of has to wait. In the order of the batch.
  bool holds(const Reading& reading, bool changes_something);

  /// What is held from now on is of another batch.
  void end_batch();
  /// What was held of the oldest batch waits no more.
  void let_go();

 private:
  struct Flow {
    base::Protocol protocol;
    base::Endpoint source;
    base::Endpoint destination;

    friend auto operator<=>(const Flow&, const Flow&) = default;
  };
  struct Batch {
    std::vector<Flow> flows;
    std::size_t unknown = 0;  // packets of which the flow is not known: it may be any
  };

  std::deque<Batch> batches_{1};         // the last one is being read
  std::map<Flow, std::size_t> packets_;  // of all batches
  std::size_t unknown_ = 0;
};

}  // namespace dpinholer
