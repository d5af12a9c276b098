// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/field_values.h"

#include "base/limits.h"
#include "message/lexical.h"

// from-spec      = (name-addr / addr-spec) *(";" parameter)
// name-addr      = [display-name] "<" uri ">"        display-name = quoted-string / *(octets but " ; <)
// via-parm       = "SIP" "/" "2.0" "/" transport LWS sent-by *(";" parameter)
// parameter      = token ["=" (quoted-string / 1*(visible but " , ; < >))]      LWS around = and ;
// quoted-string  = DQUOTE *(octet but " \ / "\" octet) DQUOTE
//
// Wider than RFC 3261 section 25.1 in display names and parameter values, of which many are seen that the
// grammar forbids and every endpoint accepts; so are "name=" and a semicolon at the end.

namespace dpinholer::message {

namespace {

constexpr std::uint64_t largest_cseq = 0x7fffffff;
constexpr std::uint64_t largest_delta_seconds = 0xffffffff;
constexpr auto npos = std::string_view::npos;

// Past the quoted string that begins at `at`; npos when it does not end.
std::size_t skip_quoted(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return npos;
}

// The first of `set` at or after `at` that is not in a quoted string; the end when there is none.
// npos when a quoted string does not end.
template <char... set>
std::size_t find_unquoted(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && !is_one_of<set...>(text[at])) {
    at = text[at] == '"' ? skip_quoted(text, at) : at + 1;
  }
  return at > text.size() ? npos : at;
}

std::string_view take_trimmed(std::string_view& text, std::size_t length) {
  const std::string_view taken = trim(text.substr(0, length));
  text.remove_prefix(std::min(length, text.size()));
  return taken;
}

bool is_parameter_value(std::string_view value) {
  if (value.starts_with('"')) return skip_quoted(value, 0) == value.size();
  for (char c : value) {
    if (!is_visible(c) || is_one_of<'"', ',', ';', '<', '>'>(c)) return false;
  }
  return !value.empty();
}

}  // namespace

std::optional<CSeq> read_cseq(std::string_view value) {
  const auto digits = value.substr(0, find_one_of<' ', '\t'>(value));
  const auto number = read_number(digits);
  const std::string_view method = trim(value.substr(digits.size()));
  if (!number || *number > largest_cseq || !is_token(method)) return std::nullopt;
  return CSeq{static_cast<std::uint32_t>(*number), method};
}

bool is_call_id(std::string_view value) {
  return !value.empty() && value.size() <= base::limits::call_id_length && is_visible_text(value);
}

std::optional<std::string_view> address_parameters(std::string_view value) {
  const auto end = find_unquoted<'<', ';'>(value);
  if (end == npos) return std::nullopt;
  if (end == value.size() || value[end] == ';') {
    const std::string_view uri = trim(value.substr(0, end));
    const std::string_view parameters = value.substr(end);
    if (uri.empty() || uri.front() == '"' || find_unquoted<'<', '>'>(parameters) != parameters.size())
      return std::nullopt;
    return parameters;
  }
  const auto uri_end = value.find('>', end);
  if (uri_end == npos || uri_end == end + 1) return std::nullopt;
  const std::string_view parameters = trim(value.substr(uri_end + 1));
  if (!parameters.empty() && parameters.front() != ';') return std::nullopt;
  return parameters;
}

std::string_view first_of_list(std::string_view value) {
  return trim(value.substr(0, find_unquoted<','>(value)));
}

std::optional<std::string_view> via_parameters(std::string_view value) {
  if (!equal_ignoring_case(take_trimmed(value, value.find('/')), "SIP") || value.empty()) return std::nullopt;
  value.remove_prefix(1);
  if (take_trimmed(value, value.find('/')) != "2.0" || value.empty()) return std::nullopt;
  value = trim(value.substr(1));
  if (!is_token(take_trimmed(value, find_one_of<' ', '\t'>(value)))) return std::nullopt;
  const auto sent_by = take_trimmed(value, value.find(';'));
  if (sent_by.empty()) return std::nullopt;
  return value;
}

std::optional<Parameter> find_parameter(std::string_view parameters, std::string_view name) {
  Parameter found;
  bool seen = false;
  while (!parameters.empty()) {
    parameters.remove_prefix(1);          // the semicolon
    if (trim(parameters).empty()) break;  // one at the end is overlooked
    const auto end = find_unquoted<';'>(parameters);
    if (end == npos) return std::nullopt;
    std::string_view rest = parameters.substr(0, end);
    parameters.remove_prefix(end);
    const bool has_value = rest.find('=') != npos;
    const std::string_view its_name = take_trimmed(rest, rest.find('='));
    const std::string_view value = has_value ? trim(rest.substr(1)) : rest;
    if (!is_token(its_name) || (!value.empty() && !is_parameter_value(value))) return std::nullopt;
    if (!equal_ignoring_case(its_name, name)) continue;
    if (!seen) found.value = value;
    found.repeated = seen;
    seen = true;
  }
  return found;
}

std::optional<std::uint32_t> read_delta_seconds(std::string_view value) {
  const auto number = read_number(trim(value.substr(0, value.find(';'))));
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(std::min(*number, largest_delta_seconds));
}

bool list_contains(std::string_view value, std::string_view token) {
  while (!value.empty()) {
    const std::string_view one = take_trimmed(value, value.find(','));
    if (equal_ignoring_case(one, token)) return true;
    value.remove_prefix(std::min<std::size_t>(1, value.size()));
  }
  return false;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (std::size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '\\' && at + 2 < text.size()) ++at;
    plain += text[at];
  }
  return plain;
}

}  // namespace dpinholer::message
