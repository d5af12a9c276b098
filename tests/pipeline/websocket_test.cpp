// SPDX-License-Identifier: GPL-2.0-or-later
// SIP over WebSocket (RFC 7118, RFC 6455), in the clear.
#include <gtest/gtest.h>

#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "pipeline/websocket.h"

namespace dpinholer::test {
namespace {

using namespace websocket;

const Host client{"192.0.2.10", 40000};
const Host server{"203.0.113.5", 8080};

const std::string invite = to_text({.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
const std::string ok =
    to_text({.start = "200 INVITE", .to_tag = "b", .body = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"})});
const std::string opened =
    "open 192.0.2.10:30000 any audio rtp 180 offer\n"
    "open 192.0.2.10:30001 any audio rtcp 180 offer\n";
const std::string answered =
    "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
    "bind 192.0.2.10:30001 203.0.113.5 audio rtcp 300 answer\n"
    "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n"
    "open 203.0.113.5:40001 192.0.2.10 audio rtcp 300 answer\n";

class WebSocket : public testing::Test {
 protected:
  void upgrade() {
    s_.send_packets(tcp_.handshake());
    EXPECT_EQ(s_.send_packets(tcp_.from_client(get, 50)), "");
    EXPECT_EQ(s_.send_packets(tcp_.from_server(switching, 50)), "");
  }
  std::string client_sends(const std::string& bytes, std::size_t piece = 60000) {
    return s_.send_packets(tcp_.from_client(bytes, piece));
  }
  std::string server_sends(const std::string& bytes, std::size_t piece = 60000) {
    return s_.send_packets(tcp_.from_server(bytes, piece));
  }

  Scenario s_;
  TcpPair tcp_{client, server};
};

TEST_F(WebSocket, MaskedAndUnmaskedFramesInAnySegmentation) {
  for (std::size_t piece : {1U, 5U, 1460U}) {
    for (std::uint8_t opcode : {text, binary}) {
      s_ = Scenario();
      tcp_ = TcpPair(client, server);
      upgrade();
      EXPECT_EQ(client_sends(frame(opcode, invite, true), piece), opened) << piece;
      EXPECT_EQ(server_sends(frame(opcode, ok, false), piece), answered) << piece;
    }
  }
}

TEST_F(WebSocket, A24_WhatAnOutsiderNamedIsNoBetterWhenAClientInsideSendsItOn) {
  PipelineSettings settings;
  settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value()};
  s_ = Scenario(settings);
  upgrade();
  Sip evil{.start = "INVITE", .body = sdp({"192.0.2.99|audio 9100 RTP/AVP 0"})};
  const std::string refused =
      "refuse 192.0.2.99:9100 audio rtp other-side\n"
      "refuse 192.0.2.99:9101 audio rtcp other-side\n";
  EXPECT_EQ(server_sends(frame(text, to_text(evil), false)), refused);
  evil.branch = "z9hG4bK2";
  EXPECT_EQ(client_sends(frame(text, to_text(evil), true)), refused);
}

TEST_F(WebSocket, FragmentedMessagesWithControlFramesInBetween) {
  upgrade();
  EXPECT_EQ(client_sends(frame(text, invite.substr(0, 100), true, false)), "");
  EXPECT_EQ(client_sends(frame(ping, "alive?", true)), "");
  EXPECT_EQ(server_sends(frame(pong, "alive?", false)), "");
  EXPECT_EQ(client_sends(frame(continuation, invite.substr(100, 50), true, false)), "");
  EXPECT_EQ(client_sends(frame(continuation, invite.substr(150), true)), opened);
  EXPECT_EQ(server_sends(frame(text, "\r\n", false) + frame(text, ok, false)), answered);
  EXPECT_EQ(client_sends(frame(close, "", true)), "");
}

TEST_F(WebSocket, ALongMessageHasA64BitLength) {
  PipelineSettings settings;
  settings.streams.buffer = 200000;
  s_ = Scenario(settings);
  upgrade();
  const std::string padded = to_text({.start = "INVITE",
                                      .headers = "X-Padding: " + std::string(70000, 'x') + "\r\n",
                                      .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})});
  EXPECT_EQ(client_sends(frame(text, padded, true)), opened);
}

TEST_F(WebSocket, WhatBreaksTheRulesIsForeign) {
  const std::string bad[] = {
      frame(text, invite, false),                                   // a client must mask (RFC 6455 5.1)
      frame(continuation, invite, true),                            // continues nothing
      std::string("\xf1") + frame(text, invite, true).substr(1),    // reserved bits: compressed, perhaps
      frame(3, invite, true),                                       // no such opcode
      frame(ping, std::string(126, 'x'), true),                     // too long for a control frame
      std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10),  // longer than anything
      invite,                                                       // no frame at all
  };
  for (const std::string& bytes : bad) {
    s_ = Scenario();
    tcp_ = TcpPair(client, server);
    upgrade();
    EXPECT_EQ(client_sends(bytes), "");
    EXPECT_EQ(client_sends(frame(text, invite, true)), "");
  }
}

TEST_F(WebSocket, OtherUpgradesAreForeign) {
  auto without = [](std::string from, const std::string& what, const std::string& by) {
    return from.replace(from.find(what), what.size(), by);
  };
  const std::pair<std::string, std::string> cases[] = {
      {without(get, "Protocol: sip", "Protocol: chat"), switching},
      {without(get, "Upgrade: websocket", "Upgrade: h2c"), switching},
      {get, without(switching, "101 Switching Protocols", "400 Bad Request")},
      {get, without(switching, "Protocol: sip", "Protocol: chat")},
      {get, without(switching, "Upgrade: websocket",
                    "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket")},
      {get + frame(text, invite, true), switching},  // before the server agreed
  };
  for (const auto& [request, response] : cases) {
    s_ = Scenario();
    tcp_ = TcpPair(client, server);
    s_.send_packets(tcp_.handshake());
    EXPECT_EQ(client_sends(request), "");
    EXPECT_EQ(server_sends(response), "");
    EXPECT_EQ(client_sends(frame(text, invite, true)), "") << request << response;
  }
}

}  // namespace
}  // namespace dpinholer::test
