// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"

namespace dpinholer::scanners {

/// What gives a scanner away.
enum class Cause : std::uint8_t { user_agent, from, request_uri, failures };

/// "user-agent"
std::string_view name(Cause cause);

/// Somebody is to be banned.
struct Offence {
  base::Address source;
  Cause cause = Cause::user_agent;
  std::string text;  ///< what of the settings was found; of `failures`, what there were: "21/min"
  base::TimePoint time;
  /// The source that was banned for it, once it is.
  std::optional<base::Network> banned = std::nullopt;
};

}  // namespace dpinholer::scanners
