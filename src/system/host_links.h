// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>

#include <tl/expected.hpp>

#include "base/interface.h"
#include "system/error.h"
#include "system/netlink.h"

namespace dpinholer::system {

/// An interface of a network namespace.
struct HostLink {
  base::Interface index = base::Interface::unknown;
  std::string name;
  base::Interface master = base::Interface::unknown;  ///< the bridge, bond or VRF that it is a port of
  bool up = false;
  bool loopback = false;
  bool vrf = false;
  bool bridge_port = false;
};

/// Calls `visit` for each interface of the network namespace that the socket (NETLINK_ROUTE) is in. With an
/// error, EINTR when they changed meanwhile, some may have been left out or visited twice.
///   ip link show
tl::expected<void, SystemError> for_each_link(NetlinkSocket& socket,
                                              const std::function<void(const HostLink&)>& visit);

}  // namespace dpinholer::system
