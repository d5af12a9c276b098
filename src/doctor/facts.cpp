// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/facts.h"

#include <linux/netlink.h>

#include <algorithm>
#include <map>

#include "system/error.h"
#include "system/host_links.h"
#include "system/kernel_features.h"
#include "system/netlink.h"
#include "system/nft_sets.h"
#include "system/queue.h"

namespace dpinholer::doctor {

namespace {

using system::Outcome;
using system::Ruleset;

// The needs of the include beyond sets, and a rule that has each. The table is never made.
struct Feature {
  MissingFeature feature;
  std::string_view needs;
};

constexpr std::string_view uninspected = "dpinholer.nft can't be loaded, and SIP passes uninspected";
constexpr std::string_view unloadable = "dpinholer.nft can't be loaded";

const Feature of_the_queue{{"the statement queue", "nft_queue", uninspected}, "queue flags bypass to 0"};
const Feature of_the_include[] = {
    {{"the expression numgen", "nft_numgen", unloadable}, "numgen random mod 64 0 accept"},
    {{"connection tracking in rules", "nft_ct", unloadable}, "ct state new accept"},
    {{"the object ct timeout", "nfnetlink_cttimeout", unloadable}, ""},
};

bool can(const Feature& feature) {
  std::string commands = "add table inet dpinholer_check; add chain inet dpinholer_check c; ";
  if (feature.needs.empty()) {
    commands +=
        "add ct timeout inet dpinholer_check t { protocol udp; policy = { unreplied : 180, replied : 180 }; "
        "}";
  } else {
    commands += "add rule inet dpinholer_check c " + std::string(feature.needs);
  }
  return !system::objection(commands);
}

bool queues_anything(const Ruleset& ruleset) {
  return std::ranges::any_of(ruleset.chains, [](const system::Chain& chain) {
    return std::ranges::any_of(chain.rules, [](const system::Rule& rule) {
      return std::ranges::any_of(rule.outcomes,
                                 [](const Outcome& one) { return one.kind == Outcome::Kind::queue; });
    });
  });
}

// The kernel has all that rules use already.
std::vector<MissingFeature> missing_features(const Facts& facts) {
  std::vector<MissingFeature> missing;
  if (!queues_anything(facts.ruleset) && !can(of_the_queue)) missing.push_back(of_the_queue.feature);
  if (facts.ruleset.find(facts.config.kernel.table, "sip_media") == nullptr) {
    for (const Feature& one : of_the_include) {
      if (!can(one)) missing.push_back(one.feature);
    }
  }
  if (!system::has_queue_netlink()) {
    missing.push_back({"netlink for queues", "nfnetlink_queue", "dpinholer can't read SIP"});
  }
  if (!system::has_conntrack_netlink()) {
    missing.push_back({"netlink for connection tracking", "nf_conntrack_netlink",
                       "media of a call that is over goes on where a rule accepts established flows"});
  }
  return missing;
}

void gather_interfaces(Facts& facts) {
  system::NetlinkSocket socket(NETLINK_ROUTE);
  std::vector<system::HostLink> links;
  // As many as the kernel tells.
  (void)system::for_each_link(socket, [&](const system::HostLink& link) { links.push_back(link); });
  std::map<base::Interface, unsigned> ports;  // by bridge
  for (const system::HostLink& link : links) {
    if (link.bridge_port) ++ports[link.master];
    if (link.up && !link.loopback && link.master == base::Interface::unknown)
      facts.interfaces.push_back(link.name);
  }
  for (const system::HostLink& link : links) {
    const auto found = ports.find(link.index);
    if (found != ports.end() && found->second > 1) facts.bridges.push_back(link.name);
  }
  facts.way_outside = system::default_route();
}

void gather_forwarding(Facts& facts) {
  facts.forwards_ipv4 = system::forwards_ipv4();
  facts.forwards_ipv6 = system::forwards_ipv6();
  facts.br_netfilter = system::has_br_netfilter();
  facts.bridged_ipv4 = system::filters_bridged_ipv4();
  facts.bridged_ipv6 = system::filters_bridged_ipv6();
}

}  // namespace

tl::expected<Facts, std::string> gather(const system::Config& config, const std::string& config_file) try {
  auto ruleset = system::read_ruleset();
  if (!ruleset) return tl::unexpected(std::move(ruleset.error()));
  Facts facts;
  facts.config = config;
  facts.config_file = config_file;
  facts.ruleset = std::move(*ruleset);
  facts.set_faults = system::NftSets(config.kernel.table).faults();
  for (unsigned number = config.kernel.queues.first; number <= config.kernel.queues.last; ++number) {
    const auto queue = static_cast<std::uint16_t>(number);
    if (!system::queue_status(queue)) facts.unread_queues.push_back(queue);
  }
  for (const std::string& interface : config.policy.inside_interfaces) {
    if (!system::has_interface(interface)) facts.missing_interfaces.push_back(interface);
  }
  for (const std::string& interface : config.policy.inside_addresses_of) {
    if (!system::has_interface(interface)) facts.missing_uplinks.push_back(interface);
  }
  facts.missing_features = missing_features(facts);
  facts.automatic_helpers = system::attaches_sip_helper();
  facts.counts_flows = system::counts_flows();
  facts.legacy_iptables = system::has_legacy_iptables();
  gather_interfaces(facts);
  gather_forwarding(facts);
  return facts;
} catch (const system::KernelError& error) {
  return tl::unexpected(std::string(error.what()));
}

}  // namespace dpinholer::doctor
