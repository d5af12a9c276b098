// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace dpinholer::scanners {

/// Where the phones and servers of most users are, and no stranger of the Internet.
std::vector<base::Network> private_networks();

/// The settings of [scanners]; defaults are those of an empty configuration, with which nobody is banned.
struct Settings {
  // Texts, one of which has to be in the value: ASCII letters in either case.
  std::vector<std::string> user_agents;
  std::vector<std::string> from;
  std::vector<std::string> request_uris;
  bool well_known = false;     ///< and those of well_known.h
  std::uint32_t failures = 0;  ///< refused requests of one source that are borne in a minute; 0: any number
  bool drop = false;           ///< a message with such a text does not pass
  base::seconds ban{3600};
  std::vector<base::Network> never = private_networks();  ///< are banned

  std::uint8_t ipv6_prefix = 64;  ///< limits.ipv6-prefix: bits that are one source

  friend bool operator==(const Settings&, const Settings&) = default;
};

bool is_spared(const base::Address& source, const Settings& settings);
/// Whether somebody in that network is spared.
bool is_spared_within(const base::Network& source, const Settings& settings);

/// Whether anybody may be banned at all.
bool is_active(const Settings& settings);

}  // namespace dpinholer::scanners
