// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/host_networks.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/limits.h"
#include "system/log.h"

// What matters of the kernel's answers (rtnetlink(7)):
//
//   address = ifaddrmsg  [IFA_LOCAL] [IFA_ADDRESS] ...        IFA_LOCAL where the link has two ends
//   route   = rtmsg      RTA_OIF / RTA_MULTIPATH{*(rtnexthop attributes)} ...

namespace dpinholer::system {

namespace {

using base::Interface;

constexpr std::size_t longest_request = 128;

template <std::size_t n>
using Attributes = std::array<const nlattr*, n>;

template <std::size_t n>
int keep(const nlattr* attribute, void* target) {
  const auto type = mnl_attr_get_type(attribute);
  if (type < n) (*static_cast<Attributes<n>*>(target))[type] = attribute;
  return MNL_CB_OK;
}

std::optional<base::Address> read_address(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  const auto* octets = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
  const auto length = mnl_attr_get_payload_len(attribute);
  if (length == 4) return base::Address::from_bytes(base::Family::ipv4, octets);
  if (length == 16) return base::Address::from_bytes(base::Family::ipv6, octets);
  return std::nullopt;
}

std::optional<std::uint32_t> read_number(const nlattr* attribute) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != sizeof(std::uint32_t))
    return std::nullopt;
  return mnl_attr_get_u32(attribute);
}

template <typename Header>
nlmsghdr& start(std::uint8_t* buffer, std::uint16_t type, std::uint16_t flags, const Header& header) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  *static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof header)) = header;
  return *message;
}

template <std::size_t n>
Attributes<n> parse(const nlmsghdr& message, std::size_t header) {
  Attributes<n> attributes{};
  mnl_attr_parse(&message, static_cast<unsigned>(header), keep<n>, &attributes);
  return attributes;
}

// Whatever type its nexthops have.
std::vector<Interface> read_ways(const nlmsghdr& message) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  if (mnl_nlmsg_get_payload_len(&message) < sizeof *header) return {};
  if (header->rtm_type == RTN_LOCAL) return {Interface::host};
  if (header->rtm_type != RTN_UNICAST) return {};  // broadcast, blackhole, ...
  const auto attributes = parse<RTA_MAX + 1>(message, sizeof *header);
  std::vector<Interface> ways;
  if (const auto way = read_number(attributes[RTA_OIF])) ways.push_back(Interface{*way});
  const nlattr* several = attributes[RTA_MULTIPATH];
  if (several == nullptr) return ways;
  const auto* hop = static_cast<const rtnexthop*>(mnl_attr_get_payload(several));
  auto left = static_cast<int>(mnl_attr_get_payload_len(several));
  for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
    ways.push_back(Interface{static_cast<std::uint32_t>(hop->rtnh_ifindex)});
  return ways;
}

// Error numbers by which the kernel says that there is no way: no route at all, unreachable, prohibit,
// blackhole, throw (ip-route(8)); no IPv6.
bool says_no_way(int code) {
  constexpr std::array codes{ENETUNREACH, EHOSTUNREACH, EACCES,   EINVAL,     EAGAIN,
                             ESRCH,       ENODEV,       ENETDOWN, EOPNOTSUPP, EAFNOSUPPORT};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

HostNetworks::HostNetworks() : requests_(NETLINK_ROUTE), changes_(NETLINK_ROUTE) {
  for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                          RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP}) {
    if (!changes_.join(group)) {
      throw KernelError(SystemError{"NETLINK_ADD_MEMBERSHIP", errno, "rtnetlink"});
    }
  }
  auto addresses = read_addresses();
  if (!addresses) throw KernelError(addresses.error());
  addresses_ = std::move(*addresses);
  addresses_known_ = true;
}

void HostNetworks::update() {
  alignas(nlmsghdr) std::array<std::uint8_t, 8192> buffer;
  for (;;) {
    const auto octets = changes_.receive(buffer, std::chrono::milliseconds{0});
    if (octets) {
      for_each_message({buffer.data(), *octets}, [&](const nlmsghdr& message) { told(message.nlmsg_type); });
    } else if (octets.error().code == ETIMEDOUT) {
      return;
    } else {
      // What was lost may have been anything.
      told(RTM_NEWADDR);
      told(RTM_NEWLINK);
      if (octets.error().code != ENOBUFS && octets.error().code != EMSGSIZE) return;
    }
  }
}

void HostNetworks::told(std::uint16_t type) {
  ways_.clear();
  if (type == RTM_NEWADDR || type == RTM_DELADDR) addresses_known_ = false;
  if (type == RTM_NEWLINK || type == RTM_DELLINK) links_known_ = false;
}

// Until it can be read, what was known last is the best guess.
const HostNetworks::Addresses& HostNetworks::addresses() {
  if (!addresses_known_) {
    if (auto addresses = read_addresses()) {
      addresses_ = std::move(*addresses);
      addresses_known_ = true;
    }
  }
  return addresses_;
}

