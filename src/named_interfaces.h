// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/address.h"
#include "system/host_networks.h"

namespace dpinholer {

/// Tells the log which addresses the interfaces in inside-networks stand for: at first, and whenever these
/// are others. An interface that is not there is told once.
class NamedInterfaces {
 public:
  /// It must live longer.
  explicit NamedInterfaces(system::HostNetworks& networks) : networks_(networks) {}

  /// To be called at the start, and when the names or the host's addresses have changed.
  void look(const std::vector<std::string>& names);

 private:
  std::vector<base::Address> addresses_of(const std::string& name);

  system::HostNetworks& networks_;
  std::map<std::string, std::vector<base::Address>> told_;
};

}  // namespace dpinholer
