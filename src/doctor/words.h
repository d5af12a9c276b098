// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// "0x01000000"
std::string to_hexadecimal(std::uint32_t mark);

/// "5060" or "{ 5060, 5080 }", for rules
std::string to_set(const std::vector<std::uint16_t>& ports);

/// "16384-32767"
inline std::string to_string(const pinhole::PortRange& range) {
  return std::to_string(range.first) + "-" + std::to_string(range.last);
}

/// An argument of a shell: 'add rule ...'
std::string shell_word(const std::string& argument);
/// The same, in quotes only where a shell would not take it as it is: eth0, 'a b'
std::string plain_shell_word(const std::string& argument);

}  // namespace dpinholer::doctor
