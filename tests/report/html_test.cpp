// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/html.h"

#include <gtest/gtest.h>

#include <string>

namespace dpinholer::report {
namespace {

using namespace std::string_literals;

TEST(Html, TextCanNeitherEndAnElementNorAnAttribute) {
  struct Case {
    std::string text;
    std::string html;
  };
  const Case cases[] = {
      {"abc@pbx", "abc@pbx"},
      {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
      {"\" onload='x' \"", "&quot; onload=&#39;x&#39; &quot;"},
      {"]]>--><!--", "]]&gt;--&gt;&lt;!--"},
      {"&lt;", "&amp;lt;"},
      {"a\0b\r\n\t\x1b[31m\x7f"s, "a\u2400b\u240d\u240a\u2409\u241b[31m\u2421"},
      {"Z\u00fcrich \u260e \U0001f4de", "Z\u00fcrich \u260e \U0001f4de"},
  };
  for (const auto& c : cases) EXPECT_EQ(html(c.text), c.html);
}

// RFC 3629 section 10, and the octets that can't be in it.
TEST(Html, WhatIsNoUtf8BecomesTheReplacementCharacter) {
  const std::string r = "\ufffd";
  struct Case {
    const char* name;
    std::string text;
    std::string html;
  };
  const Case cases[] = {
      {"a lone continuation", "a\x80z", "a" + r + "z"},
      {"cut short at the end", "a\xe2\x82", "a" + r + r},
      {"cut short by another", "\xe2\x82<", r + r + "&lt;"},
      {"a longer form of <", "\xc0\xbc", r + r},
      {"a longer form of NUL", "\xf0\x80\x80\x80", r + r + r + r},
      {"a surrogate", "\xed\xa0\x80", r + r + r},
      {"past U+10FFFF", "\xf4\x90\x80\x80", r + r + r + r},
      {"never an octet of it", "\xff\xfe", r + r},
      {"a C1 control", "\xc2\x9b", r},
      {"right-to-left override", "a\u202egnp.exe", "a" + r + "gnp.exe"},
      {"zero width", "a\u200bb\ufeff", "a" + r + "b" + r},
      {"a noncharacter", "\xef\xbf\xbf", r},
  };
  for (const auto& c : cases) EXPECT_EQ(html(c.text), c.html) << c.name;
}

TEST(Html, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(html("abc", 3), "abc");
  EXPECT_EQ(html("abcd", 3), "abc\u2026");
  EXPECT_EQ(html("<<<<", 2), "&lt;&lt;\u2026");
  EXPECT_EQ(html("\u00fc\u00fc\u00fc", 2), "\u00fc\u00fc\u2026");
  EXPECT_LT(html(std::string(100'000, 'x')).size(), 120U);
}

}  // namespace
}  // namespace dpinholer::report
