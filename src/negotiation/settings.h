// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace dpinholer::negotiation {

/// The settings that decide what a message does to a call; defaults are those of an empty configuration.
struct Settings {
  // [media]
  bool open_before_answer = true;  ///< false: media.before-answer = "closed"
  bool tcp = false;
  bool hold_narrow = false;  ///< media.hold = "narrow"

  // [timeouts]
  base::seconds early{180};
  base::seconds media_idle{300};
  base::seconds held{3600};       ///< the same, while the last agreement lets no media flow
  base::seconds grace{0};         ///< for which what a BYE closes stays bound
  base::seconds terminating{32};  ///< 64*T1 (RFC 3261 section 17)
  base::seconds max_call{43200};  ///< 0: no limit

  // [limits]
  std::size_t calls = 100000;
  std::size_t calls_per_source = 0;  ///< 0: no limit
  std::uint8_t ipv6_prefix = 64;     ///< bits of an IPv6 address that are one source
  std::size_t pinholes_per_call = 256;

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace dpinholer::negotiation
