// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/key_hash.h"

#include <algorithm>
#include <array>

namespace dpinholer::pinhole {

std::size_t KeyHash::operator()(const Key& key) const {
  std::array<std::uint8_t, 20> octets{};
  const base::Bytes address = key.destination.address.bytes();
  std::copy(address.begin(), address.end(), octets.begin());
  octets[16] = static_cast<std::uint8_t>(key.destination.port >> 8);
  octets[17] = static_cast<std::uint8_t>(key.destination.port & 0xff);
  octets[18] = static_cast<std::uint8_t>(key.protocol);
  octets[19] = static_cast<std::uint8_t>(key.destination.address.family());
  return base::keyed_hash(hash_key, octets);
}

}  // namespace dpinholer::pinhole
