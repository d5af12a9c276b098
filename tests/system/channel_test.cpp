// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/channel.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace dpinholer::system {
namespace {

constexpr std::size_t most = std::size_t{1} << 24;

std::vector<std::uint8_t> octets(std::size_t count) {
  std::vector<std::uint8_t> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<std::uint8_t>(i * 7);
  return made;
}

void send_raw(const Channel& channel, std::uint32_t length, std::uint16_t kind, const std::string& content) {
  std::string raw(8, '\0');
  std::memcpy(raw.data(), &length, 4);
  std::memcpy(raw.data() + 4, &kind, 2);
  raw += content;
  ASSERT_EQ(send(channel.fd(), raw.data(), raw.size(), 0), static_cast<ssize_t>(raw.size()));
}

int code_of(const tl::expected<Channel::Frame, SystemError>& frame) {
  return frame ? 0 : frame.error().code;
}

TEST(Channel, FramesOfEverySizeArriveWhole) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 65535, 300'000, 5'000'000}) {
    auto [here, there] = Channel::pair();
    here.set_patience(std::chrono::seconds{10});
    auto received = std::async([&there = there] {  // clang 14 captures it only by name
      auto frame = there.receive(most);
      return frame ? std::pair(frame->kind,
                               std::vector<std::uint8_t>(frame->content.begin(), frame->content.end()))
                   : std::pair(std::uint16_t{0}, std::vector<std::uint8_t>{});
    });
    ASSERT_TRUE(here.send(42, octets(size)));
    EXPECT_EQ(received.get(), std::pair(std::uint16_t{42}, octets(size))) << size;
  }
}

TEST(Channel, WhatBreaksABoundOrDoesNotComeIsAnError) {
  {
    auto [here, there] = Channel::pair();
    send_raw(there, most + 1, 1, "");
    EXPECT_EQ(code_of(here.receive(most)), EMSGSIZE) << "too long";
  }
  {
    auto [here, there] = Channel::pair();
    send_raw(there, 2, 1, "abc");
    EXPECT_EQ(code_of(here.receive(most)), EMSGSIZE) << "more than it says";
  }
  {
    auto [here, there] = Channel::pair();
    here.set_patience(std::chrono::milliseconds{20});
    EXPECT_EQ(code_of(here.receive(most)), ETIMEDOUT) << "nothing";
    send_raw(there, 4, 1, "abc");
    EXPECT_EQ(code_of(here.receive(most)), ETIMEDOUT) << "less than it says";
  }
  {
    auto [here, there] = Channel::pair();
    send_raw(there, 4, 1, "abc");
    shutdown(there.fd(), SHUT_WR);
    EXPECT_EQ(code_of(here.receive(most)), ECONNRESET) << "the end in the middle of a frame";
  }
}

TEST(Channel, AReaderThatDoesNotReadHoldsNobodyForEver) {
  auto [here, there] = Channel::pair();
  here.set_patience(std::chrono::milliseconds{20});
  const auto sent = here.send(1, octets(5'000'000));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ETIMEDOUT);
}

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds patience{100};
constexpr milliseconds at_most{180};

/// Signals every five milliseconds, for a second, that interrupt what this process waits for.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction action {};
    action.sa_handler = [](int) {
      left = left - 1;
      if (left <= 0) set(0);
    };
    left = 200;
    sigaction(SIGALRM, &action, &before_);
    set(5000);
  }
  ~Interruptions() {
    set(0);
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  static void set(suseconds_t each) {
    const itimerval time{{0, each}, {0, each}};
    setitimer(ITIMER_REAL, &time, nullptr);
  }
  static inline volatile int left = 0;
  struct sigaction before_ {};
};

TEST(Channel, A32_AnInterruptedWaitIsNoLonger) {
  auto [here, there] = Channel::pair();
  here.set_patience(patience);
  {
    const Interruptions interruptions;
    const auto began = steady_clock::now();
    EXPECT_EQ(code_of(here.receive(most)), ETIMEDOUT) << "receive";
    EXPECT_LT(steady_clock::now() - began, at_most) << "receive";
  }
  const auto much = octets(5'000'000);
  const Interruptions interruptions;
  const auto began = steady_clock::now();
  const auto sent = here.send(1, much);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ETIMEDOUT) << "send";
  EXPECT_LT(steady_clock::now() - began, at_most) << "send";
}

// In the header, in the content, and for a sender in what is read of it.
TEST(Channel, A32_OctetsThatTrickleMakeNoWaitLonger) {
  const std::string frame(
      "\x08\0\0\0\x01\0\0\0"
      "01234567",
      16);
  for (const std::size_t at_once : {0, 8}) {
    auto [here, there] = Channel::pair();
    here.set_patience(patience);
    ASSERT_EQ(send(there.fd(), frame.data(), at_once, 0), static_cast<ssize_t>(at_once));
    std::jthread trickle([&, fd = there.fd()] {
      for (std::size_t at = at_once; at < at_once + 6; ++at) {
        std::this_thread::sleep_for(milliseconds{60});
        (void)!send(fd, &frame[at], 1, MSG_NOSIGNAL);
      }
    });
    const auto began = steady_clock::now();
    EXPECT_EQ(code_of(here.receive(most)), ETIMEDOUT) << at_once;
    EXPECT_LT(steady_clock::now() - began, at_most) << at_once;
    trickle.join();
  }
  const auto much = octets(20'000'000);
  auto [here, there] = Channel::pair();
  here.set_patience(patience);
  std::jthread trickle([fd = there.fd()] {
    std::vector<std::uint8_t> some(200'000);
    for (int i = 0; i < 6; ++i) {
      std::this_thread::sleep_for(milliseconds{60});
      (void)!recv(fd, some.data(), some.size(), MSG_DONTWAIT);
    }
  });
  const auto began = steady_clock::now();
  EXPECT_FALSE(here.send(1, much));
  EXPECT_LT(steady_clock::now() - began, at_most);
}

TEST(Channel, TheEndOfTheOtherEndIsAnErrorAndNoSignal) {
  auto ends = Channel::pair();
  { const Channel gone = std::move(ends.second); }
  EXPECT_FALSE(ends.first.send(1, {}));
  EXPECT_EQ(code_of(ends.first.receive(most)), ECONNRESET);
}

}  // namespace
}  // namespace dpinholer::system
