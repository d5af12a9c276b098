// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/log.h"

#include <gtest/gtest.h>

namespace dpinholer::system {
namespace {

std::string written(std::string_view text) {
  testing::internal::CaptureStderr();
  log::info(text, {{"CALL_ID", "a@b"}});
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneLineWithTimeAndLevel) {
  const std::string line = written("call a@b opened");
  EXPECT_TRUE(line.ends_with(" info call a@b opened\n")) << line;
  EXPECT_EQ(line.find("CALL_ID"), std::string::npos);
}

TEST(Log, A19_LetsNoControlCharacterThrough) {
  EXPECT_TRUE(written("a\r\nb\x1b[31mc\x7f").ends_with(" info a??b?[31mc?\n"));
}

TEST(Log, TakesBracesAsTheyAre) {
  EXPECT_TRUE(written("{} {0} %s").ends_with(" info {} {0} %s\n"));
}

TEST(Log, WritesNothingBelowTheLeastLevel) {
  testing::internal::CaptureStderr();
  log::debug("quiet");
  log::set_least(log::Level::error);
  log::warning("quiet");
  log::error("loud");
  log::set_least(log::Level::info);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("error loud"), std::string::npos);
}

// systemd.exec(5), JOURNAL_STREAM
TEST(Log, KnowsTheJournalByDeviceAndInode) {
  EXPECT_TRUE(log::names_file("8:12345", 8, 12345));
  EXPECT_FALSE(log::names_file("8:12345", 8, 1234));
  EXPECT_FALSE(log::names_file("8:12345", 9, 12345));
  EXPECT_FALSE(log::names_file("", 8, 12345));
}

}  // namespace
}  // namespace dpinholer::system
