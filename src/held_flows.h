// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "base/address.h"
#include "pipeline.h"

namespace dpinholer {

/// Whether a reading of this kind tells protocol, source and destination of its packet.
bool has_flow(Reading::Kind kind);

/// Which packets wait for a commit: those that change something, and those that would otherwise overtake one
/// of their own flow.
class HeldFlows {
 public:
  /// Whether the packet that `reading` tells of has to wait. In the order of the batch.
  bool holds(const Reading& reading, bool changes_something);

  /// Packets held from now on belong to the next batch.
  void end_batch();
  /// The packets held of the oldest batch wait no more.
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
    std::size_t unknown = 0;  // packets of unknown flow, which may be any
  };

  std::deque<Batch> batches_{1};         // the last one is being read
  std::map<Flow, std::size_t> packets_;  // of all batches
  std::size_t unknown_ = 0;
};

}  // namespace dpinholer
