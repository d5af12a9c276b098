// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/address.h"
#include "pinhole/policy_settings.h"
#include "system/config.h"

/// What texts in the configuration file mean; nothing when it is not right. Others stand in config.h.
namespace dpinholer::system {

/// "a" or "a-b", not backwards.
template <typename Range>
std::optional<Range> parse_range(std::string_view text) {
  Range range{};
  auto read = [](std::string_view number, std::uint16_t& target) {
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), target);
    return error == std::errc{} && end == number.data() + number.size();
  };
  const auto dash = text.find('-');
  if (!read(text.substr(0, dash), range.first)) return std::nullopt;
  range.last = range.first;
  if (dash != std::string_view::npos && !read(text.substr(dash + 1), range.last)) return std::nullopt;
  return range.first <= range.last ? std::optional(range) : std::nullopt;
}

std::optional<pinhole::PortRange> parse_media_ports(std::string_view text);

/// A name of a network interface, as the kernel takes it (dev_valid_name).
std::optional<std::string> parse_interface(std::string_view text);

/// The same, where networks may stand, too: what has only digits and dots is a mistyped address.
std::optional<std::string> parse_interface_beside_networks(std::string_view text);

/// A part of a header field, to be looked for.
std::optional<std::string> parse_sign(std::string_view text);

/// Family and name, as nft's own grammar has it.
std::optional<TableName> parse_table(std::string_view text);

/// "" is right, and means no endpoint.
std::optional<std::optional<base::Endpoint>> parse_listen(std::string_view text);

}  // namespace dpinholer::system
