// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/policy.h"

#include <algorithm>

#include "pinhole/sides.h"

namespace dpinholer::pinhole {

using negotiation::Cause;

namespace {

constexpr std::uint32_t first_unprivileged_port = 1024;

// No host's own address, or one that only the host itself or its neighbours can mean.
bool refused_class(const base::Address& address, const base::Address& announced_by) {
  if (!is_of_a_host(address)) return true;
  if (address.is_loopback()) return !announced_by.is_loopback();
  return address.is_link_local() && !announced_by.is_link_local();
}

}  // namespace

std::optional<Cause> Policy::refusal(const negotiation::Transport& transport,
                                     const base::Address& announced_by) const {
  if (transport.named) return Cause::address;  // never resolved (attack A18)
  if (auto cause = address_refusal(transport.address, announced_by)) return cause;
  if (transport.elsewhere) return Cause::other_side;
  if (transport.address != announced_by && !is_in_networks(transport.address)) return Cause::networks;
  if (transport.off) return Cause::tcp_off;
  if (refused_port(transport.port)) return Cause::port_policy;
  return std::nullopt;
}

bool Policy::admits_source(const base::Address& address, const base::Address& announced_by) const {
  return !address_refusal(address, announced_by) && (address == announced_by || is_in_networks(address));
}

bool Policy::is_in_networks(const base::Address& address) const {
  const auto& networks = settings_.networks;
  return networks.empty() || std::ranges::any_of(networks, [&](const base::Network& network) {
           return network.contains(address);
         });
}

std::optional<Cause> Policy::address_refusal(const base::Address& address,
                                             const base::Address& announced_by) const {
  if (refused_class(address, announced_by)) return Cause::address;
  if (!settings_.local && is_own(address) && !leads_inside(address, settings_, host_)) return Cause::address;
  for (const base::Network& network : settings_.refuse_networks) {
    if (network.contains(address)) return Cause::address;
  }
  return std::nullopt;
}

bool is_of_a_host(const base::Address& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast() &&
         !address.is_reserved() && !address.is_ipv4_mapped();
}

bool Policy::refused_port(std::uint32_t port) const {
  if (port < first_unprivileged_port || port < settings_.ports.first || port > settings_.ports.last)
    return true;
  const auto& refused = settings_.refuse_ports;
  return std::any_of(refused.begin(), refused.end(),
                     [&](const PortRange& range) { return port >= range.first && port <= range.last; });
}

}  // namespace dpinholer::pinhole
