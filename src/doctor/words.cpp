// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/words.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace dpinholer::doctor {

std::string to_hexadecimal(std::uint32_t mark) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += digits[(mark >> shift) & 0xf];
  return text;
}

std::string to_set(const std::vector<std::uint16_t>& ports) {
  std::string list;
  for (const std::uint16_t port : ports) list += (list.empty() ? "" : ", ") + std::to_string(port);
  return ports.size() == 1 ? list : "{ " + list + " }";
}

std::string shell_word(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string plain_shell_word(const std::string& argument) {
  const bool plain = !argument.empty() && std::ranges::all_of(argument, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 ||
                        std::string_view("-_.+@:").find(static_cast<char>(c)) != std::string_view::npos);
  });
  return plain ? argument : shell_word(argument);
}

}  // namespace dpinholer::doctor