std::vector<Interface> HostNetworks::owners(const base::Address& address) {
  const auto& all = addresses();
  const auto place = all.find(address);
  return place == all.end() ? std::vector<Interface>() : place->second;
}

bool HostNetworks::has_own_in(const base::Network& network) {
  return std::ranges::any_of(addresses(), [&](const auto& own) { return network.contains(own.first); });
}

std::vector<base::Address> HostNetworks::addresses_of(const std::string& name) {
  const Links& all = links();
  const auto link = std::ranges::find(all, name, [](const auto& one) { return one.second.name; });
  std::vector<base::Address> found;
  if (link == all.end()) return found;
  for (const auto& [address, owners] : addresses()) {
    if (std::ranges::find(owners, link->first) != owners.end()) found.push_back(address);
  }
  return found;
}

const HostNetworks::Links& HostNetworks::links() {
  if (!links_known_) {
    Links links;
    if (for_each_link(requests_, [&](const HostLink& link) { links[link.index] = link; })) {
      links_ = std::move(links);
      links_known_ = true;
    }
  }
  return links_;
}

std::string HostNetworks::name(Interface interface) {
  const auto link = links().find(interface);
  return link == links_.end() ? std::string() : link->second.name;
}

bool HostNetworks::is_vrf(Interface interface) {
  const auto link = links().find(interface);
  return link != links_.end() && link->second.vrf;
}

// A packet that came in by a port of a VRF came in by the VRF itself, as netfilter sees it.
std::vector<Interface> HostNetworks::ways_to(const base::Address& address, Interface arrival) {
  const Interface vrf = is_vrf(arrival) ? arrival : Interface::unknown;
  const auto known = ways_.find({address, vrf});
  if (known != ways_.end()) return known->second;
  auto ways = look_up(address, vrf);
  if (!ways) {
    if (!std::exchange(failed_, true))
      log::warning("no route can be looked up: " + ways.error().to_string() + "; until then nothing opens");
    return {};
  }
  failed_ = false;
  for (Interface& way : *ways) {
    const auto link = links_.find(way);
    if (vrf != Interface::unknown && link != links_.end() && link->second.master == vrf) way = vrf;
  }
  if (ways_.size() >= base::limits::remembered_routes) ways_.clear();
  return ways_.emplace(std::pair{address, vrf}, std::move(*ways)).first->second;
}

//   ip route get ADDRESS fibmatch [oif VRF]
tl::expected<HostNetworks::Ways, SystemError> HostNetworks::look_up(const base::Address& address,
                                                                    Interface vrf) {
  const auto octets = address.bytes();
  rtmsg header{};
  header.rtm_family = address.family() == base::Family::ipv4 ? AF_INET : AF_INET6;
  header.rtm_dst_len = static_cast<unsigned char>(octets.size() * 8);
  header.rtm_flags = RTM_F_FIB_MATCH;
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  nlmsghdr& request = start(buffer.data(), RTM_GETROUTE, NLM_F_ACK, header);
  mnl_attr_put(&request, RTA_DST, octets.size(), octets.data());
  if (vrf != Interface::unknown) mnl_attr_put_u32(&request, RTA_OIF, static_cast<std::uint32_t>(vrf));
  Ways ways;
  const auto end = netlink_request(requests_, request, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type == RTM_NEWROUTE) ways = read_ways(answer);
  });
  if (!end) return tl::unexpected(end.error());
  if (end->code != 0 && !says_no_way(end->code)) {
    return tl::unexpected(SystemError{"RTM_GETROUTE", end->code, address.to_string()});
  }
  return ways;
}

//   ip address show
tl::expected<HostNetworks::Addresses, SystemError> HostNetworks::read_addresses() {
  Addresses addresses;
  alignas(nlmsghdr) std::array<std::uint8_t, longest_request> buffer{};
  nlmsghdr& request = start(buffer.data(), RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  const auto end = netlink_request(requests_, request, [&](const nlmsghdr& answer) {
    if (answer.nlmsg_type != RTM_NEWADDR) return;
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&answer));
    if (mnl_nlmsg_get_payload_len(&answer) < sizeof *header) return;
    const auto attributes = parse<IFA_MAX + 1>(answer, sizeof *header);
    const nlattr* own = attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
    if (const auto address = read_address(own)) addresses[*address].push_back(Interface{header->ifa_index});
  });
  if (!end) return tl::unexpected(end.error());
  if (end->code != 0) return tl::unexpected(SystemError{"RTM_GETADDR", end->code, ""});
  if (end->interrupted) return tl::unexpected(SystemError{"RTM_GETADDR", EINTR, ""});
  return addresses;
}

}  // namespace dpinholer::system
