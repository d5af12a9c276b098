// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/multipart.h"

#include <gtest/gtest.h>

namespace dpinholer::message {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Multipart, Rfc2046Section511) {
  struct Case {
    const char* why;
    const char* body;
    Parts parts;
  };
  const Case cases[] = {
      {"the line end before a boundary is the boundary's",
       "--x\r\na\r\n--x\r\nb\r\n\r\n--x--\r\n",
       {"a", "b\r\n"}},
      {"LF", "--x\na\n--x\nb\n--x--\n", {"a", "b"}},
      {"preamble and epilogue", "p\r\n--x\r\na\r\n--x--\r\n--x\r\ne", {"a"}},
      {"blanks behind a boundary", "--x \t\r\na\r\n--x-- \r\n", {"a"}},
      {"an empty part", "--x\r\n--x--", {""}},
      {"one line end is no part", "--x\r\n\r\n--x--", {""}},
      {"no closing boundary", "--x\r\na\r\n--x\r\nb\r\n", {"a", "b\r\n"}},
      {"cut behind a boundary", "--x\r\na\r\n--x", {"a", ""}},
      {"another boundary that begins like it", "--x\r\na\r\n--xy\r\nb\r\n--x--", {"a\r\n--xy\r\nb"}},
      {"a boundary within a line", "--x\r\na --x\r\nb\r\n--x--", {"a --x\r\nb"}},
      {"a boundary after a blank", "--x\r\na\r\n --x\r\nb\r\n--x--", {"a\r\n --x\r\nb"}},
      {"none", "a\r\nb", {}},
      {"closed before it began", "--x--\r\n--x\r\na", {}},
      {"nothing", "", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(split_multipart(c.body, "x", 16), c.parts) << c.why;
}

TEST(Multipart, NumberOfPartsIsBounded) {
  EXPECT_EQ(split_multipart("--x\na\n--x\nb\n--x\nc\n--x--", "x", 2), (Parts{"a", "b"}));
  EXPECT_EQ(split_multipart("--x\na\n--x\nb", "x", 1), (Parts{"a"}));
}

}  // namespace
}  // namespace dpinholer::message
