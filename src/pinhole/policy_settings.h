// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"

namespace dpinholer::pinhole {

/// First and last port, both included.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

enum class SameSide : std::uint8_t {
  routes,      ///< "auto": by the routing table
  configured,  ///< by [sides]
  off,
};

/// The settings that decide which pinholes are refused and to whom they are bound (calls.md sections 3, 5).
struct PolicySettings {
  bool bind_to_peer = true;  ///< false: media.source = "any"
  bool local = false;        ///< the SIP server runs on this host
  PortRange ports{1024, 65535};
  std::vector<PortRange> refuse_ports;
  std::vector<base::Network> refuse_networks;
  /// Where media may go beside the address that announced it; empty: anywhere.
  std::vector<base::Network> networks;
  SameSide same_side = SameSide::routes;
  std::vector<base::Network> inside_networks;
  /// The interfaces in inside-networks: they stand for the addresses that they have at the time.
  std::vector<std::string> inside_addresses_of;
  std::vector<std::string> inside_interfaces;

  friend bool operator==(const PolicySettings&, const PolicySettings&) = default;
};

}  // namespace dpinholer::pinhole
