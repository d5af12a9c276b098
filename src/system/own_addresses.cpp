// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace dpinholer::system {

tl::expected<std::vector<base::Address>, SystemError> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return tl::unexpected(SystemError{"getifaddrs", errno, ""});
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::vector<base::Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      const auto* name = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
      const auto* octets = reinterpret_cast<const std::uint8_t*>(&name->sin_addr);
      found.push_back(base::Address::from_bytes(base::Family::ipv4, octets));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const auto* name = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
      found.push_back(base::Address::from_bytes(base::Family::ipv6, name->sin6_addr.s6_addr));
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace dpinholer::system
