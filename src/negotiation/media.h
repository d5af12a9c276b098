// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dpinholer::negotiation {

/// What arrives at a transport address. `data` is everything that is not RTP (T.38, MSRP, BFCP, SCTP, ...).
enum class Component : std::uint8_t { rtp, rtcp, data };

/// "rtp".
std::string_view name(Component component);

}  // namespace dpinholer::negotiation
