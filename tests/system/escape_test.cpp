// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/escape.h"

#include <gtest/gtest.h>

namespace dpinholer::system {
namespace {

TEST(Escape, A19_LeavesNothingThatATerminalWouldObey) {
  EXPECT_EQ(escape("a84b4c76e66710@pc33.example.com, ~ \"'"), "a84b4c76e66710@pc33.example.com, ~ \"'");
  EXPECT_EQ(escape("a\nb\r\t\x1b[31m\x7f"), "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f");
  EXPECT_EQ(escape("\\x0a"), "\\\\x0a");
  EXPECT_EQ(escape("\xc3\xbc\xff"), "\\xc3\\xbc\\xff");
  EXPECT_EQ(escape(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Unescape, GivesBackWhatWasEscaped) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  for (const std::string& text :
       {all, std::string(), std::string("a@b"), std::string("\\x41"), std::string("\\")})
    EXPECT_EQ(unescape(escape(text)), text);
}

TEST(Unescape, RefusesWhatNobodyEscaped) {
  for (const std::string text : {"\\", "a\\", "\\x", "\\x4", "\\x4G", "\\X41", "\\n", "\\xAB"})
    EXPECT_FALSE(unescape(text)) << text;
}

}  // namespace
}  // namespace dpinholer::system
