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

/// Whether `c` is one of `set`; unlike string_view's own members it compiles to a few comparisons.
template <char... set>
constexpr bool is_one_of(char c) {
  return ((c == set) || ...);
}

/// The first octet of `set` at or after `at`; the end when there is none.
template <char... set>
constexpr std::size_t find_one_of(std::string_view text, std::size_t at = 0) {
  while (at < text.size() && !is_one_of<set...>(text[at])) ++at;
  return at;
}

constexpr bool is_visible_text(std::string_view text) {
  for (char c : text) {
    if (!is_visible(c)) return false;
  }
  return true;
}

/// RFC 3261 section 25.1: token.
constexpr bool is_token(std::string_view text) {
  for (char c : text) {
    if (!is_alpha(c) && !is_digit(c) && !is_one_of<'-', '.', '!', '%', '*', '_', '+', '`', '\'', '~'>(c))
      return false;
  }
  return !text.empty();
}

constexpr bool equal_ignoring_case(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (lower(one[i]) != lower(other[i])) return false;
  }
  return true;
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// Without the blanks and line ends at both ends.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_one_of<' ', '\t', '\r', '\n'>(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_one_of<' ', '\t', '\r', '\n'>(text.back())) text.remove_suffix(1);
  return text;
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
  while (text.starts_with(' ')) text.remove_prefix(1);
  const std::string_view word = text.substr(0, find_one_of<' '>(text));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace dpinholer::message
