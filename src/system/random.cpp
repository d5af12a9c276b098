// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/random.h"

#include <sodium/core.h>
#include <sodium/randombytes.h>

#include <stdexcept>

namespace dpinholer::system {

base::HashKey draw_hash_key() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium can't be used: no random numbers");
  base::HashKey key;
  randombytes_buf(key.data(), key.size());
  return key;
}

}  // namespace dpinholer::system
