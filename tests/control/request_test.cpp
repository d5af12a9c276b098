// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/request.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace dpinholer::control {
namespace {

using Command = Request::Command;

TEST(Request, IsReadAsItIsWritten) {
  for (const Request& request :
       {Request{Command::status}, Request{Command::calls}, Request{Command::pinholes},
        Request{Command::events}, Request{Command::events, true}, Request{Command::close, false, "a@b"},
        Request{Command::close, false, "\"\\\n\x1b\x01"},
        Request{Command::unban, false, "", *base::Address::parse("2001:db8::5")}}) {
    std::string line = to_line(request);
    ASSERT_TRUE(line.ends_with("\n"));
    line.pop_back();
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    const auto read = parse_request(line);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, request) << line;
  }
}

TEST(Request, WhatIsNoRequestIsRefusedWithTheRemedy) {
  const std::string deep =
      R"({"command":"status","x":)" + std::string(4000, '[') + std::string(4000, ']') + "}";
  const std::string none = R"(no request: right would be {"command": "status"})";
  const std::string unknown = "no such command: there are status, calls, pinholes, events, close, unban";
  const std::pair<std::string, std::string> cases[] = {
      {"", none},
      {"status", none},
      {"[]", none},
      {"null", none},
      {R"({"command":"status")", none},
      {"{\"command\":\"\xff\"}", none},
      {deep, none},
      {R"({"command":"close","call_id":")" + std::string(9000, 'x') + "\"}", none},
      {"{}", unknown},
      {R"({"command":1})", unknown},
      {R"({"command":"reboot"})", unknown},
      {R"({"command":"close"})", "close wants a call_id"},
      {R"({"command":"close","call_id":1})", "close wants a call_id"},
      {R"({"command":"unban"})", "unban wants an address, like 203.0.113.5"},
      {R"({"command":"unban","address":5})", "unban wants an address, like 203.0.113.5"},
      {R"({"command":"unban","address":"203.0.113.05"})", "unban wants an address, like 203.0.113.5"},
      {R"({"command":"events","follow":1})", "follow is to be true or false"},
  };
  for (const auto& [line, remedy] : cases) {
    const auto read = parse_request(line);
    ASSERT_FALSE(read) << line.substr(0, 80);
    EXPECT_EQ(read.error(), remedy) << line.substr(0, 80);
  }
}

TEST(Request, KeysOfALaterVersionAreIgnored) {
  EXPECT_TRUE(parse_request(R"({"command":"calls","colour":"blue","deep":{"a":[]}})"));
}

TEST(Request, OctetsThatAreNotUtf8AreReplaced) {
  const auto read = parse_request(std::string_view("{\"command\":\"close\",\"call_id\":\"a\\u0000b\"}"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->call_id, std::string("a\0b", 3));
  EXPECT_EQ(to_line({Command::close, false, "a\xff"}), "{\"call_id\":\"a\\ufffd\",\"command\":\"close\"}\n");
}

}  // namespace
}  // namespace dpinholer::control
