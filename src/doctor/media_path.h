// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pinhole/policy_settings.h"
#include "system/ruleset.h"

namespace dpinholer::doctor {

/// Which media packets.
struct Media {
  pinhole::PortRange ports{1024, 65535};
  bool tcp = false;           ///< over TCP, too
  bool first_packet = false;  ///< of a flow only
};

/// How much of the media a condition admits; in this order. Of several conditions the least counts.
enum class Reach : std::uint8_t {
  none,
  unclear,  ///< by addresses, marks, limits: nobody knows, and whoever wrote it did
  part,     ///< of some interfaces or ports
  all,      ///< all or nearly all
};

Reach reach(const system::Condition& condition, const Media& media);

/// A rule that ends the way of media packets.
struct Ending {
  const system::Chain* chain = nullptr;
  const system::Rule* rule = nullptr;
  system::Outcome::Kind kind = system::Outcome::Kind::accept;  ///< accept, drop or offload
  Reach reach = Reach::none;
};

/// The way of media packets through a base chain, and the chains that it leads to, up to the first jump to a
/// chain.
struct Path {
  bool arrives = false;
  std::vector<Ending> endings;  ///< ahead of the jump, in order; those of reach none or unclear are left out
};

/// The chains and rules belong to `ruleset`.
Path path_to(std::string_view chain, const system::Ruleset& ruleset, const system::Chain& base,
             const Media& media);

}  // namespace dpinholer::doctor
