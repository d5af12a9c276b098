// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "pinhole/flow_tuple.h"
#include "pinhole/installed.h"
#include "pinhole/key_hash.h"
#include "system/conntrack.h"
#include "system/once.h"

namespace dpinholer {

/// Enters into the account of the pinholes the packets that connection tracking has counted of their flows. A
/// flowtable takes packets past the sets, where nothing else counts them (`media.offload = "use"`): without
/// this, such a call looks idle.
///
/// The table is walked a little at a time, every `flow_period`, and by no more than a fiftieth of the time.
class FlowAccount {
 public:
  /// `installed` must live longer. Throws KernelError when there are no netlink sockets to be had.
  FlowAccount(pinhole::Installed& installed, base::HashKey hash_key);

  /// Reads a piece of the table when that is due. True when more is left for now.
  bool walk_some(base::TimePoint now);
  /// When the next walk begins, where there are pinholes.
  base::TimePoint next_walk() const { return next_walk_; }

  /// To be called before pinholes are closed by `changes`, and their flows forgotten: reads these for the
  /// last time. `flows` are the likely ones; those that a walk has found are added.
  void read_last(std::span<const pinhole::Change> changes, std::vector<pinhole::FlowTuple>& flows);

  /// Enters what an entry has counted, if it is a flow through a pinhole. NAT may lead a direction to another
  /// endpoint than it names: the pinhole is for either.
  void note(const system::TrackedFlow& flow);

  std::size_t size() const { return known_.size(); }  ///< pinholes with flows

 private:
  struct Known {
    pinhole::FlowTuple tuple;  // of packets as they come
    std::uint16_t zone = 0;
    std::uint64_t packets = 0;
  };

  bool credit(const Known& flow, const base::Endpoint& led_to, const base::Address& source);
  void end_walk(base::TimePoint now);

  pinhole::Installed& installed_;
  std::unordered_map<pinhole::Key, std::vector<Known>, pinhole::KeyHash> known_;
  system::ConntrackWalk walk_;
  system::Conntrack conntrack_;
  base::Duration spent_{};  // on this walk
  bool uncounted_ = false;  // it met a flow without counters
  base::TimePoint next_walk_{};
  system::OncePerHour told_;
};

}  // namespace dpinholer
