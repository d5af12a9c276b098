// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/address.h"

/// What may be asked over the control socket, one line of JSON each (RFC 8259):
///
///   {"command": "status"}
///   {"command": "calls"}
///   {"command": "pinholes"}
///   {"command": "events"}                    the last ones; with "follow": true those to come too
///   {"command": "close", "call_id": "..."}
///   {"command": "unban", "address": "203.0.113.5"}
///
/// The answer is lines of JSON objects (lines.h); the last one has the key "end", and no other one has. Then
/// the next request may come. Keys that are not known are ignored.
namespace dpinholer::control {

struct Request {
  enum class Command : std::uint8_t { status, calls, pinholes, events, close, unban };
  Command command = Command::status;
  bool follow = false;  ///< events
  /// close: as messages have it, or escaped as the commands print it.
  std::string call_id = {};
  base::Address address = {};  ///< unban

  friend bool operator==(const Request&, const Request&) = default;
};

/// Reads a line of at most limits::request_length octets, without its end. The error is one line that says
/// what would be right.
tl::expected<Request, std::string> parse_request(std::string_view line);

/// The line, with its end. Octets of `call_id` that are not UTF-8 become U+FFFD.
std::string to_line(const Request& request);

}  // namespace dpinholer::control
