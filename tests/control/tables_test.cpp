// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <sstream>
#include <string>
#include <vector>

#include "control/lines.h"
#include "control/office.h"

namespace dpinholer::control {
namespace {

using test::Office;

struct Shown {
  std::vector<std::string> calls;
  std::vector<std::string> pinholes;
};

Shown shown(Office& office) {
  const Times times{office.now, base::seconds{1'763'759'000}};
  Shown lines;
  for (const CallRow& row : office.listing().after("")) {
    lines.calls.push_back(call_line(row, times));
    for (const PinholeRow& pinhole : row.pinholes) lines.pinholes.push_back(pinhole_line(pinhole, times));
  }
  return lines;
}

std::vector<std::string> rows(const std::string& table) {
  std::vector<std::string> lines;
  std::istringstream in(table);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Tables, ACallInEachState) {
  Office office;
  office.offer("one@b", "192.0.2.10", 30000);
  office.answer("one@b", "192.0.2.10", 30000, "203.0.113.5", 40000);
  office.count("192.0.2.10", 30000, 600);
  office.count("203.0.113.5", 40000, 300);
  office.now += base::seconds{60};
  office.offer("two@b", "192.0.2.10", 30002);
  office.answer("two@b", "192.0.2.10", 30002, "203.0.113.5", 40002);
  office.count("192.0.2.10", 30002, 600);
  office.now += base::seconds{238};
  office.offer("three@b", "2001:db8::1", 30002);
  EXPECT_EQ(calls_table(shown(office).calls, {}),
            "  AGE  STATE     MEDIA  PINHOLES  PACKETS                                CALL\n"
            "4m58s  answered  audio         4  591 to 192.0.2.10, 296 to 203.0.113.5  one@b\n"
            "3m58s  one way   audio         4  591 to 192.0.2.10, 0 to 203.0.113.5    two@b\n"
            "   0s  offered   audio         2  0 to 2001:db8::1                       three@b\n");
}

// media.local without a jump on the output hook.
TEST(Tables, WhatNoRuleCounts) {
  Office office;
  office.host.own = {test::address("203.0.113.1")};
  office.offer("one@b", "203.0.113.1", 35000);
  office.answer("one@b", "203.0.113.1", 35000, "203.0.113.5", 40000);
  office.count("203.0.113.1", 35000, 600);
  EXPECT_EQ(calls_table(shown(office).calls, {}),
            "AGE  STATE     MEDIA  PINHOLES  PACKETS                                         CALL\n"
            " 0s  answered  audio         4  591 to 203.0.113.1, not counted to 203.0.113.5  one@b\n");
}

TEST(Tables, APartyBehindANat) {
  Office office;
  office.offer("one@b", "10.0.0.5", 40000);
  office.answer("one@b", "10.0.0.5", 40000, "192.0.2.10", 30000);
  office.count("192.0.2.10", 30000, 600);
  const pinhole::FarNat nat{"one@b", test::address("10.0.0.5"), test::address("203.0.113.20"), office.now};
  EXPECT_TRUE(office.log.behind_nat(nat));
  EXPECT_EQ(calls_table(shown(office).calls, {}),
            "AGE  STATE     MEDIA  PINHOLES  PACKETS                                                         "
            "             "
            "CALL\n"
            " 0s  answered  audio         4  not counted to 10.0.0.5, 591 to 192.0.2.10; 10.0.0.5 is behind "
            "203.0.113.20"
            "  one@b\n");
  EXPECT_NE(shown(office).calls.front().find(
                R"("behind_nat":[{"address":"10.0.0.5","source":"203.0.113.20"}],"one_way":false)"),
            std::string::npos);
}

TEST(Tables, PinholesOfACall) {
  Office office;
  office.offer("one@b", "192.0.2.10", 30000);
  office.answer("one@b", "192.0.2.10", 30000, "203.0.113.5", 40000);
  office.offer("two@b", "2001:db8::1", 30002);
  office.count("192.0.2.10", 30000, 600);
  office.sets.elements.erase({pinhole::Set::rtp6, std::nullopt, {test::address("2001:db8::1"), 30003}});
  EXPECT_EQ(pinholes_table(shown(office).pinholes, {}),
            "     TO                   FROM         MEDIA       PACKETS  EXPIRES  CALL\n"
            "udp  192.0.2.10:30000     203.0.113.5  audio rtp       591    5m00s  one@b\n"
            "udp  192.0.2.10:30001     203.0.113.5  audio rtcp        0    5m00s  one@b\n"
            "udp  203.0.113.5:40000    192.0.2.10   audio rtp         0    5m00s  one@b\n"
            "udp  203.0.113.5:40001    192.0.2.10   audio rtcp        0    5m00s  one@b\n"
            "udp  [2001:db8::1]:30002  anybody      audio rtp         0    5m00s  two@b\n"
            "udp  [2001:db8::1]:30003  anybody      audio rtcp        0        -  two@b\n");
}

TEST(Tables, FitTheTerminal) {
  Office office;
  office.offer(std::string(300, 'x'), "192.0.2.10", 30000);
  for (const std::size_t width : {100U, 120U}) {
    for (const std::string& row : rows(calls_table(shown(office).calls, {width, false})))
      EXPECT_LE(row.size(), width);
    for (const std::string& row : rows(pinholes_table(shown(office).pinholes, {width, false})))
      EXPECT_LE(row.size(), width);
  }
  EXPECT_TRUE(rows(calls_table(shown(office).calls, {100, false})).at(1).ends_with("xxx..."));
  // Where nothing fits, something of each Call-ID is still there.
  EXPECT_NE(calls_table(shown(office).calls, {1, false}).find("xxx..."), std::string::npos);
}

TEST(Tables, ColoursOnlyWhereTheyAreWanted) {
  Office office;
  office.offer("one@b", "192.0.2.10", 30000);
  const Shown lines = shown(office);
  EXPECT_NE(calls_table(lines.calls, {80, true}).find("\x1b["), std::string::npos);
  EXPECT_EQ(calls_table(lines.calls, {80, false}).find('\x1b'), std::string::npos);
}

TEST(Tables, AHostileCallIdStaysInItsLine) {
  Office office;
  office.offer("\x1b[2J\r\nudp \x07\xff\u202e", "192.0.2.10", 30000);
  const Shown lines = shown(office);
  for (const std::string& table : {calls_table(lines.calls, {}), pinholes_table(lines.pinholes, {}),
                                   event_text(event_line(office.events.at(0), {}), {})}) {
    EXPECT_NE(table.find("\\x1b[2J\\x0d\\x0audp \\x07"), std::string::npos) << table;
    for (const char c : table) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << table;
  }
  EXPECT_EQ(rows(calls_table(lines.calls, {})).size(), 2U);
}

TEST(Tables, WhatIsNoAnswerMakesEmptyCells) {
  for (const std::string line : {"", "{}", "[]", "7", "{\"call_id\":7,\"packets\":{\"to\":1},\"media\":[1]}",
                                 "{\"from\":\"all\",\"port\":-1,\"expires\":[],\"queues\":[7],\"held\":1}"}) {
    EXPECT_EQ(rows(calls_table({line}, {})).size(), 2U);
    EXPECT_EQ(rows(pinholes_table({line}, {})).size(), 2U);
    EXPECT_FALSE(status_text(line, {}).empty());
    EXPECT_EQ(rows(event_text(line, {})).size(), 1U);
  }
}

TEST(Tables, Status) {
  Status status;
  status.version = "1.2.3";
  status.uptime = base::seconds{7400};
  status.table = "inet filter";
  status.memory = 12'000'000;
  status.queues = {{0, 1, 2, 3}};
  status.figures = {{"packets", "queued", 12}, {"packets", "sip_messages", 9}, {"pinholes", "open", 4}};
  status.labelled = {{"messages", {{"method", "INVITE"}, {"result", "request"}}, 3}};
  status.banned = {{test::address("203.0.113.5"), "user-agent sipcli", base::seconds{3540}}};
  status.held = {{0.001, 0.01}, {2, 3}, 4, 0.008};
  EXPECT_EQ(status_text(status_line(status), {}),
            "dpinholer 1.2.3, up 2h03m, 11.4 MiB of memory\n"
            "table       inet filter\n"
            "queue 0     1 waiting, 2 not read because it was full, 3 lost\n"
            "packets     queued 12, sip messages 9\n"
            "pinholes    open 4\n"
            "banned      203.0.113.5 for 59m00s, user-agent sipcli\n"
            "held        2.00 ms on average, 4 messages\n");
}

TEST(Tables, Events) {
  setenv("TZ", "UTC", 1);
  tzset();
  Office office;
  office.offer("a@b", "192.0.2.10", 30000);
  office.refuse("a@b", "10.0.0.1", 53);
  const Times times{office.now, base::seconds{1'763'759'000} + std::chrono::milliseconds{123}};
  EXPECT_EQ(event_text(event_line(office.events.at(0), times), {}),
            "21:03:20.123  open   udp 192.0.2.10:30000      audio rtp  offer           from anybody         "
            "call a@b\n");
  EXPECT_EQ(event_text(event_line(office.events.at(2), times), {}),
            "21:03:20.123  refuse udp 10.0.0.1:53           audio rtp  port-policy     call a@b\n");
  const Event ban =
      scanners::Offence{test::address("203.0.113.5"), scanners::Cause::failures, "6/min", office.now};
  EXPECT_EQ(event_text(event_line(ban, times), {}), "21:03:20.123  ban    203.0.113.5  failures 6/min\n");
  message::UnreadEvent unread{{message::UnreadCause::syntax, "m=audio 1 RTP 0"},
                              base::Protocol::udp,
                              {test::address("203.0.113.5"), 5060},
                              {test::address("192.0.2.10"), 5062},
                              "a@b",
                              office.now};
  EXPECT_EQ(event_text(event_line(unread, times), {}),
            "21:03:20.123  unread udp 203.0.113.5:5060 > 192.0.2.10:5062  syntax: m=audio 1 RTP 0  call a@b\n");
  unread.what = {message::UnreadCause::tls, ""};
  unread.call_id = "";
  EXPECT_EQ(event_text(event_line(unread, times), {}),
            "21:03:20.123  unread udp 203.0.113.5:5060 > 192.0.2.10:5062  tls\n");
  EXPECT_EQ(event_text(missed_line(3), {}), "3 events missed\n");
}

TEST(Tables, Durations) {
  EXPECT_EQ(duration_text(-1), "0s");
  EXPECT_EQ(duration_text(59.9), "59s");
  EXPECT_EQ(duration_text(298), "4m58s");
  EXPECT_EQ(duration_text(7380), "2h03m");
  EXPECT_EQ(duration_text(273600), "3d04h");
}

}  // namespace
}  // namespace dpinholer::control
