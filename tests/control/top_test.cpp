// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/top.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/lines.h"
#include "control/office.h"

namespace dpinholer::control {
namespace {

using test::Office;
using Kind = Top::Line::Kind;

class TopTest : public testing::Test {
 protected:
  // Another look, so many seconds after the last one.
  void look(int seconds = 0, bool complete = true) {
    office_.now += base::seconds{seconds};
    const Times times{office_.now, base::seconds{1'763'759'000}};
    std::vector<std::string> lines;
    for (std::string last;;) {
      const auto rows = office_.listing().after(last);
      if (rows.empty()) break;
      for (const CallRow& row : rows) {
        if (top_.pane() == Top::Pane::calls) lines.push_back(call_line(row, times));
        if (top_.pane() == Top::Pane::calls) continue;
        for (const PinholeRow& pinhole : row.pinholes) lines.push_back(pinhole_line(pinhole, times));
      }
      last = rows.back().call_id;
    }
    top_.update(
        R"({"version":"1.2.3","uptime":60,"calls":{"offered":1,"answered":2},"pinholes":{"open":10}})", lines,
        complete, office_.now);
  }
  void call(const std::string& id, std::uint16_t port) {
    office_.offer(id, "192.0.2.10", port);
    office_.answer(id, "192.0.2.10", port, "203.0.113.5", port);
  }
  std::vector<std::string> text(std::size_t height = 24, std::size_t width = 100) const {
    std::vector<std::string> lines;
    for (const Top::Line& line : top_.screen(height, width)) lines.push_back(line.text);
    return lines;
  }
  // Which calls are shown, in their order.
  std::string order() const {
    std::string ids;
    const auto lines = text();
    for (std::size_t i = 3; i + 1 < lines.size(); ++i) {
      if (!lines[i].empty()) ids += lines[i].substr(lines[i].rfind(' ') + 1) + " ";
    }
    return ids;
  }

  Office office_;
  Top top_;
};

TEST_F(TopTest, ShowsThePacketsOfASecondInEachDirection) {
  call("a@b", 30000);
  office_.count("192.0.2.10", 30000, 1000);
  look();
  office_.count("192.0.2.10", 30000, 102);
  office_.count("203.0.113.5", 30000, 51);
  look(2);
  const auto lines = text();
  EXPECT_EQ(lines[0], "dpinholer 1.2.3, up 1m00s: 3 calls, 2 answered, 10 pinholes");
  EXPECT_EQ(lines[1], "calls by rate");
  EXPECT_TRUE(lines[2].starts_with("AGE  STATE")) << lines[2];
  EXPECT_NE(lines[3].find("  51/s to 192.0.2.10, 26/s to 203.0.113.5  a@b"), std::string::npos) << lines[3];
  EXPECT_NE(lines.back().find("q quit"), std::string::npos);
}

TEST_F(TopTest, ACallIsNewAtFirstAndOneThatCameBackIsNoBurst) {
  call("a@b", 30000);
  office_.count("192.0.2.10", 30000, 1000);
  look();
  EXPECT_NE(text()[3].find(" 0/s to 192.0.2.10"), std::string::npos) << text()[3];
  office_.hang_up("a@b");
  call("a@b", 30000);
  office_.count("192.0.2.10", 30000, 10);
  look(2);
  EXPECT_NE(text()[3].find(" 0/s to 192.0.2.10"), std::string::npos) << text()[3];
}

TEST_F(TopTest, SortsByWhatIsAsked) {
  call("b@b", 30000);
  office_.now += base::seconds{10};
  call("a@b", 30002);
  office_.now += base::seconds{10};
  call("c@b", 30004);
  office_.count("192.0.2.10", 30000, 1000);
  look();
  office_.count("192.0.2.10", 30002, 500);
  office_.count("192.0.2.10", 30004, 200);
  look(2);
  EXPECT_EQ(order(), "a@b c@b b@b ");
  EXPECT_TRUE(top_.press('r'));
  EXPECT_EQ(order(), "b@b c@b a@b ") << "again: reversed";
  EXPECT_TRUE(top_.press('a'));
  EXPECT_EQ(order(), "b@b a@b c@b ");
  EXPECT_TRUE(top_.press('p'));
  EXPECT_EQ(order(), "b@b a@b c@b ");
  EXPECT_TRUE(top_.press('c'));
  EXPECT_EQ(order(), "a@b b@b c@b ");
  EXPECT_FALSE(top_.press('z'));
}

TEST_F(TopTest, ShowsPinholesToo) {
  call("a@b", 30000);
  EXPECT_TRUE(top_.press('\t'));
  look();
  office_.count("203.0.113.5", 30000, 102);
  look(2);
  EXPECT_EQ(text()[1], "pinholes by rate");
  EXPECT_NE(text()[3].find("udp  203.0.113.5:30000  192.0.2.10 "), std::string::npos) << text()[3];
  EXPECT_NE(text()[3].find(" 51/s "), std::string::npos) << text()[3];
}

TEST_F(TopTest, FitsEveryScreen) {
  for (std::size_t i = 0; i < 100; ++i)
    call(std::string(i, 'x') + "@b", static_cast<std::uint16_t>(30000 + 2 * i));
  look();
  for (const std::size_t height : {0U, 1U, 2U, 4U, 5U, 24U, 300U}) {
    for (const std::size_t width : {0U, 1U, 10U, 80U, 300U}) {
      const auto lines = text(height, width);
      EXPECT_EQ(lines.size(), std::max<std::size_t>(height, 1));
      for (const std::string& line : lines) EXPECT_LE(line.size(), width);
    }
  }
}

TEST_F(TopTest, MovesWithinTheList) {
  for (int i = 0; i < 30; ++i)
    call("call" + std::to_string(10 + i), static_cast<std::uint16_t>(30000 + 2 * i));
  look();
  top_.press('c');
  EXPECT_TRUE(order().starts_with("call10 call11 "));
  top_.move(Top::Move::up, 10);
  EXPECT_TRUE(order().starts_with("call10 "));
  top_.move(Top::Move::down, 10);
  top_.move(Top::Move::page_down, 10);
  EXPECT_TRUE(order().starts_with("call21 ")) << order();
  EXPECT_EQ(text()[1], "calls by call, from the 12. on");
  for (int i = 0; i < 10; ++i) top_.move(Top::Move::page_down, 10);
  EXPECT_EQ(order(), "call39 ");
  for (int i = 12; i < 30; ++i) office_.hang_up("call" + std::to_string(10 + i));
  look(2);
  EXPECT_EQ(order(), "") << "the list has become shorter";
  top_.move(Top::Move::first, 10);
  EXPECT_TRUE(order().starts_with("call10 "));
}

TEST_F(TopTest, SaysWhatIsWrong) {
  office_.offer("a@b", "192.0.2.10", 30000);
  call("one@way", 30002);
  office_.count("192.0.2.10", 30002, 100);
  look(0, false);
  EXPECT_EQ(text()[1], "the first 2 calls by rate");
  const auto lines = top_.screen(24, 100);
  EXPECT_EQ(lines[3].kind, Kind::plain);
  EXPECT_EQ(lines[4].kind, Kind::warning);
  top_.fail("no daemon answers\x1b[2J");
  EXPECT_EQ(text()[1], "no daemon answers\\x1b[2J");
  EXPECT_EQ(top_.screen(24, 100)[1].kind, Kind::warning);
  EXPECT_NE(text()[3], "") << "what was known stays";
  look(2);
  EXPECT_EQ(text()[1], "calls by rate");
}

TEST_F(TopTest, WhatIsNoAnswerDoesNoHarm) {
  for (const char key : {'r', '\t'}) {
    top_.press(key);
    top_.update("nonsense",
                {"", "[]", "{}", "{\"packets\":[7,{\"rate\":\"x\"}],\"call_id\":[]}", "{\"packets\":{}}"},
                true, office_.now);
    EXPECT_EQ(text().size(), 24U);
  }
}

TEST_F(TopTest, AHostileCallIdStaysInItsLine) {
  call("\x1b[2J\r\n\x07\xff", 30000);
  look();
  EXPECT_NE(text()[3].find("\\x1b[2J\\x0d\\x0a\\x07"), std::string::npos);
  for (const std::string& line : text()) {
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
  }
}

}  // namespace
}  // namespace dpinholer::control
