// SPDX-License-Identifier: GPL-2.0-or-later
// What was asked for and did not open has its reason (calls.md sections 1 and 5), whatever carried it.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "pipeline/websocket.h"

namespace dpinholer::test {
namespace {

const std::string body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});

PipelineSettings queued() {
  PipelineSettings settings;
  settings.queued = true;
  return settings;
}

// ---- Bodies, over all transports
// ---------------------------------------------------------------------------

struct Carrier {
  const char* name;
  Host client;
  Host server;
  std::string (*send)(Scenario& s, const Carrier& carrier, const std::string& message);
};

std::string by_datagram(Scenario& s, const Carrier& carrier, const std::string& message) {
  return s.send_raw(carrier.client, carrier.server, message);
}

std::string by_stream(Scenario& s, const Carrier& carrier, const std::string& message) {
  TcpPair tcp(carrier.client, carrier.server);
  s.send_packets(tcp.handshake());
  return s.send_packets(tcp.from_client(message));
}

std::string by_websocket(Scenario& s, const Carrier& carrier, const std::string& message) {
  TcpPair tcp(carrier.client, carrier.server);
  s.send_packets(tcp.handshake());
  s.send_packets(tcp.from_client(websocket::get));
  s.send_packets(tcp.from_server(websocket::switching));
  return s.send_packets(tcp.from_client(websocket::frame(websocket::text, message, true)));
}

const Host ipv4_client{"192.0.2.10", 40000};
const Host ipv4_server{"203.0.113.5", 5060};
const Host ipv6_client{"2001:db8:1::a", 40000};
const Host ipv6_server{"2001:db8:2::5", 5060};

const Carrier carriers[] = {
    {"UDP over IPv4", ipv4_client, ipv4_server, by_datagram},
    {"UDP over IPv6", ipv6_client, ipv6_server, by_datagram},
    {"TCP over IPv4", ipv4_client, ipv4_server, by_stream},
    {"TCP over IPv6", ipv6_client, ipv6_server, by_stream},
    {"WebSocket over IPv4", ipv4_client, ipv4_server, by_websocket},
    {"WebSocket over IPv6", ipv6_client, ipv6_server, by_websocket},
};

struct BodyCase {
  const char* why;
  Sip message;
  std::string unread;  // after the Call-ID
};

TEST(Unread, BodiesOverAllTransports) {
  const BodyCase cases[] = {
      {"Content-Encoding",
       {.start = "INVITE", .headers = "Content-Encoding: gzip\r\n", .body = body},
       "encoding: Content-Encoding gzip"},
      {"S/MIME",
       {.start = "INVITE", .body = body, .content_type = "application/pkcs7-mime"},
       "encrypted: application/pkcs7-mime"},
      {"a multipart without boundary",
       {.start = "INVITE", .body = body, .content_type = "multipart/mixed"},
       "syntax: multipart/mixed without a boundary that can be read"},
      {"a type that is none",
       {.start = "INVITE", .body = body, .content_type = "sdp"},
       "syntax: Content-Type sdp"},
      {"no SDP at all", {.start = "INVITE", .body = "<sdp/>"}, "syntax: <sdp/>"},
      {"a transport that nobody knows",
       {.start = "INVITE", .body = sdp({"192.0.2.10|audio 30000 RTP 0 3"})},
       "syntax: m=audio 30000 RTP 0 3"},
      {"no port", {.start = "INVITE", .body = sdp({"192.0.2.10|audio"})}, "syntax: m=audio"},
      {"no c=",
       {.start = "INVITE", .body = sdp({"|audio 30000 RTP/AVP 0"})},
       "connection: m=audio 30000 RTP/AVP 0"},
      {"a c= that can't be read",
       {.start = "INVITE", .body = sdp({"192.0.2.10/24|audio 30000 RTP/AVP 0"})},
       "connection: c=IN IP4 192.0.2.10/24"},
  };
  for (const Carrier& carrier : carriers) {
    for (const BodyCase& c : cases) {
      Scenario s(queued());
      EXPECT_EQ(carrier.send(s, carrier, to_text(c.message)), "") << carrier.name << ", " << c.why;
      const std::string ends =
          to_string(base::Endpoint{*base::Address::parse(carrier.client.address), 40000}) + " > " +
          to_string(base::Endpoint{*base::Address::parse(carrier.server.address), 5060});
      EXPECT_EQ(s.unread(), ends + " call@pbx " + c.unread + "\n") << carrier.name << ", " << c.why;
    }
    Scenario s(queued());
    EXPECT_EQ(carrier.send(s, carrier, to_text({.start = "OPTIONS", .body = "<sdp/>"})), "");
    EXPECT_EQ(s.unread(), "") << carrier.name << ": nothing that opens";
  }
}

