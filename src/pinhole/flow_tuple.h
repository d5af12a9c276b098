// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "base/address.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// What the packets of one flow have in common, in one direction.
struct FlowTuple {
  base::Protocol protocol = base::Protocol::udp;
  base::Endpoint source;
  base::Endpoint destination;

  friend bool operator==(const FlowTuple&, const FlowTuple&) = default;
  friend auto operator<=>(const FlowTuple&, const FlowTuple&) = default;
};

/// The flows that pinholes closed together probably carried: each party sends from the port that it receives
/// on (symmetric RTP, RFC 4961), to the same component of the same media. Both directions, without
/// duplicates, at most limits::tuples_per_close for each pinhole. Looks at the changes of kind close alone.
std::vector<FlowTuple> likely_flows(std::span<const Change> changes);

}  // namespace dpinholer::pinhole
