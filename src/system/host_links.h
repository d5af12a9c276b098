// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace dpinholer::system {

/// An interface of this thread's network namespace.
struct HostLink {
  unsigned index = 0;
  std::string name;
  unsigned master = 0;  ///< index of the bridge, bond or VRF that it belongs to; 0: none
  bool up = false;
  bool loopback = false;
  bool bridge_port = false;
};

/// All interfaces, or as many as the kernel tells.
std::vector<HostLink> read_host_links();

}  // namespace dpinholer::system
