// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/failures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "base/limits.h"

namespace dpinholer::scanners {
namespace {

using message::Method;
using std::chrono::milliseconds;

base::Address host(std::uint32_t number) {
  return base::Address::v4({203, static_cast<std::uint8_t>(number >> 16),
                            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

base::Address ipv6_host(std::uint32_t number) {
  return base::Address::v6({0x20, 1, 0xd, 0xb8, 0, static_cast<std::uint8_t>((number >> 16) + 1), 0, 0, 0, 0,
                            0, 0, 0, 0, static_cast<std::uint8_t>(number >> 8),
                            static_cast<std::uint8_t>(number)});
}

// Responses to requests of host 1, each to a transaction of its own unless said otherwise.
class FailuresTest : public testing::Test {
 protected:
  void respond(int status, Method method = Method::register_, std::uint32_t to = 1) {
    ++transaction_;
    repeat(status, method, to);
  }
  void repeat(int status, Method method = Method::register_, std::uint32_t to = 1) {
    message::SipMessage response;
    response.status = static_cast<std::uint16_t>(status);
    response.method = method;
    response.branch = "z9hG4bK" + std::to_string(transaction_);
    response.cseq = 1;
    failures_.note(response, ipv6_ ? ipv6_host(to) : host(to), now_, offences_);
  }
  void wait(milliseconds duration) {
    const base::TimePoint end = now_ + duration;
    for (auto due = failures_.next_deadline(); due && *due <= end; due = failures_.next_deadline()) {
      now_ = std::max(now_, *due);
      failures_.run_timers(now_, offences_);
    }
    now_ = end;
  }
  // What there is against whom, and forgets it.
  std::string convicted() {
    std::string text;
    for (const Offence& offence : offences_)
      text += (text.empty() ? "" : ", ") + offence.source.to_string() + " " + offence.text;
    offences_.clear();
    return text;
  }

  Failures failures_{3, {}};
  base::TimePoint now_ = base::TimePoint{base::Duration{1'000'000}};
  std::vector<Offence> offences_;
  int transaction_ = 0;
  bool ipv6_ = false;
};

// A new address of the same network each time.
TEST_F(FailuresTest, Ipv6SourcesCountByNetwork) {
  ipv6_ = true;
  for (std::uint32_t i = 1; i <= 3; ++i) respond(403, Method::register_, i);
  EXPECT_EQ(convicted(), "");
  respond(403, Method::register_, 4);
  EXPECT_EQ(convicted(), "2001:db8:1::4 4/min");
  respond(403, Method::register_, 0x10005);
  EXPECT_EQ(convicted(), "") << "of another network";
}

TEST_F(FailuresTest, RefusalsBeyondTheBoundWithinAMinute) {
  for (int status : {403, 404, 403}) respond(status);
  EXPECT_EQ(convicted(), "");
  respond(404, Method::invite);
  EXPECT_EQ(convicted(), "203.0.0.1 4/min");
  respond(404);
  EXPECT_EQ(convicted(), "");  // a new account
}

TEST_F(FailuresTest, AMinuteLaterTheyAreForgotten) {
  for (int i = 0; i < 3; ++i) respond(403);
  wait(std::chrono::minutes{1});
  for (int i = 0; i < 3; ++i) respond(403);
  EXPECT_EQ(convicted(), "");
  respond(403);
  EXPECT_EQ(convicted(), "203.0.0.1 4/min");
}

TEST_F(FailuresTest, ChallengesThatNothingFollows) {
  for (int i = 0; i < 4; ++i) respond(i % 2 == 0 ? 401 : 407, Method::invite);
  EXPECT_EQ(convicted(), "");
  wait(milliseconds{1999});
  EXPECT_EQ(convicted(), "");
  wait(milliseconds{1});
  EXPECT_EQ(convicted(), "203.0.0.1 4/min");
  EXPECT_FALSE(failures_.next_deadline());
}

// An office with fifty phones behind one address, after a power failure.
TEST_F(FailuresTest, ChallengesThatAreMetAreNone) {
  for (int i = 0; i < 50; ++i) respond(401);
  wait(milliseconds{500});
  for (int i = 0; i < 50; ++i) respond(200);
  wait(std::chrono::minutes{1});
  EXPECT_EQ(convicted(), "");
  EXPECT_FALSE(failures_.next_deadline());
}

TEST_F(FailuresTest, ChallengesAreJudgedByThoseThatAreLeft) {
  for (int i = 0; i < 5; ++i) respond(401);
  wait(milliseconds{1500});
  for (int i = 0; i < 3; ++i) respond(200);
  for (int i = 0; i < 3; ++i) respond(401);
  wait(milliseconds{1900});  // these have their two seconds, too
  EXPECT_EQ(convicted(), "");
  wait(milliseconds{2500});
  EXPECT_EQ(convicted(), "203.0.0.1 5/min");
}

TEST_F(FailuresTest, CopiesOfAResponseCountOnce) {
  respond(404);
  for (int i = 0; i < 10; ++i) repeat(404);
  EXPECT_EQ(convicted(), "");
}

TEST_F(FailuresTest, OtherMethodsAndResponsesDoNotCount) {
  for (int i = 0; i < 20; ++i) {
    for (int status : {100, 180, 302, 400, 408, 480, 481, 486, 487, 500, 503, 603})
      respond(status, Method::invite);
    for (Method method : {Method::options, Method::subscribe, Method::bye}) respond(404, method);
  }
  wait(std::chrono::minutes{1});
  EXPECT_EQ(convicted(), "");
}

TEST_F(FailuresTest, EachSourceHasItsOwn) {
  for (int i = 0; i < 3; ++i) {
    respond(403, Method::register_, 1);
    respond(403, Method::register_, 2);
  }
  EXPECT_EQ(convicted(), "");
  respond(403, Method::register_, 2);
  EXPECT_EQ(convicted(), "203.0.0.2 4/min");
}

TEST_F(FailuresTest, NoneAreCountedByDefault) {
  Failures off(0, {});
  message::SipMessage response;
  response.status = 403;
  response.method = Method::register_;
  for (int i = 0; i < 1000; ++i) off.note(response, host(1), now_, offences_);
  EXPECT_EQ(convicted(), "");
  EXPECT_EQ(off.size(), 0U);
}

TEST_F(FailuresTest, AFloodOfSourcesIsBounded) {
  const auto many = static_cast<std::uint32_t>(base::limits::failing_sources * 5);
  for (std::uint32_t source = 0; source < many; ++source) {
    respond(401, Method::register_, source);
    EXPECT_LE(failures_.size(), 2 * base::limits::failing_sources);
  }
  EXPECT_EQ(convicted(), "");
  for (int i = 0; i < 4; ++i) respond(403, Method::register_, many);
  EXPECT_NE(convicted(), "");
}

}  // namespace
}  // namespace dpinholer::scanners
