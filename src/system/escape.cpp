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

}  // namespace dpinholer::system
