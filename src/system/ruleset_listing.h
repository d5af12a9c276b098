// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "pinhole/policy_settings.h"
#include "system/ruleset.h"

/// Values in the listing of nftables (libnftables-json(5)). A value of another form than is expected is
/// nothing.
namespace dpinholer::system::listing {

using Json = nlohmann::json;

/// The word of a condition, about `other`, that stands for a match of iptables until it is known.
inline constexpr std::string_view xt_match = "xt";

/// The value of a key, or an empty object.
const Json& at(const Json& object, std::string_view key);

/// The text of a key, or none.
std::string text_at(const Json& object, std::string_view key);

/// "@sip_rtp4" without its @, or nothing.
std::string set_named(const Json& value);

/// A port, or a range of them.
std::optional<pinhole::PortRange> port_range(const Json& value);

/// A number of 32 bits.
std::optional<std::uint32_t> number(const Json& value);

/// The conditions that `key op value` puts to a packet: `udp dport` says udp as well, and several keys joined
/// are as many conditions.
std::vector<Condition> conditions(const Json& key, const std::string& op, const Json& value);

}  // namespace dpinholer::system::listing
