// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/multipart.h"

#include "message/lexical.h"

// multipart  = [preamble eol] delimiter eol part *(eol delimiter eol part) eol close *WSP [eol epilogue]
// delimiter  = "--" boundary *WSP        close = "--" boundary "--" *WSP        eol = CRLF / LF

namespace dpinholer::message {

namespace {

enum class LineKind { other, delimiter, close };

LineKind read_line(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return LineKind::other;
  std::string_view rest = line.substr(2 + boundary.size());
  const bool close = rest.starts_with("--");
  if (close) rest.remove_prefix(2);
  if (!trim(rest).empty())
    return LineKind::other;  // of another multipart, whose boundary begins like this one
  return close ? LineKind::close : LineKind::delimiter;
}

}  // namespace

std::vector<std::string_view> split_multipart(std::string_view body, std::string_view boundary,
                                              std::size_t most) {
  std::vector<std::string_view> parts;
  const char* part = nullptr;
  const char* part_end = body.data();  // before the line end that belongs to the boundary
  while (!body.empty()) {
    const std::string_view line = take_line(body);
    const LineKind kind = read_line(line, boundary);
    if (kind == LineKind::other) {
      part_end = line.data() + line.size();
      continue;
    }
    if (part != nullptr && parts.size() < most) {
      parts.emplace_back(part, static_cast<std::size_t>(std::max(part, part_end) - part));
    }
    part = kind == LineKind::close ? nullptr : body.data();
    part_end = part;
    if (kind == LineKind::close || parts.size() == most) return parts;
  }
  if (part != nullptr) parts.emplace_back(part, static_cast<std::size_t>(body.data() - part));
  return parts;
}

}  // namespace dpinholer::message
