// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/event_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dpinholer::system {
namespace {

using base::Address;
using base::seconds;
using base::TimePoint;
using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;
using pinhole::Refusal;

TimePoint at(std::int64_t microseconds) {
  return TimePoint(base::Duration(microseconds));
}

Change change(Change::Kind kind, std::int64_t microseconds, std::vector<const char*> from, Cause cause) {
  Change change;
  change.kind = kind;
  change.key = {base::Protocol::udp, {*Address::parse("192.0.2.10"), 30000}};
  for (const char* address : from) change.from.push_back(*Address::parse(address));
  change.timeout = seconds(from.empty() ? 180 : 300);
  change.label = {"abc@pbx", "audio", Component::rtp};
  change.cause = cause;
  change.time = at(microseconds);
  return change;
}

Refusal refusal(const char* address, std::uint32_t port, Cause cause) {
  return {base::Protocol::udp, address, port, {"abc@pbx", "audio", Component::rtp}, cause, at(2000000)};
}

const pinhole::FarNat nat{"a\n\"b", base::Address::v4({10, 0, 0, 5}), base::Address::v4({203, 0, 113, 20}),
                          base::TimePoint{std::chrono::seconds{3}}};
const scanners::Offence ban{base::Address::v4({203, 0, 113, 5}), scanners::Cause::user_agent, "sip\"cli\x1b",
                            base::TimePoint{base::Duration{3000000}}};
const message::UnreadEvent unread{{message::UnreadCause::encoding, "Content-Encoding gzip\x1b"},
                                  base::Protocol::udp,
                                  {*Address::parse("203.0.113.5"), 5060},
                                  {*Address::parse("192.0.2.10"), 5062},
                                  "abc@pbx",
                                  at(3000000)};
const Flow flow{at(61100000),
                base::Protocol::udp,
                {*Address::parse("203.0.113.5"), 4000},
                {*Address::parse("192.0.2.10"), 30000},
                2999,
                0};
const Summary summary{at(61100000), 6100, 9, 0, 1, 4, 4, 0, 0, 5998, 0};

// The examples of the interface's description.
TEST(EventLines, JsonIsTheStableInterface) {
  EXPECT_EQ(
      json_line(change(Change::Kind::open, 1000123, {}, Cause::offer)),
      R"({"time":1.000123,"event":"open","protocol":"udp","address":"192.0.2.10","port":30000,"from":[],)"
      R"("call_id":"abc@pbx","media":"audio","component":"rtp","set":"sip_rtp4","timeout":180,"cause":"offer"})");
  EXPECT_EQ(json_line(change(Change::Kind::bind, 1920000, {"203.0.113.5"}, Cause::answer)),
            R"({"time":1.920000,"event":"bind","protocol":"udp","address":"192.0.2.10","port":30000,)"
            R"("from":["203.0.113.5"],"call_id":"abc@pbx","media":"audio","component":"rtp",)"
            R"("set":"sip_rtp4_from","timeout":300,"cause":"answer"})");
  EXPECT_EQ(
      json_line(change(Change::Kind::close, 61000000, {"203.0.113.5", "203.0.113.6"}, Cause::bye)),
      R"({"time":61.000000,"event":"close","protocol":"udp","address":"192.0.2.10","port":30000,)"
      R"("from":["203.0.113.5","203.0.113.6"],"call_id":"abc@pbx","media":"audio","component":"rtp","cause":"bye"})");
  EXPECT_EQ(json_line(refusal("10.0.0.1", 53, Cause::port_policy)),
            R"({"time":2.000000,"event":"refuse","protocol":"udp","address":"10.0.0.1","port":53,)"
            R"("call_id":"abc@pbx","media":"audio","component":"rtp","cause":"port-policy"})");
  EXPECT_EQ(json_line(nat), R"({"time":3.000000,"event":"nat","address":"10.0.0.5","source":"203.0.113.20",)"
                            R"("call_id":"a\n\"b"})");
  EXPECT_EQ(json_line(ban), R"({"time":3.000000,"event":"ban","address":"203.0.113.5","cause":"user-agent",)"
                            R"("sign":"sip\"cli\u001b"})");
  EXPECT_EQ(json_line(unread),
            R"({"time":3.000000,"event":"unread","protocol":"udp","source":"203.0.113.5","source_port":5060,)"
            R"("address":"192.0.2.10","port":5062,"call_id":"abc@pbx","cause":"encoding",)"
            R"("text":"Content-Encoding gzip\u001b"})");
  message::UnreadEvent of_nobody = unread;
  of_nobody.what = {message::UnreadCause::tls, ""};
  of_nobody.call_id = "";
  EXPECT_EQ(json_line(of_nobody),
            R"({"time":3.000000,"event":"unread","protocol":"udp","source":"203.0.113.5","source_port":5060,)"
            R"("address":"192.0.2.10","port":5062,"cause":"tls"})");
  EXPECT_EQ(json_line(flow),
            R"({"time":61.100000,"event":"flow","protocol":"udp","source":"203.0.113.5","source_port":4000,)"
            R"("address":"192.0.2.10","port":30000,"passed":2999,"dropped":0})");
  EXPECT_EQ(json_line(summary),
            R"({"time":61.100000,"event":"summary","packets":6100,"sip_messages":9,"malformed":0,"calls":1,)"
            R"("opened":4,"closed":4,"open_at_end":0,"refused":0,"media_passed":5998,"media_dropped":0})");
}

