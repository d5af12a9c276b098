// SPDX-License-Identifier: GPL-2.0-or-later
// One connection in segments of one octet (attack A28): it costs its own octets, and its messages are read
// all the same. Counted, not timed: tests of message::Conversation count the work of messages,
// tests/ip/streams_test.cpp that of segments.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/limits.h"
#include "message/conversation.h"
#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "pipeline/websocket.h"

namespace dpinholer::test {
namespace {

const Host client{"192.0.2.10", 40000};
const Host server{"203.0.113.5", 5060};

std::string invite(std::size_t header, std::size_t body) {
  const std::string description = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
  return to_text({.start = "INVITE",
                  .headers = "X: " + std::string(header, 'x') + "\r\n",
                  .body = description + "a=" + std::string(body, 'y') + "\r\n"});
}

// The octets of headers that a conversation looks at when `text` comes octet by octet.
std::uint64_t scanned(const std::string& text, std::size_t messages) {
  message::Conversation conversation(1 << 20);
  std::size_t begin = 0;
  std::size_t read = 0;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    while (true) {
      const auto step = conversation.next(
          ip::End::initiator, base::as_bytes(std::string_view(text).substr(begin, end - begin)), {});
      begin += step.consumed;
      if (step.kind == message::Conversation::Step::Kind::message) ++read;
      EXPECT_NE(step.kind, message::Conversation::Step::Kind::give_up);
      if (step.kind == message::Conversation::Step::Kind::need_more) break;
    }
  }
  EXPECT_EQ(read, messages);
  return conversation.work();
}

TEST(SlowConnections, A28_AHeaderIsReadOnceHoweverSlowlyItsBodyComes) {
  const std::uint64_t few = scanned(invite(5000, 100), 1);
  EXPECT_LE(few, 4 * invite(5000, 100).size());
  EXPECT_LE(scanned(invite(5000, 1000), 1), few + 10);
  EXPECT_LE(scanned(invite(5000, 50000), 1), few + 10) << "the body is none of its business";
  EXPECT_LE(scanned(invite(50000, 100), 1), 11 * few);
}

TEST(SlowConnections, A28_ManyMessagesCostWhatOneDoesEach) {
  const std::string message = invite(500, 500);
  const std::string keep_alives = std::string(1000, '\n');
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += keep_alives + message;
  const std::uint64_t one = scanned(message, 1);
  EXPECT_LE(scanned(ten, 10), 10 * one + 10);
  EXPECT_LE(scanned(keep_alives + keep_alives, 0), 10U);
}

TEST(SlowConnections, A28_ManyMessagesInOneSegmentAreEachReadOnce) {
  const std::string message = invite(10, 10);
  std::string many;
  for (int i = 0; i < 100; ++i) many += message;
  message::Conversation conversation(1 << 20);
  for (std::size_t begin = 0; begin < many.size();) {
    const auto step =
        conversation.next(ip::End::initiator, base::as_bytes(std::string_view(many).substr(begin)), {});
    ASSERT_TRUE(step.consumed > 0 || step.kind == message::Conversation::Step::Kind::step);
    begin += step.consumed;
  }
  EXPECT_LE(conversation.work(), 2 * many.size());
}

TEST(SlowConnections, A28_SegmentsOfOneOctetInAnyOrderWithinAWindow) {
  Scenario s;
  TcpPair tcp(client, server);
  s.send_packets(tcp.handshake());
  auto packets = tcp.from_client(invite(30000, 30000), 1);
  ASSERT_GT(packets.size(), 60000U);
  std::mt19937 random(1);
  for (std::size_t at = 0; at + 100 <= packets.size(); at += 100) {
    const auto window = packets.begin() + static_cast<std::ptrdiff_t>(at);
    std::shuffle(window, window + 100, random);
  }
  s.send_packets(packets);
  EXPECT_EQ(s.pipeline().open_pinholes(), 2U);
}

TEST(SlowConnections, A28_BackwardsTheyAreOnePiece) {
  Scenario s;
  TcpPair tcp(client, server);
  s.send_packets(tcp.handshake());
  auto packets = tcp.from_client(invite(30000, 30000), 1);
  std::reverse(packets.begin(), packets.end());
  s.send_packets(packets);
  EXPECT_EQ(s.pipeline().open_pinholes(), 2U);
}

TEST(SlowConnections, A28_InAnyOrderAtAllItIsGivenUpAndOthersGoOn) {
  Scenario s;
  TcpPair tcp(client, server);
  s.send_packets(tcp.handshake());
  auto packets = tcp.from_client(invite(30000, 30000), 1);
  std::shuffle(packets.begin(), packets.end(), std::mt19937(1));
  s.send_packets(packets);
  EXPECT_EQ(s.pipeline().open_pinholes(), 0U);
  EXPECT_EQ(s.pipeline().counters().streams.given_up[static_cast<std::size_t>(ip::GivenUp::over_bound)], 1U);
  TcpPair other({"192.0.2.11", 40000}, server);
  s.send_packets(other.handshake());
  s.send_packets(other.from_client(invite(10, 10)));
  EXPECT_EQ(s.pipeline().open_pinholes(), 2U);
}

TEST(SlowConnections, A28_AWebSocketInSegmentsOfOneOctet) {
  Scenario s;
  TcpPair tcp(client, server);
  s.send_packets(tcp.handshake());
  std::string get = websocket::get;
  get.insert(get.size() - 2, "X: " + std::string(10000, 'x') + "\r\n");
  s.send_packets(tcp.from_client(get, 1));
  s.send_packets(tcp.from_server(websocket::switching, 1));
  const std::string message = invite(3000, 3000);
  std::string frames;
  for (std::size_t at = 0; at < message.size(); at += 2)
    frames += websocket::frame(at == 0 ? websocket::text : websocket::continuation, message.substr(at, 2),
                               true, at + 2 >= message.size());
  for (int i = 0; i < 1000; ++i) frames += websocket::frame(websocket::ping, "", true);
  s.send_packets(tcp.from_client(frames, 1));
  EXPECT_EQ(s.pipeline().open_pinholes(), 2U);
}

// The octets of a WebSocket message that is never whole count like octets that are not read: 64 KiB of each
// of a thousand connections fill the bound.
TEST(SlowConnections, A28_WebSocketMessagesThatNeverEndAreBounded) {
  Scenario s;
  const std::string endless = websocket::frame(websocket::text, std::string(60000, 'x'), true, false);
  std::size_t connections = 0;
  auto evicted = [&] {
    return s.pipeline().counters().streams.given_up[static_cast<std::size_t>(ip::GivenUp::evicted)];
  };
  for (; connections < 2000 && evicted() == 0; ++connections) {
    TcpPair tcp({"192.0.2.10", static_cast<std::uint16_t>(1024 + connections)}, server);
    s.send_packets(tcp.handshake());
    s.send_packets(tcp.from_client(websocket::get));
    s.send_packets(tcp.from_server(websocket::switching));
    s.send_packets(tcp.from_client(endless));
  }
  EXPECT_GE(evicted(), 1U);
  EXPECT_LE(connections * 60000, base::limits::stream_octets + 60000);
}

}  // namespace
}  // namespace dpinholer::test
