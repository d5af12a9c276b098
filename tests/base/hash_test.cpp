// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace dpinholer::base {
namespace {

// The vector of appendix A of "SipHash: a fast short-input PRF" (Aumasson, Bernstein).
TEST(KeyedHash, IsSipHash24) {
  HashKey key{};
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  std::vector<std::uint8_t> input(15);
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  EXPECT_EQ(keyed_hash(key, input), 0xa129ca6149be45e5U);
}

}  // namespace
}  // namespace dpinholer::base
