// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace dpinholer::base {

/// Secret of the tables that strangers choose the keys of: without it they can't choose keys that collide.
/// Drawn at random by the daemon; fixed in replay and tests, where the order of a table is never seen.
using HashKey = std::array<std::uint8_t, 16>;

/// SipHash-2-4.
std::uint64_t keyed_hash(const HashKey& key, Bytes octets);

/// The same in every run and every version: a later daemon knows a Call-ID again by it. Everybody can make
/// texts that collide.
std::uint64_t stable_hash(std::string_view text);

}  // namespace dpinholer::base
