// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "negotiation/calls.h"
#include "pinhole/sides.h"

namespace dpinholer::pinhole {

/// A party behind a NAT that is not this gateway's: it announces a private address, and its messages come
/// from a public one. A pinhole to the announced address leads nowhere. Media comes back to the party within
/// the flows that it began, which connection tracking knows (docs/networks.md).
struct FarNat {
  std::string call_id;      ///< from the wire
  base::Address announced;  ///< private
  base::Address source;     ///< public, of the same family
  base::TimePoint time;     ///< of the message that answered the call, or changed it
};

/// Whether an address announced in a message from `source` lies behind a NAT, as far as the two tell.
bool is_far_nat(const base::Address& announced, const base::Address& source);

/// The parties of a call that is answered which have announced private addresses and no others for an m-line,
/// and which [sides] does not list as inside: each address once, with the first source that announced it.
/// At most limits::nats_per_call.
std::vector<FarNat> far_nats(const negotiation::Update& update, const Sides& sides);

}  // namespace dpinholer::pinhole
