// SPDX-License-Identifier: GPL-2.0-or-later
#include "handover.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace dpinholer::handover {
namespace {

class Handover : public testing::Test {
 protected:
  ~Handover() override { std::filesystem::remove(file_); }
  std::filesystem::path file_ =
      std::filesystem::temp_directory_path() / ("handover-test." + std::to_string(getpid()));
};

base::Endpoint endpoint(const char* address, std::uint16_t port) {
  return {base::Address::parse(address).value(), port};
}

TEST_F(Handover, WhatIsLeftIsTakenOnce) {
  const std::vector<Connection> left{
      {{endpoint("192.0.2.10", 40000), endpoint("203.0.113.5", 5060), 1, 4294967295}, false},
      {{endpoint("2001:db8::1", 65535), endpoint("2001:db8::2", 80), 0, 77}, true},
  };
  ASSERT_TRUE(leave(file_, left));
  EXPECT_EQ(take(file_, 100), left);
  EXPECT_EQ(take(file_, 100), std::vector<Connection>{}) << "not a second time";
  ASSERT_TRUE(leave(file_, left));
  EXPECT_EQ(take(file_, 1).value().size(), 1U) << "no more than there is room for";
}

TEST_F(Handover, AFileThatCantBeReadIsNotBelieved) {
  const char* good = "sip 192.0.2.10 40000 1 203.0.113.5 5060 2\n";
  for (const char* bad :
       {"", "sip", "tls 192.0.2.10 40000 1 203.0.113.5 5060 2", "sip 192.0.2.10 65536 1 203.0.113.5 5060 2",
        "sip 192.0.2.10 40000 4294967296 203.0.113.5 5060 2", "sip 192.0.2.010 40000 1 203.0.113.5 5060 2",
        "sip 192.0.2.10 40000 1 203.0.113.5 5060", "sip 192.0.2.10 40000 1 203.0.113.5 5060 2 3",
        "sip 192.0.2.10 -1 1 203.0.113.5 5060 2"}) {
    std::ofstream(file_) << good << bad << "\n";
    const auto taken = take(file_, 100);
    ASSERT_FALSE(taken) << bad;
    EXPECT_EQ(taken.error(),
              file_.string() + ":2: not a connection; it is not used, and TCP trunks have to connect again");
  }
}

TEST_F(Handover, ALineWithoutEndIsNotReadToItsEnd) {
  std::filesystem::create_symlink("/dev/zero", file_);
  const auto taken = take(file_, 100);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(),
            file_.string() + ":1: can't be read; it is not used, and TCP trunks have to connect again");
}

TEST_F(Handover, SomethingElseInItsPlaceIsToldOf) {
  EXPECT_EQ(take(file_, 100), std::vector<Connection>{}) << "nothing there is fine";
  std::filesystem::create_directory(file_);
  ASSERT_FALSE(take(file_, 100));
}

TEST_F(Handover, WhatCantBeWrittenIsAnError) {
  EXPECT_FALSE(leave("/nonexistent/folder/connections", {}));
}

}  // namespace
}  // namespace dpinholer::handover
