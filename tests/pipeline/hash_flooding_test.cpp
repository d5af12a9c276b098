// SPDX-License-Identifier: GPL-2.0-or-later
// Attack A22: Call-IDs that all have one hash for who does not know the key. Without a key each would be
// compared with all before it.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <set>

#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

// std::hash of libstdc++, MurmurHash64A, takes 8 octets at a time into its state; each step can be undone.
constexpr std::uint64_t factor = 0xc6a4a7935bd1e995;
constexpr std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}
constexpr std::uint64_t inverse = inverse_of(factor);
static_assert(factor * inverse == 1);

using Block = std::array<char, 8>;

std::uint64_t step(std::uint64_t state, const Block& block) {
  std::uint64_t value = 0;
  std::memcpy(&value, block.data(), block.size());
  value *= factor;
  return (state ^ ((value ^ (value >> 47)) * factor)) * factor;
}
Block block_between(std::uint64_t state, std::uint64_t next) {
  std::uint64_t value = (next * inverse ^ state) * inverse;
  value = (value ^ (value >> 47)) * inverse;
  Block block{};
  std::memcpy(block.data(), &value, block.size());
  return block;
}

bool fits_a_call_id(const Block& block) {
  for (const char c : block) {
    if (c <= ' ' || c > '~' || std::strchr("@<>\"\\()[]{},;:/?", c) != nullptr) return false;
  }
  return true;
}

// 2^doublings texts of one length: in each part the one or the other of two pieces that lead to the same
// state.
std::vector<std::string> colliding_texts(int doublings, std::mt19937_64& random) {
  const auto letters = [&random] {
    Block block{};
    for (char& c : block) c = static_cast<char>('a' + random() % 26);
    return block;
  };
  const auto length = static_cast<std::uint64_t>(doublings) * 2 * sizeof(Block);
  std::uint64_t state = 0xc70f6907 ^ (length * factor);
  std::vector<std::string> texts{""};
  while (doublings-- > 0) {
    const Block first = letters();
    const Block second = letters();
    const std::uint64_t next = step(step(state, first), second);
    Block other{};
    Block end{};
    do {
      other = letters();
      end = block_between(step(state, other), next);
    } while (other == first || !fits_a_call_id(end));
    std::vector<std::string> longer;
    for (const auto& text : texts) {
      longer.push_back(text + std::string(first.data(), 8) + std::string(second.data(), 8));
      longer.push_back(text + std::string(other.data(), 8) + std::string(end.data(), 8));
    }
    texts = std::move(longer);
    state = next;
  }
  return texts;
}

// Seconds of processor time that calls with these Call-IDs take.
double cost(const std::vector<std::string>& call_ids) {
  Scenario s;
  const std::clock_t begin = std::clock();
  for (const auto& call_id : call_ids)
    s.send({"198.51.100.66"}, {"192.0.2.10"}, {.start = "INVITE", .call_id = call_id});
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(HashFlooding, A22_CallIdsThatCollideForOthersCostNoMore) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto colliding = colliding_texts(13, random);
  ASSERT_EQ(std::set<std::string>(colliding.begin(), colliding.end()).size(), 8192U);
  std::vector<std::string> others;
  for (const auto& text : colliding) {
    ASSERT_EQ(std::hash<std::string>{}(text), std::hash<std::string>{}(colliding.front()));
    std::string other = text;
    for (char& c : other) c = static_cast<char>('a' + random() % 26);
    others.push_back(std::move(other));
  }
  // It is four times as much with std::hash. Not what another program beside this one makes of it.
  double ratio = 100;
  for (int attempt = 0; attempt < 5 && ratio > 2; ++attempt) ratio = cost(colliding) / cost(others);
  EXPECT_LT(ratio, 2);

  Scenario s;
  for (const auto& call_id : colliding)
    s.send({"198.51.100.66"}, {"192.0.2.10"}, {.start = "INVITE", .call_id = call_id});
  EXPECT_EQ(s.send({"192.0.2.10"}, {"203.0.113.5"},
                   {.start = "INVITE", .body = sdp({"192.0.2.10|image 30000 udptl t38"})}),
            "open 192.0.2.10:30000 any image data 180 offer\n");
}

}  // namespace
}  // namespace dpinholer::test
