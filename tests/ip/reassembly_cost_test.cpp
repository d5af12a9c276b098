// SPDX-License-Identifier: GPL-2.0-or-later
// The memory of fragments (attack A28): they are charged for all that they take, however small.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "base/limits.h"
#include "ip/reassembly.h"

namespace dpinholer::ip {
namespace {

TEST(Reassembly, A28_FragmentsAreChargedWhatTheyCost) {
  const std::size_t before = mallinfo2().uordblks;
  const std::string probe(100000, 'x');
  if (mallinfo2().uordblks < before + probe.size()) GTEST_SKIP() << "a sanitizer has its own allocator";
  // Fragments of 8 octets, all in one datagram or each in its own; of 1,480; and of a datagram that is given
  // up.
  struct Flood {
    std::size_t octets;
    std::uint32_t in_one;
    bool overlap;
  };
  for (const Flood& flood : {Flood{8, 8000, false}, {8, 1, false}, {1480, 40, false}, {8, 2, true}}) {
    const std::size_t empty = mallinfo2().uordblks;
    Reassembly reassembly;
    const std::string octets(flood.octets, 'x');
    for (std::uint32_t i = 0; i < 20000; ++i) {
      const std::uint32_t offset =
          flood.overlap ? 8 : static_cast<std::uint32_t>(flood.octets) * (i % flood.in_one + 1);
      const std::string other = flood.overlap && i % 2 == 1 ? std::string(flood.octets, 'y') : octets;
      reassembly.add({.source = *base::Address::parse("2001:db8::1"),
                      .destination = *base::Address::parse("2001:db8::2"),
                      .protocol = 17,
                      .fragment = Fragment{i / flood.in_one, offset, true},
                      .payload = base::as_bytes(other),
                      .truncated = false},
                     base::TimePoint{});
      ASSERT_LE(reassembly.memory(), base::limits::reassembly_octets);
    }
    const std::size_t held = mallinfo2().uordblks - empty;
    EXPECT_LE(held, reassembly.memory() + 4096) << flood.octets << " in " << flood.in_one;
  }
}

}  // namespace
}  // namespace dpinholer::ip
