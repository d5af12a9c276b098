// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/escape.h"

#include <cstdint>

namespace dpinholer::system {

std::string escape(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      escaped += {'\\', 'x', digits[octet >> 4], digits[octet & 15]};
    }
  }
  return escaped;
}

std::optional<std::string> unescape(std::string_view text) {
  auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      octets += text[i];
    } else if (text.substr(i + 1, 1) == "\\") {
      octets += text[++i];
    } else if (text.substr(i + 1, 1) == "x" && i + 3 < text.size() && is_digit(text[i + 2]) &&
               is_digit(text[i + 3])) {
      octets += static_cast<char>(digit(text[i + 2]) << 4 | digit(text[i + 3]));
      i += 3;
    } else {
      return std::nullopt;
    }
  }
  return octets;
}

}  // namespace dpinholer::system
