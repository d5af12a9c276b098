// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "system/queue.h"

namespace dpinholer::system {
namespace {

TEST(QueueStatusTest, ReadsTheColumnsOfTheKernel) {
  const auto queues = parse_queue_status(
      "    0   4242     3 2 65531     7     5      812  1\n"
      "65535 2885681153     0 2 65531     0     0        0  1\n");
  ASSERT_EQ(queues.size(), 2U);
  EXPECT_EQ(queues[0].number, 0);
  EXPECT_EQ(queues[0].reader, 4242U);
  EXPECT_EQ(queues[0].waiting, 3U);
  EXPECT_EQ(queues[0].full, 7U);
  EXPECT_EQ(queues[0].undelivered, 5U);
  EXPECT_EQ(queues[1].number, 65535);
  EXPECT_EQ(queues[1].reader, 2885681153U);
}

TEST(QueueStatusTest, LeavesOutWhatItCantRead) {
  EXPECT_TRUE(parse_queue_status("").empty());
  EXPECT_TRUE(parse_queue_status("\n0 1 2 3\nx 1 2 3 4 5 6 7 1\n65536 1 2 3 4 5 6 7 1\n0 1 2 3 4 -5 6 7 1\n")
                  .empty());
}

TEST(QueueBufferTest, HasRoomForEveryLengthThatMayBeAskedFor) {
  constexpr std::int64_t doubled_by_the_kernel = 2;
  for (const std::uint32_t length : {1U, 4096U, 466'033U, 466'034U, longest_queue}) {
    const std::int64_t buffer = doubled_by_the_kernel * queue_buffer(length);
    EXPECT_GT(buffer, 0) << length;
    EXPECT_LE(buffer, std::numeric_limits<int>::max()) << length;
    EXPECT_GE(packets_in(static_cast<int>(buffer)), length);
  }
  EXPECT_GT(queue_buffer(std::numeric_limits<std::uint32_t>::max()), 0);
  EXPECT_EQ(packets_in(-1), 0U);
}

}  // namespace
}  // namespace dpinholer::system
