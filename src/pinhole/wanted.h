// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "negotiation/calls.h"
#include "negotiation/media.h"
#include "pinhole/pinhole.h"
#include "pinhole/policy.h"

namespace dpinholer::pinhole {

/// How long the set elements of a grant live (calls.md section 3).
struct ElementTimeouts {
  base::seconds early;
  base::seconds established;
  base::seconds held;
};

/// A pinhole as one call wants it.
struct Want {
  Key key;
  std::vector<base::Address> from;  ///< sorted; empty: anybody
  base::seconds timeout{0};
  negotiation::Media media = negotiation::Media::other;
  Component component = Component::rtp;
  bool held = false;  ///< not to be opened, but its m-line goes on: why it closes, if it does
  /// The party that announced it, also where this host passed on what the party said.
  base::Address announced_by = {};
};

/// What policy lets a call have of its grants: each pinhole once, in the order of the grants. A pinhole that
/// several grants want is open to the sources of those that are bound, to anybody only while none is (attack
/// A27).
std::vector<Want> wanted(std::span<const negotiation::Grant* const> grants, const Policy& policy,
                         const ElementTimeouts& timeouts);

/// What policy refuses of the grants that a message announced; or, when the update was refused as a whole,
/// all of them, and at least one line that says so. At most limits::refusals_per_message.
std::vector<Refusal> refusals(const negotiation::Update& update, const Policy& policy);

}  // namespace dpinholer::pinhole
