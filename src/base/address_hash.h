// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "base/address.h"
#include "base/hash.h"

namespace dpinholer::base {

/// For hash tables of addresses that strangers choose.
struct AddressHash {
  HashKey hash_key;
  std::size_t operator()(const Address& address) const { return keyed_hash(hash_key, address.bytes()); }
};

}  // namespace dpinholer::base
