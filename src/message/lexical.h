// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

/// The few lexical rules that SIP and SDP share. All of them work on octets, never on the locale.
namespace dpinholer::message {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}
/// A printing ASCII character, not a blank.
constexpr bool is_visible(char c) {
  return c > ' ' && c < '\x7f';
}
/// WSP of RFC 5234.
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// RFC 3261 section 25.1: token.
constexpr bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
  });
}

constexpr bool equal_ignoring_case(std::string_view one, std::string_view other) {
  return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(),
                                                  [](char a, char b) { return lower(a) == lower(b); });
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// Without the blanks and line ends at both ends.
constexpr std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

/// 1*DIGIT, whatever zeros lead; a number too large for 64 bits becomes the largest that is not.
constexpr std::optional<std::uint64_t> read_number(std::string_view text) {
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    number = number > (largest - digit) / 10 ? largest : number * 10 + digit;
  }
  return number;
}

/// As read_number; nothing when it is more than 32 bits hold.
constexpr std::optional<std::uint32_t> read_u32(std::string_view text) {
  const auto number = read_number(text);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// Takes the first line off `text`; its line end, CRLF or LF, is not part of it. The last line may lack one.
constexpr std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Takes the first word off `text`, with the spaces before it; empty when there is none.
constexpr std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace dpinholer::message
