// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "pinhole/flow_tuple.h"
#include "pinhole/pinhole.h"
#include "system/error.h"
#include "system/netlink.h"

namespace dpinholer::system {

/// A pinhole that is gone, or bound to fewer sources.
struct Closing {
  pinhole::Key key;
  std::vector<base::Address> keep;  ///< who may go on sending; empty: nobody
};

/// An entry, and how many packets it has counted in each direction.
struct TrackedFlow {
  pinhole::FlowTuple original;  ///< of packets as the side that began sends them
  pinhole::FlowTuple reply;     ///< of packets as the other side sends them
  std::uint64_t original_packets = 0;
  std::uint64_t reply_packets = 0;
  bool counted = false;  ///< net.netfilter.nf_conntrack_acct was on when it began
  std::uint16_t zone = 0;
};

/// The kernel's connection tracking table. Closing a pinhole needs it: `ct state established accept` ahead of
/// the sets lets a flow live on until its entry is gone. And it counts what a flowtable takes past the sets.
class Conntrack {
 public:
  /// Throws KernelError when there is no netlink socket to be had.
  Conntrack();

  /// Deletes the entries that packets of these flows belong to, whichever side began and whatever NAT does to
  /// the other direction; zone 0 only. Constant cost for each. Returns how many there were.
  ///   conntrack -D -p udp --src S --sport SP --dst D --dport DP
  tl::expected<std::size_t, SystemError> forget_flows(std::span<const pinhole::FlowTuple> flows);

  /// Deletes the entries of all flows that come from or go to one of these endpoints, before or after NAT,
  /// unless the other party is to be kept. One walk through the table: its cost grows with the table, not
  /// with `closings`. Returns how many there were.
  ///   conntrack -L -p udp, and conntrack -D for each that matches
  /// Calls `between` again and again while the walk goes on, for what can't wait until it ends; it may use
  /// another object of this class.
  tl::expected<std::size_t, SystemError> forget(
      std::vector<Closing> closings, const std::function<void()>& between = [] {});

  using Visit = std::function<void(const TrackedFlow&)>;
  /// Calls `visit` for the entries that packets of these flows belong to, whichever side began; zone 0 only.
  /// Constant cost for each.
  ///   conntrack -G -p udp --src S --sport SP --dst D --dport DP
  tl::expected<void, SystemError> read_flows(std::span<const pinhole::FlowTuple> flows, const Visit& visit);

 private:
  tl::expected<std::size_t, SystemError> delete_all(std::span<const std::vector<std::uint8_t>> requests);

  NetlinkSocket socket_;
  std::vector<std::uint8_t> buffer_;
};

/// A walk through the whole table, a little at a time.
///   conntrack -L
class ConntrackWalk {
 public:
  /// Anew, if it goes on.
  tl::expected<void, SystemError> begin();
  /// Calls `visit` for the next entries that have ports, as many as fit in a datagram. True when there are
  /// more.
  tl::expected<bool, SystemError> go_on(const Conntrack::Visit& visit);
  bool goes_on() const { return dump_.is_open(); }

 private:
  NetlinkDump dump_{"IPCTNL_MSG_CT_GET"};
};

}  // namespace dpinholer::system
