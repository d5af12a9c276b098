// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/config_values.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace dpinholer::system {

using pinhole::PortRange;

std::optional<PortRange> parse_media_ports(std::string_view text) {
  const auto range = parse_range<PortRange>(text);
  if (!range || range->first < 1024) return std::nullopt;
  return range;
}

std::optional<std::string> parse_interface(std::string_view text) {
  if (text.empty() || text.size() > 15 || text == "." || text == "..") return std::nullopt;
  const bool ok =
      std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '/' && c != ':'; });
  return ok ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> parse_interface_beside_networks(std::string_view text) {
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return std::nullopt;
  return parse_interface(text);
}

std::optional<std::string> parse_sign(std::string_view text) {
  if (text.empty() || text.size() > base::limits::offence_text) return std::nullopt;
  return std::string(text);
}

std::optional<TableName> parse_table(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const TableName table{std::string(text.substr(0, blank)), std::string(text.substr(blank + 1))};
  constexpr std::array<std::string_view, 3> families{"inet", "ip", "ip6"};
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto is_name_char = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') ||
           std::string_view("/\\_.-").find(c) != std::string_view::npos;
  };
  if (std::ranges::find(families, table.family) == families.end()) return std::nullopt;
  if (table.name.empty() || table.name.size() > 255) return std::nullopt;
  if (!is_letter(table.name[0]) && table.name[0] != '_') return std::nullopt;
  if (!std::ranges::all_of(table.name, is_name_char)) return std::nullopt;
  return table;
}

std::optional<std::optional<base::Endpoint>> parse_listen(std::string_view text) {
  if (text.empty()) return std::optional<base::Endpoint>();
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = base::Address::parse(host);
  const auto port = parse_port_range(text.substr(colon + 1));
  if (!address || !port || port->first != port->last) return std::nullopt;
  if (brackets != (address->family() == base::Family::ipv6)) return std::nullopt;
  return base::Endpoint{*address, port->first};
}

std::optional<base::Endpoint> parse_listen_address(std::string_view text) {
  return parse_listen(text).value_or(std::nullopt);
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const auto range = parse_range<PortRange>(text);
  if (!range || range->first == 0) return std::nullopt;
  return range;
}

std::optional<std::vector<PortRange>> parse_port_list(std::string_view text) {
  std::vector<PortRange> ranges;
  for (;;) {
    const auto comma = text.find(',');
    const auto range = parse_port_range(text.substr(0, comma));
    if (!range) return std::nullopt;
    ranges.push_back(*range);
    if (comma == std::string_view::npos) return ranges;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace dpinholer::system
