// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "base/interface.h"

namespace dpinholer::pinhole {

/// What policy asks about the host that it judges for. In a replay there is none to ask.
class Host {
 public:
  virtual ~Host() = default;

  /// Its interfaces that have this address.
  virtual std::vector<base::Interface> owners(const base::Address& address) = 0;
  bool is_own(const base::Address& address) { return !owners(address).empty(); }

  /// Whether one of them has an address in that network: for hosts that know all their addresses.
  virtual bool has_own_in(const base::Network& /*network*/) { return false; }

  /// The interfaces through which packets to `address` may leave, several where the route has several ways;
  /// Interface::host when they go no further than this host; none when there is no way. `arrival`: where the
  /// one who asks came in.
  virtual std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) = 0;

  /// "eth0"; empty when there is no such interface.
  virtual std::string name(base::Interface interface) = 0;
};

}  // namespace dpinholer::pinhole
