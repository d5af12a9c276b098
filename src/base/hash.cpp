// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hash.h"

#include <sodium/crypto_shorthash.h>

#include <cstring>

namespace dpinholer::base {

static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<HashKey>);
static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t));

std::uint64_t keyed_hash(const HashKey& key, Bytes octets) {
  std::array<unsigned char, crypto_shorthash_BYTES> digest{};
  crypto_shorthash(digest.data(), octets.data(), octets.size(), key.data());
  // libsodium writes the digest in little endian; read it so, that a stored hash means the same everywhere.
  std::uint64_t value = 0;
  for (std::size_t i = digest.size(); i-- > 0;) value = value << 8 | digest[i];
  return value;
}

std::uint64_t stable_hash(std::string_view text) {
  return keyed_hash({}, as_bytes(text));
}

}  // namespace dpinholer::base
