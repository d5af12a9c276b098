// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dpinholer::negotiation {

/// Why a pinhole opened, changed or closed, or was refused. The names are those of the JSON interface.
enum class Cause : std::uint8_t {
  // open (and bind)
  offer,
  answer,
  candidate,  ///< trickle ICE (RFC 8840)
  recovered,  ///< found in the kernel by a starting daemon
  // close
  bye,
  rejected,         ///< 3xx to 6xx
  cancelled,        ///< 3xx to 6xx, or nothing for 64*T1, after a CANCEL
  replaced,         ///< a newer answer does without it
  held,             ///< a party asked for no media (RFC 3264 section 8.4)
  expired,          ///< the kernel let the element go by itself
  session_expired,  ///< Session-Expires (RFC 4028) or the longest call allowed
  idle,             ///< the whole call was silent
  early_timeout,    ///< no final response, or no answer
  fork,             ///< another fork of the INVITE was answered
  requested,        ///< the operator closed the call
  shutdown,
  // refuse (calls.md section 5)
  other_side,
  networks,
  tcp_off,
  port_policy,
  address,
  ambiguous,
  limit,
  no_request,
};

inline constexpr std::size_t causes = static_cast<std::size_t>(Cause::no_request) + 1;

/// "early-timeout".
std::string_view name(Cause cause);

}  // namespace dpinholer::negotiation
