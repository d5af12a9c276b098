// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "base/hash.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// For hash tables of pinholes: strangers choose the keys.
struct KeyHash {
  base::HashKey hash_key;
  std::size_t operator()(const Key& key) const;
};

}  // namespace dpinholer::pinhole
