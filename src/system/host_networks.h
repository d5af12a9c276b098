// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "base/interface.h"
#include "pinhole/host.h"
#include "system/error.h"
#include "system/host_links.h"
#include "system/netlink.h"

namespace dpinholer::system {

/// The addresses, interfaces and routes of this thread's network namespace, as the kernel has them now. What
/// was asked once is remembered until the kernel says that something changed.
class HostNetworks : public pinhole::Host {
 public:
  /// Throws KernelError when the kernel does not tell.
  HostNetworks();

  /// Readable when something changed: a change has been announced when the call that made it returns.
  /// `update` is to be called then, before packets are judged.
  int fd() const { return changes_.fd(); }
  /// Forgets what changed since the last time. Never waits.
  void update();

  std::vector<base::Interface> owners(const base::Address& address) override;
  bool has_own_in(const base::Network& network) override;

  /// `ip route get ADDRESS fibmatch`: the rules of policy routing count, for a packet that this host would
  /// send; all ways of a multipath route. Within the VRF that `arrival` belongs to.
  std::vector<base::Interface> ways_to(const base::Address& address, base::Interface arrival) override;

  std::string name(base::Interface interface) override;

  /// Those of the interface of that name; none when there is no such interface.
  std::vector<base::Address> addresses_of(const std::string& name);

 private:
  using Addresses = std::map<base::Address, std::vector<base::Interface>>;
  using Links = std::map<base::Interface, HostLink>;
  using Ways = std::vector<base::Interface>;

  tl::expected<Addresses, SystemError> read_addresses();
  tl::expected<Ways, SystemError> look_up(const base::Address& address, base::Interface vrf);
  const Addresses& addresses();
  const Links& links();
  bool is_vrf(base::Interface interface);
  void told(std::uint16_t type);

  NetlinkSocket requests_;
  NetlinkSocket changes_;
  Addresses addresses_;
  Links links_;
  std::map<std::pair<base::Address, base::Interface>, Ways> ways_;  // by address and VRF
  bool addresses_known_ = false;
  bool links_known_ = false;
  bool failed_ = false;  // and said so
};

}  // namespace dpinholer::system
