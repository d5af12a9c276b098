// SPDX-License-Identifier: GPL-2.0-or-later
// Attack A24: addresses and places that a call's parties were refused, and the bound on remembering them.
#include "negotiation/refused.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace dpinholer::negotiation {
namespace {

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

TEST(Refused, A24_IsKeptForEachParty) {
  Refused refused;
  refused.add("a", address("192.0.2.99"));
  refused.add("b", base::Endpoint{address("192.0.2.98"), 9100});
  EXPECT_TRUE(refused.has("a", address("192.0.2.99")));
  EXPECT_FALSE(refused.has("b", address("192.0.2.99")));
  EXPECT_FALSE(refused.has("", address("192.0.2.99")));
  EXPECT_TRUE(refused.has("b", base::Endpoint{address("192.0.2.98"), 9100}));
  EXPECT_FALSE(refused.has("b", base::Endpoint{address("192.0.2.98"), 9101}));
  EXPECT_FALSE(refused.has("b", address("192.0.2.98"))) << "other ports of it are not refused";
  EXPECT_FALSE(refused.overflowed());
}

TEST(Refused, A24_HasABoundAndTellsWhenItIsReached) {
  Refused refused;
  for (std::size_t twice = 0; twice < 2; ++twice) {
    for (std::size_t i = 0; i < base::limits::refused_per_call; ++i)
      refused.add(i % 2 == 0 ? "a" : "b",
                  base::Endpoint{address("192.0.2.99"), static_cast<std::uint16_t>(i)});
  }
  EXPECT_FALSE(refused.overflowed()) << "the same again takes no room";
  refused.add("c", address("192.0.2.99"));
  EXPECT_TRUE(refused.overflowed());
  EXPECT_FALSE(refused.has("c", address("192.0.2.99")));
  EXPECT_TRUE(refused.has("a", base::Endpoint{address("192.0.2.99"), 0}));
}

}  // namespace
}  // namespace dpinholer::negotiation
