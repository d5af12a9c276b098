// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dpinholer::test {

/// Octets written as in a hex dump: pairs of hexadecimal digits, blanks anywhere between them.
inline std::vector<std::uint8_t> hex(std::string_view text) {
  std::vector<std::uint8_t> octets;
  std::string pair;
  for (char digit : text) {
    if (digit == ' ' || digit == '\n') continue;
    pair += digit;
    if (pair.size() < 2) continue;
    std::size_t read = 0;
    octets.push_back(static_cast<std::uint8_t>(std::stoul(pair, &read, 16)));
    if (read != 2) throw std::invalid_argument("not hexadecimal: " + pair);
    pair.clear();
  }
  if (!pair.empty()) throw std::invalid_argument("half an octet");
  return octets;
}

}  // namespace dpinholer::test
