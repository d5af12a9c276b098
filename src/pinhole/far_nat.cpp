// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/far_nat.h"

#include <algorithm>

#include "base/limits.h"

namespace dpinholer::pinhole {

namespace {

using negotiation::Grant;
using negotiation::Transport;

// A candidate that others can reach makes the rest no matter.
bool is_behind_nat(const Grant& grant) {
  return !grant.announced_by_host && !grant.to.empty() &&
         std::ranges::all_of(grant.to, [&](const Transport& transport) {
           return !transport.named && is_far_nat(transport.address, grant.announced_by);
         });
}

}  // namespace

bool is_far_nat(const base::Address& announced, const base::Address& source) {
  const bool on_the_way = source.is_loopback() || source.is_link_local() || source.is_unspecified();
  return announced.is_private() && announced.family() == source.family() && !source.is_private() &&
         !on_the_way;
}

// Early things stand first in `wanted`: with a proxy on the way, what its first crossing announced.
std::vector<FarNat> far_nats(const negotiation::Update& update, const Sides& sides) {
  std::vector<FarNat> found;
  const bool answered = std::ranges::any_of(
      update.wanted, [](const Grant* grant) { return grant->phase == negotiation::Phase::established; });
  if (!answered) return found;
  for (const Grant* grant : update.wanted) {
    if (!is_behind_nat(*grant)) continue;
    for (const Transport& transport : grant->to) {
      if (found.size() == base::limits::nats_per_call) return found;
      if (std::ranges::find(found, transport.address, &FarNat::announced) != found.end()) continue;
      if (sides.lists_as_inside(grant->announced_by)) continue;
      found.push_back({update.call_id, transport.address, grant->announced_by, update.time});
    }
  }
  return found;
}

}  // namespace dpinholer::pinhole
