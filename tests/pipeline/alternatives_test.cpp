// SPDX-License-Identifier: GPL-2.0-or-later
// multipart/alternative (RFC 2046 section 5.1.4): the last part that is an SDP counts, whoever sends it and
// in whatever message (calls.md section 1).
#include <gtest/gtest.h>

#include "pipeline/scenario.h"
#include "pipeline/tcp.h"

namespace dpinholer::test {
namespace {

std::string part(const std::string& body, const std::string& type = "application/sdp",
                 const std::string& boundary = "x") {
  return "--" + boundary + "\r\nContent-Type: " + type + "\r\n\r\n" + body + "\r\n";
}

const std::string alternative = "multipart/alternative;boundary=\"x\"";

// The old one first, as Lync and Skype have it.
std::string two(const std::string& address, int fallback, int port) {
  const std::string ice = "|a=ice-ufrag:abcd|a=rtcp-mux-only|a=rtcp-mux|a=candidate:1 1 UDP 1 " + address +
                          " " + std::to_string(port) + " typ host";
  return part(sdp({address + "|audio " + std::to_string(fallback) + " RTP/SAVP 0"})) +
         part(sdp({address + "|audio " + std::to_string(port) + " RTP/SAVP 0" + ice})) + "--x--\r\n";
}

std::string nested(const std::string& address, int fallback, int port) {
  const std::string inner = two(address, fallback, port);
  return part("<presence/>", "application/pidf+xml", "y") + part(inner, alternative, "y") + "--y--\r\n";
}

struct Kind {
  const char* caller;
  const char* callee;
  bool tcp;
  bool nests;
};
const Kind kinds[] = {
    {"192.0.2.10", "203.0.113.5", false, false}, {"2001:db8:1::10", "2001:db8:2::5", false, false},
    {"192.0.2.10", "203.0.113.5", true, false},  {"2001:db8:1::10", "2001:db8:2::5", true, true},
    {"192.0.2.10", "203.0.113.5", false, true},
};

class Parties {
 public:
  explicit Parties(const Kind& kind)
      : kind_(kind), caller_{kind.caller, 40000}, callee_{kind.callee, 5060}, tcp_(caller_, callee_) {
    if (kind.tcp) scenario_.send_packets(tcp_.handshake());
  }

  void caller_says(Sip message, int fallback, int port) { say(true, std::move(message), fallback, port); }
  void callee_says(Sip message, int fallback, int port) { say(false, std::move(message), fallback, port); }
  bool media(bool to_caller, std::uint16_t port) {
    return scenario_.media(to_caller ? kind_.callee : kind_.caller, to_caller ? kind_.caller : kind_.callee,
                           port);
  }
  std::size_t open() { return scenario_.pipeline().open_pinholes(); }

 private:
  void say(bool by_caller, Sip message, int fallback, int port) {
    const Host& from = by_caller ? caller_ : callee_;
    const Host& to = by_caller ? callee_ : caller_;
    if (port != 0) {
      message.content_type = kind_.nests ? "multipart/mixed;boundary=y" : alternative;
      message.body = (kind_.nests ? nested : two)(from.address, fallback, port);
    }
    if (!kind_.tcp) {
      scenario_.send(from, to, message);
    } else {
      const std::string text = to_text(message);
      scenario_.send_packets(by_caller ? tcp_.from_client(text, 100) : tcp_.from_server(text, 100));
    }
  }

  Kind kind_;
  Host caller_;
  Host callee_;
  TcpPair tcp_;
  Scenario scenario_;
};

TEST(Alternatives, OfAnOfferAndItsAnswerTheLastCounts) {
  for (const Kind& kind : kinds) {
    Parties parties(kind);
    parties.caller_says({.start = "INVITE"}, 30000, 31000);
    EXPECT_EQ(parties.open(), 1U) << kind.caller;
    EXPECT_TRUE(parties.media(true, 31000));
    EXPECT_FALSE(parties.media(true, 30000));
    parties.callee_says({.start = "200 INVITE", .to_tag = "b"}, 40000, 41000);
    EXPECT_EQ(parties.open(), 2U) << kind.caller;
    EXPECT_TRUE(parties.media(true, 31000));
    EXPECT_TRUE(parties.media(false, 41000));
    // a re-offer by the other side
    parties.callee_says({.start = "UPDATE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bK2"}, 40000,
                        42000);
    EXPECT_TRUE(parties.media(false, 42000));
    EXPECT_FALSE(parties.media(false, 40000));
    parties.caller_says({.start = "200 UPDATE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bK2"}, 30000,
                        31000);
    EXPECT_EQ(parties.open(), 2U) << kind.caller;
    EXPECT_FALSE(parties.media(false, 41000));
    EXPECT_TRUE(parties.media(false, 42000));
  }
}

TEST(Alternatives, OfALateOfferAndTheAnswerInItsAck) {
  for (const Kind& kind : kinds) {
    Parties parties(kind);
    parties.caller_says({.start = "INVITE"}, 0, 0);
    parties.callee_says({.start = "200 INVITE", .to_tag = "b"}, 40000, 41000);
    EXPECT_TRUE(parties.media(false, 41000));
    parties.caller_says({.start = "ACK", .to_tag = "b", .branch = "z9hG4bK2"}, 30000, 31000);
    EXPECT_EQ(parties.open(), 2U) << kind.caller;
    EXPECT_TRUE(parties.media(true, 31000));
  }
}

TEST(Alternatives, OfAnEarlyAnswerAndItsPrack) {
  for (const Kind& kind : kinds) {
    Parties parties(kind);
    parties.caller_says({.start = "INVITE"}, 30000, 31000);
    parties.callee_says({.start = "183 INVITE", .to_tag = "b", .headers = "Require: 100rel\r\nRSeq: 1\r\n"},
                        40000, 41000);
    EXPECT_TRUE(parties.media(false, 41000));
    parties.caller_says(
        {.start = "PRACK", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2, .headers = "RAck: 1 1 INVITE\r\n"},
        30000, 32000);
    EXPECT_TRUE(parties.media(true, 32000));
    EXPECT_FALSE(parties.media(true, 30000));
  }
}

}  // namespace
}  // namespace dpinholer::test
