// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace dpinholer::base {

/// A network interface of this host, by its index.
enum class Interface : std::uint32_t {
  unknown = 0,
  host = 1,  ///< the loopback, whose index this is on every host: what the host itself sends and receives
};

}  // namespace dpinholer::base
