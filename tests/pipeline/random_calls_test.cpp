// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/random_calls.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace dpinholer::test {
namespace {

TEST(RandomCalls, WhatIsOpenIsAlwaysWhatSomeCallWants) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> octet(0, 255);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint8_t> choices(1500);
    for (auto& choice : choices) choice = static_cast<std::uint8_t>(octet(random));
    ASSERT_EQ(run_random_calls(choices), "") << "seed " << seed << ", round " << round;
  }
}

}  // namespace
}  // namespace dpinholer::test
