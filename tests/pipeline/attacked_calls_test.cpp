// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/attacked_calls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace dpinholer::test {
namespace {

// DPINHOLER_SEED takes a round again that failed.
void run(Naming naming) {
  const char* given = std::getenv("DPINHOLER_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  testing::Test::RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> octet(0, 255);
  for (int round = 0; round < 150; ++round) {
    std::vector<std::uint8_t> choices(1500);
    for (auto& choice : choices) choice = static_cast<std::uint8_t>(octet(random));
    ASSERT_EQ(run_attacked_calls(choices, naming), "") << "seed " << seed << ", round " << round;
  }
}

TEST(AttackedCalls, A30_AStrangerWhoKnowsTheTagsChangesNothing) {
  run(Naming::own_ports);
}

TEST(AttackedCalls, A30_AStrangerWhoNamesPortsOfThePartiesClosesNothing) {
  run(Naming::ports_of_the_parties);
}

}  // namespace
}  // namespace dpinholer::test
