// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

namespace dpinholer::live {

/// A network namespace of its own, gone with this object. Its loopback interface is up.
class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  /// Runs `work` with this thread inside; sockets made there stay there.
  void inside(const std::function<void()>& work) const;
  /// Runs a shell command inside; a test failure with its output unless it succeeds. Returns what it printed.
  std::string run(const std::string& command) const;
  /// For `ip link ... netns PATH`.
  std::string path() const;

 private:
  int fd_ = -1;
};

/// The sets of nft/dpinholer.nft, for `nft -f`, in table `table`.
std::string sets_ruleset(const std::string& table = "inet filter");
void load(const Namespace& where, const std::string& ruleset);

/// Polls until `condition` holds; false when the deadline passed first.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = std::chrono::milliseconds{5000});

/// Skips, saying why, unless the test may make namespaces.
class LiveTest : public testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace dpinholer::live