TEST(Unread, ContentLengthCutsADatagram) {
  for (const auto& [length, cut] : std::vector<std::pair<std::size_t, bool>>{
           {0, true}, {40, true}, {body.size() - 2, false}, {body.size(), false}, {body.size() + 9, false}}) {
    Scenario s(queued());
    std::string message = to_text({.start = "INVITE", .body = body});
    const std::string before = "Content-Length: " + std::to_string(body.size());
    message.replace(message.find(before), before.size(), "Content-Length: " + std::to_string(length));
    const bool opened = !s.send_raw(ipv4_client, ipv4_server, message).empty();
    EXPECT_NE(opened, cut) << length;
    EXPECT_EQ(s.unread(), cut ? "192.0.2.10:40000 > 203.0.113.5:5060 call@pbx cut: Content-Length " +
                                    std::to_string(length) + ", the body has " + std::to_string(body.size()) +
                                    " octets\n"
                              : "")
        << length;
  }
}

TEST(Unread, AnAnswerThatCannotBeReadIsToldAsWell) {
  Scenario s(queued());
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  EXPECT_NE(s.send(alice, bob, {.start = "INVITE", .body = body}), "");
  EXPECT_EQ(s.unread(), "");
  s.send(bob, alice,
         {.start = "200 INVITE", .to_tag = "b", .headers = "Content-Encoding: gzip\r\n", .body = body});
  EXPECT_EQ(s.unread(), "203.0.113.5:5060 > 192.0.2.10:5060 call@pbx encoding: Content-Encoding gzip\n");
}

TEST(Unread, TheMediaDescriptionsBesideOpen) {
  Scenario s(queued());
  EXPECT_EQ(s.send({"192.0.2.10"}, {"203.0.113.5"},
                   {.start = "INVITE",
                    .body = sdp({"192.0.2.10|image 30000 udptl t38", "192.0.2.10|video 30002 RTP 31"})}),
            "open 192.0.2.10:30000 any image data 180 offer\n");
  EXPECT_EQ(s.unread(), "192.0.2.10:5060 > 203.0.113.5:5060 call@pbx syntax: m=video 30002 RTP 31\n");
}

// ---- Messages and connections
// ------------------------------------------------------------------------------

TEST(Unread, AMessageOnWhichTheReaderGaveUp) {
  const std::string malformed = "INVITE sip:bob@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
  const std::string told = "malformed: INVITE sip:bob@example.com SIP/2.0\n";
  for (const Carrier& carrier : carriers) {
    Scenario s(queued());
    EXPECT_EQ(carrier.send(s, carrier, malformed), "");
    EXPECT_TRUE(s.unread().ends_with(" " + told)) << carrier.name;
  }
}

struct StreamCase {
  const char* why;
  std::string bytes;
  std::string unread;
};

TEST(Unread, ConnectionsThatAreNotFollowed) {
  const StreamCase cases[] = {
      {"TLS", std::string("\x16\x03\x01\x00\x05\x01", 6), "tls"},
      {"HTTP", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "foreign: GET / HTTP/1.1"},
      {"something else", "\x01\x02hello\r\n", "foreign: \x01\x02hello"},
      {"a message without Content-Length, and its body",
       "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP host;branch=z9hG4bK1\r\nFrom: "
       "<sip:a@x>;tag=a\r\n"
       "To: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n" +
           body,
       "foreign: v=0"},
      {"more than the bound", "INVITE sip:bob@example.com SIP/2.0\r\nX: " + std::string(70000, 'x'), "bound"},
  };
  for (const auto& [client, server] :
       {std::pair{ipv4_client, ipv4_server}, std::pair{ipv6_client, ipv6_server}}) {
    for (const StreamCase& c : cases) {
      Scenario s(queued());
      TcpPair tcp(client, server);
      s.send_packets(tcp.handshake());
      EXPECT_EQ(s.send_packets(tcp.from_client(c.bytes, 30000)), "") << c.why;
      const std::string told = s.unread();
      EXPECT_TRUE(told.ends_with(" " + c.unread + "\n")) << c.why << ": " << told;
      EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << c.why;
      s.send_packets(tcp.from_client("more of it"));
      EXPECT_EQ(s.unread(), "") << c.why << ", once";
    }
  }
}

TEST(Unread, OtherBytesForOnePlace) {
  Scenario s(queued());
  TcpPair tcp(ipv4_client, ipv4_server);
  s.send_packets(tcp.handshake());
  s.send_packet(tcp_packet(ipv4_client, ipv4_server, 1001, 9001, {}, "INVITE sip:a"));
  s.send_packet(tcp_packet(ipv4_client, ipv4_server, 1001, 9001, {}, "INVITE sip:b"));
  EXPECT_EQ(s.unread(), "192.0.2.10:40000 > 203.0.113.5:5060 conflict\n");
}

