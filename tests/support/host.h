// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pinhole/host.h"

namespace dpinholer::test {

/// A host whose addresses, interfaces and routes are what a test says.
struct FakeHost : pinhole::Host {
  std::set<base::Address> own;
  std::map<base::Address, base::Interface> interfaces;  ///< of own addresses; of the others, the loopback
  std::map<base::Interface, std::string> names;
  /// The first network that an address is in is its route; own addresses need none.
  std::vector<std::pair<base::Network, std::vector<base::Interface>>> routes;
  std::size_t questions = 0;  ///< about routes

  std::vector<base::Interface> owners(const base::Address& address) override {
    if (!own.contains(address)) return {};
    const auto place = interfaces.find(address);
    return {place == interfaces.end() ? base::Interface::host : place->second};
  }
  bool has_own_in(const base::Network& network) override {
    return std::ranges::any_of(own, [&](const auto& address) { return network.contains(address); });
  }
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface) override {
    ++questions;
    if (is_own(address)) return {base::Interface::host};
    for (const auto& [network, ways] : routes) {
      if (network.contains(address)) return ways;
    }
    return {};
  }
  std::string name(base::Interface interface) override { return names[interface]; }

  void route(std::string_view network, std::vector<base::Interface> ways) {
    routes.emplace_back(base::Network::parse(network).value(), std::move(ways));
  }
};

}  // namespace dpinholer::test
