// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/set_writer.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace dpinholer::system {
namespace {

using pinhole::ElementChange;

ElementChange add(std::uint16_t port) {
  ElementChange change;
  change.key.destination = {base::Address::parse("192.0.2.10").value(), port};
  return change;
}

// A kernel that keeps the ports of what it was given, and fails as told.
struct Kernel {
  std::vector<std::string> tries;   // the ports of each
  std::vector<CommitError> errors;  // of the tries, in order; then all is well

  Commit commit() {
    return [this](std::span<const ElementChange> changes,
                  std::vector<ElementState>*) -> tl::expected<void, CommitError> {
      std::string ports;
      for (const auto& change : changes) ports += std::to_string(change.key.destination.port) + " ";
      tries.push_back(ports);
      if (tries.size() > errors.size()) return {};
      return tl::unexpected(errors[tries.size() - 1]);
    };
  }
};

CommitError refusing(std::vector<CommitError::Refused> refused, std::size_t committed = 0) {
  return {{"nft element", refused.empty() ? ENOMEM : refused.front().code, "x"},
          committed,
          std::move(refused),
          false};
}

TEST(WriteChanges, TriesOnceWhenAllIsWell) {
  Kernel kernel;
  const Written written = write_changes(kernel.commit(), {add(1), add(2)});
  EXPECT_EQ(kernel.tries, std::vector<std::string>{"1 2 "});
  EXPECT_TRUE(written.failures.empty());
  EXPECT_EQ(written.transactions, 1U);
}

TEST(WriteChanges, DoesNothingForNothing) {
  Kernel kernel;
  EXPECT_EQ(write_changes(kernel.commit(), {}).transactions, 0U);
  EXPECT_TRUE(kernel.tries.empty());
}

TEST(WriteChanges, A7_LeavesOutWhatTheKernelRefuses) {
  Kernel kernel{{}, {refusing({{1, ENFILE}, {3, ENOENT}})}};
  const Written written = write_changes(kernel.commit(), {add(1), add(2), add(3), add(4)});
  EXPECT_EQ(kernel.tries, (std::vector<std::string>{"1 2 3 4 ", "1 3 "}));
  ASSERT_EQ(written.failures.size(), 2U);
  EXPECT_EQ(written.failures[0].change.key.destination.port, 2);
  EXPECT_EQ(written.failures[0].error.code, ENFILE);
  EXPECT_EQ(written.failures[1].change.key.destination.port, 4);
  EXPECT_EQ(written.failures[1].error.code, ENOENT);
}

TEST(WriteChanges, DoesNotRepeatWhatStandsAlready) {
  Kernel kernel{{}, {refusing({{3, ENFILE}}, 2)}};
  EXPECT_EQ(write_changes(kernel.commit(), {add(1), add(2), add(3), add(4)}).failures.size(), 1U);
  EXPECT_EQ(kernel.tries, (std::vector<std::string>{"1 2 3 4 ", "3 "}));
}

TEST(WriteChanges, A7_RepeatsWhatMayHaveBeenLost) {
  Kernel kernel{{}, {{{"nft transaction", ENOBUFS, "acknowledgement"}, 0, {}, true}}};
  EXPECT_TRUE(write_changes(kernel.commit(), {add(1)}).failures.empty());
  EXPECT_EQ(kernel.tries, (std::vector<std::string>{"1 ", "1 "}));
}

TEST(WriteChanges, A7_WaitsOnceForAKernelThatDoesNotAnswer) {
  Kernel kernel{{}, {{{"nft transaction", ETIMEDOUT, "acknowledgement"}, 0, {}, true}}};
  EXPECT_EQ(write_changes(kernel.commit(), {add(1), add(2)}).failures.size(), 2U);
  EXPECT_EQ(kernel.tries.size(), 1U);
}

TEST(WriteChanges, A7_GivesUpAfterAFewTriesAndSaysWhat) {
  Kernel kernel{{}, std::vector<CommitError>(100, refusing({}))};
  const Written written = write_changes(kernel.commit(), {add(1), add(2)});
  EXPECT_EQ(kernel.tries.size(), 4U);
  ASSERT_EQ(written.failures.size(), 2U);
  EXPECT_EQ(written.failures[1].error.code, ENOMEM);
}

TEST(WriteChanges, EndsWhenAllIsRefused) {
  Kernel kernel{{}, {refusing({{0, ENOENT}, {1, ENOENT}})}};
  EXPECT_EQ(write_changes(kernel.commit(), {add(1), add(2)}).failures.size(), 2U);
  EXPECT_EQ(kernel.tries.size(), 1U);
}

}  // namespace
}  // namespace dpinholer::system
