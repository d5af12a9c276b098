// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "doctor/path.h"
#include "system/config.h"
#include "system/ruleset.h"

namespace dpinholer::doctor {

/// Something that the kernel can't do.
struct MissingFeature {
  std::string_view name;    ///< "the statement queue"
  std::string_view module;  ///< that has it
  std::string_view why;     ///< it is needed
};

/// The facts when the examination begins: it asks nobody any more.
struct Facts {
  system::Config config;
  std::string config_file;
  system::Ruleset ruleset;
  std::vector<std::string> set_faults;          ///< of PinholeSets::faults()
  std::vector<std::uint16_t> unread_queues;     ///< of those that are configured
  std::vector<std::string> missing_interfaces;  ///< of inside-interfaces
  std::vector<std::string> missing_uplinks;     ///< of inside-networks
  std::vector<MissingFeature> missing_features;
  bool automatic_helpers = false;  ///< the kernel attaches nf_conntrack_sip by itself
  bool counts_flows = true;        ///< connection tracking counts packets
  bool legacy_iptables = false;    ///< there are rules that nftables does not show
  bool forwards_ipv4 = true;       ///< the kernel routes for others
  bool forwards_ipv6 = true;
  std::vector<std::string>
      interfaces;                    ///< that are up, without those that belong to a bridge, and without lo
  std::vector<std::string> bridges;  ///< that have two ports or more
  bool br_netfilter = true;          ///< is loaded
  bool bridged_ipv4 = true;          ///< and brings bridged packets to the forward hook
  bool bridged_ipv6 = true;
  std::string way_outside;            ///< interface of the default route for IPv4; empty: none
  std::uint64_t unread_messages = 0;  ///< of the daemon that runs: they found no room in its queues
  std::shared_ptr<Followed> followed =
      std::make_shared<Followed>();  ///< through `ruleset`; an examination begins anew
};

inline bool forwards(const Facts& facts) {
  return facts.forwards_ipv4 || facts.forwards_ipv6;
}

/// Asks the kernel, in this thread's network namespace. The error says why it can't be asked.
tl::expected<Facts, std::string> gather(const system::Config& config, const std::string& config_file);

}  // namespace dpinholer::doctor
