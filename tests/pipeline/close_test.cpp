// SPDX-License-Identifier: GPL-2.0-or-later
// The operator closes a call (`dpinholer close`): what it has open goes, and nothing that its parties still
// say opens it again.
#include <gtest/gtest.h>

#include <string>

#include "pinhole/element.h"
#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const std::string call_is_up = R"(
    alice > bob    INVITE a expires=1800 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b expires=1800 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b
)";
const std::string closed = R"(
    operator closes 1
        close alice:30000-30001 requested
        close bob:40000-40001 requested
)";

// What is read after a restart was not refused before it.
FlowOptions restarted_after() {
  FlowOptions options;
  options.check_late_copies = false;
  options.tags_matter = false;
  options.check_closed = false;
  return options;
}

// What the comment of a pinhole for RTP tells of a Call-ID.
std::string as_commented(const std::string& call_id) {
  return pinhole::read_comment(pinhole::comment({call_id, "audio"}))->call;
}

TEST(Close, EndsACall) {
  EXPECT_TRUE(plays(call_is_up + closed + R"(
    bob ~> alice:30000
        dropped
    operator closes 1
        not found
  )"));
}

TEST(Close, EndsACallThatRings) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    180 INVITE b
    operator closes 1
        close alice:30000-30001 requested
    bob > alice    200 INVITE b [audio 40000]
        refuse bob:40000-40001 requested
    alice > bob    ACK a b
    bob ~> alice:30000
        dropped
  )"));
}

TEST(Close, EndsNoOtherCall) {
  EXPECT_TRUE(plays(call_is_up + R"(
    operator closes 2
        not found
    carol > bob    INVITE c call=2 [audio 50000]
        open carol:50000-50001 any 180 offer
    operator closes 1
        close alice:30000-30001 requested
        close bob:40000-40001 requested
    bob > carol    200 INVITE d call=2 [audio 40002]
        bind carol:50000-50001 bob 300 answer
        open bob:40002-40003 carol 300 answer
    carol > bob    ACK c d call=2
    bob ~> carol:50000
        passes
  )"));
}

TEST(Close, NothingOfTheCallOpensAgain) {
  EXPECT_TRUE(plays(call_is_up + closed + R"(
    # a new offer
    alice > bob    INVITE a b [audio 30000]
        refuse alice:30000-30001 requested
    bob > alice    200 INVITE [audio 40000]
        refuse bob:40000-40001 requested
    alice > bob    ACK a b
    # the session is refreshed every 15 minutes (RFC 4028)
    wait 900
    bob > alice    UPDATE b a expires=1800 [audio 40000]
        refuse bob:40000-40001 requested
    alice > bob    200 UPDATE expires=1800 [audio 30000]
        refuse alice:30000-30001 requested
    # 12 hours count from the last message
    wait 43000
    alice > bob    UPDATE a b expires=1800
    bob > alice    200 UPDATE expires=1800
    wait 43000
    alice > bob    INVITE a b [audio 30000]
        refuse alice:30000-30001 requested
    bob ~> alice:30000
        dropped
  )"));
}

TEST(Close, APinholeOfTwoCallsStaysForTheOther) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > bob    INVITE a call=2 [audio 30000]
    operator closes 1
    bob > alice    200 INVITE b call=2 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    ACK a b call=2
  )"));
}

TEST(Close, ACallFoundOpenAfterARestart) {
  EXPECT_TRUE(plays(call_is_up + R"(
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
)" + closed + R"(
    alice > bob    INVITE a b [audio 30000]
        refuse alice:30000-30001 requested
  )",
                    restarted_after()));
}

// `calls` shows what the comment told; the first message tells the rest.
TEST(Close, ACallFoundOpenByWhatItIsCalled) {
  const std::string long_id(200, 'x');
  Sip invite{.start = "INVITE", .call_id = long_id, .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})};
  Scenario scenario;
  scenario.send({"192.0.2.10"}, {"203.0.113.5"}, invite);
  const std::string found = scenario.restart();
  ASSERT_NE(found, "");
  EXPECT_EQ(scenario.close(long_id.substr(0, 40)), "not found\n");
  const std::string known_as = as_commented(long_id);
  EXPECT_NE(scenario.close(known_as), "not found\n");
  EXPECT_EQ(scenario.open(), "");
  EXPECT_EQ(scenario.close(known_as), "not found\n");
  EXPECT_EQ(scenario.send({"192.0.2.10"}, {"203.0.113.5"}, invite),
            "refuse 192.0.2.10:30000 audio rtp requested\nrefuse 192.0.2.10:30001 audio rtcp requested\n");
}

// Two that begin with the same 80 letters: neither is closed for the other.
TEST(Close, WhatTwoCallsAreCalledClosesNeither) {
  Scenario scenario;
  for (const int number : {1, 2}) {
    const std::string id = std::string(200, 'x') + std::to_string(number);
    scenario.send({"192.0.2.10"}, {"203.0.113.5"},
                  {.start = "INVITE",
                   .call_id = id,
                   .body = sdp({"192.0.2.10|audio " + std::to_string(30000 + 2 * number) + " RTP/AVP 0"})});
  }
  scenario.restart();
  const std::string open = scenario.open();
  EXPECT_EQ(scenario.close(as_commented(std::string(200, 'x'))), "not found\n");
  EXPECT_EQ(scenario.open(), open);
  EXPECT_NE(scenario.close(std::string(200, 'x') + "2"), "not found\n");
  EXPECT_NE(scenario.open(), open);
}

// A call that nobody will hear of again holds no room (attack A6).
TEST(Close, GivesWayToANewCall) {
  PipelineSettings settings;
  settings.negotiation.calls = 1;
  Scenario scenario(settings);
  auto invite = [&](const std::string& id) {
    return scenario.send(
        {"192.0.2.10"}, {"203.0.113.5"},
        {.start = "INVITE", .call_id = id, .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
  };
  invite("one");
  scenario.close("one");
  EXPECT_EQ(invite("two"),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "open 192.0.2.10:30001 any audio rtcp 180 offer\n");
}

}  // namespace
}  // namespace dpinholer::test
