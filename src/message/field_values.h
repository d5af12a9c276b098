// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "message/framing.h"

/// Values of SIP header fields, read by hand from text that `unfold` has put on one line. Everything that
/// comes back refers to that text. Nothing comes back from a value that can't be read.
namespace dpinholer::message {

/// RFC 3261 section 20.16.
struct CSeq {
  std::uint32_t number;  ///< less than 2^31 (section 8.1.1.5)
  std::string_view method;
};
std::optional<CSeq> read_cseq(std::string_view value);

/// Whether it can be told from others: visible ASCII, at most limits::call_id_length octets.
bool is_call_id(std::string_view value);

/// Of a From or To its parameters (RFC 3261 section 20.20), beginning with their first ";" or empty. Neither
/// a display name nor a URI in <> is taken for parameters.
std::optional<std::string_view> address_parameters(std::string_view value);

/// The first value of a list: all before the first comma that is not in a quoted string (RFC 3261
/// section 7.3.1).
std::string_view first_of_list(std::string_view value);

/// Of one Via value its parameters, as above (RFC 3261 section 20.42). Only SIP/2.0 can be read.
std::optional<std::string_view> via_parameters(std::string_view value);

/// One parameter out of a list. Names are compared without regard to case (RFC 3261 section 7.3.1).
struct Parameter {
  std::string_view
      value;              ///< as written, quotes included; empty when there is no such parameter, or no value
  bool repeated = false;  ///< it is there more than once; `value` is the first
};
/// `parameters` as the two functions above return them.
std::optional<Parameter> find_parameter(std::string_view parameters, std::string_view name);

/// delta-seconds with or without parameters (RFC 4028 section 4); at most 2^32-1 (RFC 3261 section 20.19).
std::optional<std::uint32_t> read_delta_seconds(std::string_view value);

/// Whether `token` is one of a list of tokens, without regard to case.
bool list_contains(std::string_view value, std::string_view token);

/// What a quoted string stands for (RFC 3261 section 25.1); any other text as it is.
std::string unquote(std::string_view text);

}  // namespace dpinholer::message
