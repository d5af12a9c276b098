// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/speakers.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace dpinholer::pinhole {
namespace {

using base::Interface;

base::Address host(std::uint32_t number) {
  return base::Address::v4({10, static_cast<std::uint8_t>(number >> 16),
                            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

TEST(Speakers, RememberTheLastWaysAndWhatTheirMessagesMayAskFor) {
  Speakers speakers(10, 10, {});
  EXPECT_EQ(speakers.find(host(1)), nullptr);
  for (std::uint32_t way : {2, 3, 4, 5, 6, 4}) speakers.heard(host(1), Interface{way}, 7);
  const Speakers::Speaker* speaker = speakers.find(host(1));
  ASSERT_NE(speaker, nullptr);
  EXPECT_EQ(speaker->arrivals, (std::array{Interface{4}, Interface{6}, Interface{5}, Interface{3}}));
  EXPECT_EQ(speaker->credit, 42U);
}

TEST(Speakers, SaveUpNoMoreThanTheBound) {
  Speakers speakers(10, 10, {});
  for (int i = 0; i < 3; ++i) speakers.heard(host(1), Interface{2}, base::limits::pinholes_per_speaker);
  EXPECT_EQ(speakers.find(host(1))->credit, base::limits::pinholes_per_speaker);
}

// Attack A6, by spoofed sources.
TEST(Speakers, AFloodOfSourcesTakesBoundedRoomAndForgetsNobodyWhoIsAskedFor) {
  constexpr std::size_t generation = 100;
  Speakers speakers(generation, generation, {});
  speakers.heard(host(0), Interface{2}, 1);
  for (std::uint32_t i = 1; i < 10'000; ++i) {
    speakers.heard(host(i), Interface{3}, 1);
    if (i % generation == 0) {
      EXPECT_NE(speakers.find(host(0)), nullptr);
    }
    ASSERT_LE(speakers.size(), 2 * generation);
  }
  EXPECT_EQ(speakers.find(host(0))->arrivals.front(), Interface{2});
  EXPECT_EQ(speakers.find(host(1)), nullptr);
  EXPECT_NE(speakers.find(host(9'950)), nullptr);
}

TEST(Speakers, A29_PartiesOutlastAFloodOfSources) {
  Speakers speakers(100, 10, {});
  speakers.heard(host(1), Interface{2}, 5);
  speakers.keep(host(1));
  speakers.keep(host(2));  // never heard
  for (std::uint32_t i = 1000; i < 10'000; ++i) speakers.heard(host(i), Interface{3}, 1);
  ASSERT_NE(speakers.find(host(1)), nullptr);
  EXPECT_EQ(speakers.find(host(1))->credit, 5U);
  EXPECT_EQ(speakers.find(host(2)), nullptr);
  speakers.heard(host(1), Interface{4}, 2);
  EXPECT_EQ(speakers.find(host(1))->credit, 7U);
  EXPECT_EQ(speakers.find(host(1))->arrivals.front(), Interface{4});
  EXPECT_LE(speakers.size(), 220U);
  for (std::uint32_t i = 9'900; i < 10'000; ++i) speakers.keep(host(i));
  EXPECT_EQ(speakers.find(host(1)), nullptr) << "parties are bounded too";
}

}  // namespace
}  // namespace dpinholer::pinhole
