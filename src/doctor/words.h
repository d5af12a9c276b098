// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "doctor/facts.h"
#include "system/nft_sets.h"

namespace dpinholer::doctor {

inline constexpr const char* media_chain = "sip_media";

/// "chain forward of table inet filter"
inline std::string describe(const system::Chain& chain) {
  return "chain " + chain.name + " of table " + system::to_string(chain.table);
}

/// "`ct state established accept` (handle 12)"
inline std::string describe(const system::Rule& rule) {
  const std::string handle = "handle " + std::to_string(rule.handle);
  return rule.text.empty() ? "(" + handle + ")" : "`" + rule.text + "` (" + handle + ")";
}

/// "0" or "0-3"
inline std::string to_string(const system::QueueRange& range) {
  const std::string first = std::to_string(range.first);
  return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

/// "inet filter forward", for commands
inline std::string address_of(const system::Chain& chain) {
  return system::to_string(chain.table) + " " + chain.name;
}

/// The hooks that media takes.
inline std::vector<std::string> media_hooks(const system::Config& config) {
  if (config.policy.local) return {"input", "output"};
  return {"forward"};
}

}  // namespace dpinholer::doctor