TEST(Unread, AConnectionWhoseBeginningWasNotSeenIsToldOnce) {
  Scenario s(queued());
  TcpPair tcp(ipv4_client, ipv4_server);
  tcp.handshake();
  for (int i = 0; i < 3; ++i) s.send_packets(tcp.from_client("OPTIONS sip:b"));
  s.send_packets(tcp.from_server("SIP/2.0 200 OK"));
  EXPECT_EQ(s.unread(), "192.0.2.10:40000 > 203.0.113.5:5060 gap: its beginning was not seen\n");
}

TEST(Unread, OfACaptureOnlyConnectionsThatAreMeantToBeSip) {
  const std::string hello("\x16\x03\x01\x00\x05\x01", 6);
  for (const auto& [port, told] : {std::pair<std::uint16_t, bool>{443, false}, {5060, true}, {5061, true}}) {
    Scenario s;
    TcpPair tcp(ipv4_client, {"203.0.113.5", port});
    s.send_packets(tcp.handshake());
    s.send_packets(tcp.from_client(hello));
    EXPECT_EQ(!s.unread().empty(), told) << port;
  }
}

TEST(Unread, TheMemoryOfWhatWasToldIsBounded) {
  Scenario s(queued());
  for (std::size_t i = 0; i <= base::limits::told_connections; ++i) {
    const Host client{"192.0.2.10", static_cast<std::uint16_t>(1024 + i)};
    s.send_packet(tcp_packet(client, ipv4_server, 1, 1, {}, "x"));
  }
  EXPECT_NE(s.unread(), "");
  s.send_packet(tcp_packet({"192.0.2.10", 1024}, ipv4_server, 1, 1, {}, "x"));
  EXPECT_NE(s.unread(), "") << "they are forgotten all at once";
  s.send_packet(tcp_packet({"192.0.2.10", 1024}, ipv4_server, 1, 1, {}, "x"));
  EXPECT_EQ(s.unread(), "");
}

// ---- Nothing is silent
// -------------------------------------------------------------------------------------

// No INVITE or answer that asks for media ends without an opening, a refusal or an unread event.
TEST(Unread, WhatAsksForMediaIsNeverSilent) {
  const std::uint32_t seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto pick = [&](const std::vector<std::string>& some) {
    return some[std::uniform_int_distribution<std::size_t>(0, some.size() - 1)(random)];
  };
  for (int i = 0; i < 3000; ++i) {
    const std::string address = pick({"", "192.0.2.10", "2001:db8::1", "host.example.com", "192.0.2.10/24",
                                      "0.0.0.0", "224.1.1.1/127", "127.0.0.1"});
    const std::string port = pick({"0", "9", "30000", "4000/2", "53", "70000", "x", "-1"});
    const std::string protocol =
        pick({"RTP/AVP", "RTP", "udptl", "UDP/TLS/RTP/SAVPF", "DCCP/RTP/AVP", "TCP/MSRP"});
    const std::string more =
        pick({"", "|a=inactive", "|a=rtcp-mux", "|a=candidate:1 1 UDP 1 192.0.2.10 4000 typ host",
              "|a=candidate:1 1 UDP 1 x.local 4000 typ host"});
    const std::string headers = pick({"", "", "", "Content-Encoding: gzip\r\n"});
    PipelineSettings settings = queued();
    settings.negotiation.tcp = true;
    Scenario s(settings);
    const Host alice{"192.0.2.10"};
    const Host bob{"203.0.113.5"};
    const bool answer = i % 2 == 1;
    if (answer) {
      s.send(bob, alice, {.start = "INVITE", .body = sdp({"203.0.113.5|audio 40000 " + protocol + " 0"})});
      s.unread();
    }
    const Sip message{
        .start = answer ? "200 INVITE" : "INVITE",
        .to_tag = answer ? "b" : "",
        .headers = headers,
        .body = sdp({address + "|audio " + port + " " + protocol + " 0|a=setup:passive" + more})};
    const std::string did = s.send(alice, bob, message);
    const bool candidate = more.find("192.0.2.10") != std::string::npos;
    // An answer's candidates are for an offer that has some, and its address for one of the same family.
    const bool nobody = answer && address == "2001:db8::1";
    const bool asks =
        port != "0" && ((candidate && !answer) || (port != "9" && address != "0.0.0.0" && !nobody));
    const bool told = did.find("open") != std::string::npos || did.find("refuse") != std::string::npos ||
                      !s.unread().empty();
    ASSERT_TRUE(told || !asks) << "seed " << seed << "\n" << to_text(message) << did << s.open();
  }
}

}  // namespace
}  // namespace dpinholer::test
