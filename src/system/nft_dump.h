// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

struct nlmsghdr;

namespace dpinholer::system {

/// Calls `visit` for all rules or flowtables of this network namespace (NFT_MSG_GETRULE, ...), of all tables;
/// as many as the kernel tells.
void dump_nft(std::uint16_t type, const std::function<void(const nlmsghdr&)>& visit);

/// The family of a table by its number, as nft names it: "inet", "ip", "ip6"; nothing for others.
std::optional<std::string> family_name(std::uint32_t number);

}  // namespace dpinholer::system
