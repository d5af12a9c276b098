// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/random.h"

#include <sodium/core.h>
#include <sodium/randombytes.h>

#include "system/error.h"

namespace dpinholer::system {

base::HashKey draw_hash_key() {
  if (sodium_init() < 0) throw KernelError("libsodium finds no random numbers; is there a /dev/urandom?");
  base::HashKey key;
  randombytes_buf(key.data(), key.size());
  return key;
}

}  // namespace dpinholer::system
