// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/report.h"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

namespace dpinholer::doctor {
namespace {

Findings some() {
  const std::string hostile = "a\x1b[31m\nb\"\xff";
  return {{"jump-missing", Severity::fault, "no rule of chain " + hostile + " leads media to sip_media",
           "The sets are asked by the chain sip_media only. Without a jump to it pinholes open nothing, and "
           "calls "
           "have no media.",
           "nft insert rule inet filter " + hostile + " jump sip_media"},
          {"timeouts-differ", Severity::warning, "w", "y", "m"}};
}

TEST(Report, ATerminalGetsParagraphsOf80ColumnsAndNothingThatIsNotPrintable) {
  std::istringstream text(text_report({}, some(), false));
  std::size_t lines = 0;
  for (std::string line; std::getline(text, line); ++lines) {
    EXPECT_LE(line.size(), 80U) << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
  }
  EXPECT_EQ(lines, 11U);
}

TEST(Report, HasColoursWhereTheyAreWanted) {
  EXPECT_EQ(text_report({}, some(), false).find('\x1b'), std::string::npos);
  EXPECT_EQ(text_report({}, some(), true).rfind("\x1b[1;31mfault\x1b[0m: ", 0), 0U);
}

TEST(Report, SaysThatAllIsWell) {
  EXPECT_EQ(text_report({}, {}, false),
            "fine: table inet filter, queue 0, and the kernel are as they should be\n");
}

TEST(Report, AMachineGetsOneObjectALineAndASummary) {
  std::istringstream text(json_report({}, some()));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["finding"], "jump-missing");
  EXPECT_EQ(lines[0]["severity"], "fault");
  EXPECT_EQ(lines[0]["mend"], "nft insert rule inet filter a\x1b[31m\nb\"\xef\xbf\xbd jump sip_media");
  EXPECT_EQ(lines[1]["severity"], "warning");
  EXPECT_EQ(lines[2], nlohmann::json::parse(R"({"finding": "summary", "table": "inet filter", "queues": "0",
                                                "faults": 1, "warnings": 1})"));
}

TEST(Report, ALogGetsOneLine) {
  EXPECT_EQ(log_line(some()[1]), "warning: w. y -> m");
  EXPECT_EQ(log_line(some()[0]).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace dpinholer::doctor
