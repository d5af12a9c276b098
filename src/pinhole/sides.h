// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/address.h"
#include "base/interface.h"
#include "message/sip_message.h"
#include "negotiation/media.h"
#include "pinhole/host.h"
#include "pinhole/policy_settings.h"

namespace dpinholer::pinhole {

/// The addresses for which a sender may speak (calls.md section 5, other-side): an SDP opens pinholes toward
/// the side that it came from.
///
///   [sides] says nothing     a side is an interface: packets to the address must have a way out through the
///                            one that the message came in by (same-side = "auto"); or there is no check
///   [sides] says something   there are two, inside and outside: what is listed, by address or by the
///                            interface that it comes in or goes out by, is inside
///
/// An address that packets have no way to is on no side. The host's own addresses are a side of their own,
/// for which only the host speaks, unless one is listed by itself in inside-networks, or its interface is:
/// then NAT leads from it to somebody inside. Parties for which the host passes messages on must have
/// announced the same themselves: `wanted` judges that.
class Sides {
 public:
  /// `host` may be null: then sides are those of inside-networks, or there is no check. It must live longer.
  Sides(const PolicySettings& settings, Host* host) : settings_(settings), host_(host) {}

  /// The origin of a message that came from `source` through `arrival`, with those of the addresses in its
  /// descriptions that it can't speak for. Asks the host about limits::judged_addresses at most, and about
  /// `source`; it can't speak for the rest either. The call knows what the party was refused at another
  /// crossing (negotiation/refused.h).
  negotiation::Origin origin(const message::SipMessage& message, const base::Address& source,
                             base::Interface arrival) const;

  /// Whether a message that came from `source` through `arrival` speaks for an address.
  bool speaks_for(const base::Address& address, const base::Address& source, base::Interface arrival) const;

  /// Whether [sides] says that an address is inside. Where it says nothing, none is.
  bool lists_as_inside(const base::Address& address) const;

 private:
  bool is_configured() const;
  bool makes_check() const;
  bool asks_for_routes(base::Interface arrival) const;
  bool lists_addresses() const;
  bool is_listed(const base::Address& address) const;
  bool is_inside(const base::Address& address, const std::vector<base::Interface>& interfaces) const;

  PolicySettings settings_;
  Host* host_;
};

/// Whether NAT leads from this address of the host to somebody inside: it stands by itself in
/// inside-networks, or the interface does that has it now. `host` may be null.
bool leads_inside(const base::Address& address, const PolicySettings& settings, Host* host);

/// Whether an interface in inside-networks stands for this address of its own: not for link-local and
/// loopback addresses, from which nothing is led on.
bool may_lead_inside(const base::Address& address);

}  // namespace dpinholer::pinhole
