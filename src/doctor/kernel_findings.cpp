// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel: what it lacks, and what of its own does the same work.
#include "doctor/finding.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

Findings features_missing(const Facts& facts) {
  Findings found;
  for (const MissingFeature& one : facts.missing_features) {
    found.push_back(
        {"kernel-feature", Severity::fault, "this kernel does not know " + std::string(one.name),
         "Without it " + std::string(one.why) + ".",
         "modprobe " + std::string(one.module) + "   # or a kernel that has it, as Debian's does"});
  }
  return found;
}

Findings sip_helper(const Facts& facts) {
  const std::string why =
      "The kernel's helper reads the same SIP: it opens ports of its own that are in no set, rewrites SDP "
      "where there "
      "is NAT, and drops what it can't read.";
  Findings found;
  for (const system::Chain& chain : facts.ruleset.chains) {
    for (const system::Rule& rule : chain.rules) {
      if (!rule.helper.starts_with("sip")) continue;
      found.push_back({"sip-helper", Severity::fault,
                       "in " + describe(chain) + ", rule " + describe(rule) + " attaches nf_conntrack_sip",
                       why,
                       "nft delete rule " + address_of(chain) + " handle " + std::to_string(rule.handle)});
    }
  }
  if (facts.automatic_helpers) {
    found.push_back({"sip-helper", Severity::fault,
                     "the kernel attaches nf_conntrack_sip to SIP by itself (nf_conntrack_helper is 1)", why,
                     "sysctl -w net.netfilter.nf_conntrack_helper=0"});
  }
  return found;
}

// A host that does not route may be a bridge: then it is for bridge_unseen to say.
Findings forwarding_off(const Facts& facts) {
  if (facts.config.policy.local || forwards(facts) || !facts.bridges.empty()) return {};
  return {{"forwarding-off", Severity::fault, "this host forwards neither IPv4 nor IPv6",
           "Neither SIP nor media passes between its networks.",
           "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1   # and in /etc/sysctl.d"}};
}

Findings bridge_unseen(const Facts& facts) {
  // Between the ports of a bridge beside others, as those of a LAN, calls need nothing.
  const bool bridges = !forwards(facts) || facts.interfaces.size() < 2 ||
                       facts.config.policy.same_side == pinhole::SameSide::configured;
  if (facts.config.policy.local || facts.bridges.empty() || !bridges) return {};
  if (facts.bridged_ipv4 && facts.bridged_ipv6) return {};
  const std::string sysctl =
      "sysctl -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1   # and in "
      "/etc/sysctl.d";
  const std::string family = facts.bridged_ipv4 ? " over IPv6" : facts.bridged_ipv6 ? " over IPv4" : "";
  return {{"bridge-unseen", Severity::warning,
           "packets that " + facts.bridges.front() + " passes from port to port" + family +
               " don't come to the forward hook",
           "SIP there is not queued, and media is not filtered: all of it passes as if there were no rules.",
           (facts.br_netfilter ? "" : "modprobe br_netfilter && ") + sysctl}};
}

Findings observing(const Facts& facts) {
  if (!facts.config.kernel.observe) return {};
  return {{"observing", Severity::warning, "kernel.observe is true: dpinholer writes no pinholes",
           "It reads SIP and says what it would open. Media passes only where other rules let it.",
           "observe = false   # [kernel] in " + facts.config_file}};
}

}  // namespace dpinholer::doctor
