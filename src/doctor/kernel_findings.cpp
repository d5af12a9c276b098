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

}  // namespace dpinholer::doctor
