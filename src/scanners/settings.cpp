// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/settings.h"

#include <algorithm>

namespace dpinholer::scanners {

// RFC 1918, RFC 4193.
std::vector<base::Network> private_networks() {
  std::vector<base::Network> networks;
  for (const char* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}) {
    networks.push_back(base::Network::parse(text).value());
  }
  return networks;
}

bool is_spared(const base::Address& source, const Settings& settings) {
  return std::ranges::any_of(settings.never, [&](const auto& network) { return network.contains(source); });
}

bool is_spared_within(const base::Network& source, const Settings& settings) {
  return std::ranges::any_of(settings.never, [&](const auto& network) { return network.overlaps(source); });
}

bool is_active(const Settings& settings) {
  return settings.well_known || settings.failures > 0 || !settings.user_agents.empty() ||
         !settings.from.empty() || !settings.request_uris.empty();
}

}  // namespace dpinholer::scanners
