// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace dpinholer::base {
namespace {

// The vector of appendix A of "SipHash: a fast short-input PRF" (Aumasson, Bernstein).
TEST(KeyedHash, A22_IsSipHash24) {
  HashKey key{};
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  std::vector<std::uint8_t> input(15);
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  EXPECT_EQ(keyed_hash(key, input), 0xa129ca6149be45e5U);
}

// Computed with another implementation of SipHash-2-4, checked with its authors' test vector.
TEST(StableHash, NeverChanges) {
  EXPECT_EQ(stable_hash(""), 0x1e924b9d737700d7U);
  EXPECT_EQ(stable_hash("a84b4c76e66710@pc33.atlanta.example.com"), 0x054e3cc5786a78b2U);
  EXPECT_EQ(stable_hash(std::string(512, 'x')), 0x0040a818a42da35dU);
}

}  // namespace
}  // namespace dpinholer::base