TEST(EventLines, TextIsForPeople) {
  EXPECT_EQ(
      text_line(change(Change::Kind::open, 1000123, {}, Cause::offer)),
      "      1.000123  open   udp 192.0.2.10:30000      audio rtp  offer           from anybody         "
      "call abc@pbx  (sip_rtp4, 180 s)");
  EXPECT_EQ(text_line(change(Change::Kind::close, 61000000, {"203.0.113.5", "203.0.113.6"}, Cause::bye)),
            "     61.000000  close  udp 192.0.2.10:30000      audio rtp  bye             from "
            "203.0.113.5,203.0.113.6 "
            "call abc@pbx");
  EXPECT_EQ(text_line(refusal("media.example.com", 70000, Cause::address)),
            "      2.000000  refuse udp media.example.com:70000 audio rtp  address         call abc@pbx");
  EXPECT_EQ(text_line(nat),
            "      3.000000  nat    10.0.0.5                  announced from 203.0.113.20    call a\\x0a\"b");
  EXPECT_EQ(text_line(ban), "      3.000000  ban    203.0.113.5  user-agent sip\"cli\\x1b");
  EXPECT_EQ(text_line(unread),
            "      3.000000  unread udp 203.0.113.5:5060 > 192.0.2.10:5062  encoding: Content-Encoding gzip\\x1b  "
            "call abc@pbx");
  EXPECT_EQ(text_line(flow),
            "     61.100000  flow   udp 203.0.113.5:4000 > 192.0.2.10:30000  passed 2999, dropped 0");
  EXPECT_EQ(
      text_line(summary),
      "     61.100000  summary: 6100 packets, 9 SIP messages and 0 malformed, 1 call; pinholes: 4 opened, "
      "4 closed, 0 open at the end, 0 refused; media: 5998 passed, 0 dropped");
}

TEST(EventLines, ARefreshIsNoEvent) {
  EXPECT_EQ(json_line(change(Change::Kind::refresh, 1, {}, Cause::offer)), "");
  EXPECT_EQ(text_line(change(Change::Kind::refresh, 1, {}, Cause::offer)), "");
}

TEST(EventLines, TcpAndIpv6NameTheirOwnSets) {
  Change tcp = change(Change::Kind::open, 0, {}, Cause::answer);
  tcp.key = {base::Protocol::tcp, {*Address::parse("2001:db8::1"), 2855}};
  tcp.label = {"c", "message", Component::data};
  EXPECT_EQ(
      json_line(tcp),
      R"({"time":0.000000,"event":"open","protocol":"tcp","address":"2001:db8::1","port":2855,"from":[],)"
      R"("call_id":"c","media":"message","component":"data","set":"sip_tcp6","timeout":180,"cause":"answer"})");
}

TEST(EventLines, A19_WhateverACallIdHoldsItStaysOneLineOfAscii) {
  struct Case {
    std::string call_id;
    const char* json;
    const char* text;
  };
  const Case cases[] = {
      {"a\"b\\c", R"(a\"b\\c)", R"(a"b\\c)"},
      {"a\r\nb\x1b[2J\x7f", R"(a\r\nb\u001b[2J\u007f)", R"(a\x0d\x0ab\x1b[2J\x7f)"},
      {std::string("a\0b", 3), R"(a\u0000b)", R"(a\x00b)"},
      {"\xc3\xbc", R"(\u00fc)", R"(\xc3\xbc)"},
      {"\xe2\x80\xa8", R"(\u2028)", R"(\xe2\x80\xa8)"},  // a line separator to some readers
      {"\xf0\x9f\x93\x9e", R"(\ud83d\udcde)", R"(\xf0\x9f\x93\x9e)"},
      {"a\xff\xfez", R"(a\ufffd\ufffdz)", R"(a\xff\xfez)"},
      {"\xe2\x82z", R"(\ufffdz)", R"(\xe2\x82z)"},     // cut short
      {"\xc0\x80", R"(\ufffd\ufffd)", R"(\xc0\x80)"},  // overlong
  };
  for (const auto& c : cases) {
    Refusal refused = refusal("192.0.2.1", 1, Cause::address);
    refused.label.call_id = c.call_id;
    EXPECT_NE(json_line(refused).find("\"call_id\":\"" + std::string(c.json) + "\","), std::string::npos)
        << json_line(refused);
    EXPECT_NE(text_line(refused).find("call " + std::string(c.text)), std::string::npos)
        << text_line(refused);
  }
  EXPECT_NE(text_line(refusal("evil\nhost", 1, Cause::address)).find("evil\\x0ahost:1"), std::string::npos);
}

TEST(EventLines, TimeHasSixDecimals) {
  const std::pair<std::int64_t, const char*> cases[] = {{0, "0.000000"},
                                                        {1, "0.000001"},
                                                        {999999, "0.999999"},
                                                        {1000000, "1.000000"},
                                                        {3600000010, "3600.000010"}};
  for (const auto& [microseconds, expected] : cases) {
    const std::string line = json_line(change(Change::Kind::open, microseconds, {}, Cause::offer));
    EXPECT_EQ(line.rfind("{\"time\":" + std::string(expected) + ",", 0), 0U) << line;
  }
}

}  // namespace
}  // namespace dpinholer::system
