// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/sides.h"

#include <algorithm>
#include <set>

#include "base/limits.h"

namespace dpinholer::pinhole {

using base::Interface;
using message::Method;
using message::SessionDescription;

namespace {

// calls.md section 1: no other message opens anything. The addresses of an ambiguous one are judged, too: a
// proxy may send it on, and be read (attack A24).
bool may_announce(const message::SipMessage& message) {
  switch (message.method) {
    case Method::invite:
    case Method::update:
    case Method::prack:
    case Method::ack:
    case Method::info:
      return true;
    case Method::bye:
    case Method::cancel:
    case Method::message:
    case Method::notify:
    case Method::options:
    case Method::publish:
    case Method::refer:
    case Method::register_:
    case Method::subscribe:
    case Method::other:
      return false;
  }
  return false;
}

void add_addresses(const std::optional<SessionDescription>& description, std::set<base::Address>& addresses) {
  if (!description || description->over_limit) return;
  for (const message::MediaDescription& section : description->media) {
    if (section.connection.kind == message::Connection::Kind::address)
      addresses.insert(section.connection.address);
    if (section.rtcp && section.rtcp->address) addresses.insert(*section.rtcp->address);
    for (const message::Candidate& candidate : section.candidates) addresses.insert(candidate.address);
    addresses.insert(section.silent.begin(), section.silent.end());
  }
}

bool contains(const std::vector<Interface>& interfaces, Interface interface) {
  return std::find(interfaces.begin(), interfaces.end(), interface) != interfaces.end();
}

bool is_named(const std::vector<std::string>& names, Interface interface, Host& host) {
  return !names.empty() && std::find(names.begin(), names.end(), host.name(interface)) != names.end();
}

bool has_a_listed_owner(const base::Address& address, const PolicySettings& settings, Host* host) {
  const auto& names = settings.inside_addresses_of;
  if (names.empty() || host == nullptr || !may_lead_inside(address)) return false;
  const auto owners = host->owners(address);
  return std::any_of(owners.begin(), owners.end(),
                     [&](Interface owner) { return is_named(names, owner, *host); });
}

}  // namespace

negotiation::Origin Sides::origin(const message::SipMessage& message, const base::Address& source,
                                  Interface arrival) const {
  negotiation::Origin origin;
  origin.address = source;
  if (!makes_check() || !may_announce(message)) return origin;
  origin.own = host_ != nullptr && arrival == Interface::host;
  std::set<base::Address> addresses;
  for (const auto* description : {&message.session, &message.early_session, &message.ice_fragment})
    add_addresses(*description, addresses);
  std::size_t judged = 0;
  for (const base::Address& address : addresses) {
    const bool over_bound = asks_for_routes(arrival) && ++judged > base::limits::judged_addresses;
    if (over_bound || !speaks_for(address, source, arrival)) origin.elsewhere.push_back(address);
  }
  origin.forged = !origin.elsewhere.empty() && !speaks_for(source, source, arrival);
  return origin;
}

bool Sides::speaks_for(const base::Address& address, const base::Address& source, Interface arrival) const {
  if (!makes_check()) return true;
  if (host_ == nullptr || arrival == Interface::unknown)
    return !lists_addresses() || is_listed(address) == is_listed(source);
  const bool own = host_->is_own(address);
  if (arrival == Interface::host) return own;
  if (own) return leads_inside(address, settings_, host_) && is_inside(source, {arrival});
  if (address.is_link_local()) return true;  // of the link that the message came by
  std::vector<Interface> ways;
  if (asks_for_routes(arrival)) {
    ways = host_->ways_to(address, arrival);
    if (ways.empty() || contains(ways, Interface::host)) return false;
  }
  if (!is_configured()) return contains(ways, arrival);
  return is_inside(address, ways) == is_inside(source, {arrival});
}

bool Sides::lists_as_inside(const base::Address& address) const {
  std::vector<Interface> ways;
  if (host_ != nullptr && !settings_.inside_interfaces.empty())
    ways = host_->ways_to(address, Interface::unknown);
  return is_inside(address, ways);
}

bool Sides::is_configured() const {
  return !settings_.inside_interfaces.empty() || !settings_.inside_networks.empty() ||
         !settings_.inside_addresses_of.empty();
}

bool Sides::lists_addresses() const {
  return !settings_.inside_networks.empty() || (host_ != nullptr && !settings_.inside_addresses_of.empty());
}

bool Sides::makes_check() const {
  switch (settings_.same_side) {
    case SameSide::routes:
      return true;
    case SameSide::configured:
      return is_configured();
    case SameSide::off:
      return false;
  }
  return false;
}

bool Sides::asks_for_routes(Interface arrival) const {
  if (host_ == nullptr || arrival == Interface::unknown || arrival == Interface::host) return false;
  return settings_.same_side == SameSide::routes || !settings_.inside_interfaces.empty();
}

bool Sides::is_listed(const base::Address& address) const {
  const auto& inside = settings_.inside_networks;
  return std::any_of(inside.begin(), inside.end(),
                     [&](const base::Network& network) { return network.contains(address); }) ||
         has_a_listed_owner(address, settings_, host_);
}

bool Sides::is_inside(const base::Address& address, const std::vector<Interface>& interfaces) const {
  return is_listed(address) || std::any_of(interfaces.begin(), interfaces.end(), [&](Interface interface) {
           return is_named(settings_.inside_interfaces, interface, *host_);
         });
}

bool leads_inside(const base::Address& address, const PolicySettings& settings, Host* host) {
  if (settings.same_side == SameSide::off) return false;
  const auto& inside = settings.inside_networks;
  return std::any_of(inside.begin(), inside.end(),
                     [&](const base::Network& network) {
                       return network.is_one_address() && network.contains(address);
                     }) ||
         has_a_listed_owner(address, settings, host);
}

bool may_lead_inside(const base::Address& address) {
  return !address.is_link_local() && !address.is_loopback();
}

}  // namespace dpinholer::pinhole
