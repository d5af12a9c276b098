// SPDX-License-Identifier: GPL-2.0-or-later
// Header lines that can't be read (calls.md section 1, RFC 3261 section 16.3) are skipped like unknown
// fields, unless they may be one of those that identify the message. A message that can't be read does not
// blind the connection that it came on, as long as its end is certain (section 7, RFC 3261 section 18.3).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "pipeline/websocket.h"

namespace dpinholer::test {
namespace {

using namespace std::string_literals;

enum class Transport { udp, tcp, websocket };

struct Way {
  Transport transport;
  const char* caller;
  const char* callee;
};

const Way ways[] = {
    {Transport::udp, "192.0.2.10", "203.0.113.5"},
    {Transport::udp, "2001:db8:1::10", "2001:db8:2::5"},
    {Transport::tcp, "192.0.2.10", "203.0.113.5"},
    {Transport::tcp, "2001:db8:1::10", "2001:db8:2::5"},
    {Transport::websocket, "192.0.2.10", "203.0.113.5"},
    {Transport::websocket, "2001:db8:1::10", "2001:db8:2::5"},
};

std::string tell(const Way& way) {
  constexpr const char* names[] = {"UDP", "TCP", "WebSocket"};
  return std::string(names[static_cast<std::size_t>(way.transport)]) + " from " + way.caller;
}

// The messages of two parties over one transport, and their effect.
class Wire {
 public:
  explicit Wire(const Way& way)
      : way_(way), caller_{way.caller, 40000}, callee_{way.callee, 5060}, tcp_(caller_, callee_) {
    if (way.transport != Transport::udp) scenario_.send_packets(tcp_.handshake());
    if (way.transport != Transport::websocket) return;
    scenario_.send_packets(tcp_.from_client(websocket::get));
    scenario_.send_packets(tcp_.from_server(websocket::switching));
  }

  std::string caller_says(const std::string& message) { return say(message, true); }
  std::string callee_says(const std::string& message) { return say(message, false); }

  std::string audio(const char* address, int port) const {
    return sdp({std::string(address) + "|audio " + std::to_string(port) + " RTP/AVP 0"});
  }
  Sip invite(const std::string& call = "1") const {
    return {.start = "INVITE", .call_id = call, .body = audio(way_.caller, 30000)};
  }
  Sip ok(const std::string& call = "1") const {
    return {.start = "200 INVITE", .call_id = call, .to_tag = "b", .body = audio(way_.callee, 40000)};
  }
  std::size_t open() const { return scenario_.pipeline().open_pinholes(); }
  Scenario& scenario() { return scenario_; }
  const Counters& counters() { return scenario_.pipeline().counters(); }

 private:
  std::string say(const std::string& message, bool by_caller) {
    const Host& from = by_caller ? caller_ : callee_;
    const Host& to = by_caller ? callee_ : caller_;
    if (way_.transport == Transport::udp) return scenario_.send_raw(from, to, message);
    const std::string octets =
        way_.transport == Transport::tcp ? message : websocket::frame(websocket::text, message, by_caller);
    return scenario_.send_packets(by_caller ? tcp_.from_client(octets, 100) : tcp_.from_server(octets, 100));
  }

  Way way_;
  Host caller_;
  Host callee_;
  TcpPair tcp_;
  mutable Scenario scenario_;
};

// The message with `lines` as its first header lines, in the middle of them, or as the last.
enum class Place { first, middle, last };
std::string with(const std::string& lines, Place place, const Sip& message) {
  std::string text = to_text(message);
  std::size_t at = 0;
  switch (place) {
    case Place::first:
      at = text.find("\r\n") + 2;
      break;
    case Place::middle:
      at = text.find("To: ");
      break;
    case Place::last:
      at = text.find("\r\n\r\n") + 2;
      break;
  }
  return text.insert(at, lines);
}

const std::string overlooked[] = {
    "garbage\r\n",
    "X-Remark no colon here\r\n",
    "X-Remark no colon here\r\n and a fold: of it\r\n",
    "garbage\r\ngarbage\r\n\tfolded\r\n?\r\n",
    ": no name\r\n",
    "X Y: a blank in the name\r\n",
    "X(Y): z\r\n",
    "X\x01: a control octet\r\n",
    "\xd0\xa2\xd0\xb5\xd0\xbc\xd0\xb0: 8 bits\r\n",
    "T\xc3\xb6: 8 bits behind what is a compact name\r\n",
    "Subject: a\0NUL\r\n"s,
    "X\0Y: z\r\n"s,
    "\0\0\r\n"s,
    "Subject: a\rCR\r\n",
    "i\r\n",
    "x-no-colon-i\r\n",
    "Session-Expires: soon\r\n",
    "Session-Expires: 90\0\r\n"s,
    "RSeq: \x01\r\n",
    "Require: ,,\r\n",
    "X  : blanks before the colon\r\n",
    "X:\r\n",
    "X: \xff\xfe\r\n",
};

TEST(OddLines, AreSteppedOver) {
  for (const Way& way : ways) {
    for (const std::string& lines : overlooked) {
      for (Place place : {Place::first, Place::middle, Place::last}) {
        Wire wire(way);
        const std::string about = tell(way) + ", " + lines;
        wire.caller_says(with(lines, place, wire.invite()));
        EXPECT_EQ(wire.open(), 2U) << about;
        wire.callee_says(with(lines, place, wire.ok()));
        EXPECT_EQ(wire.open(), 4U) << about;
        wire.caller_says(with(
            lines, place, {.start = "BYE", .call_id = "1", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2}));
        wire.callee_says(
            with(lines, place,
                 {.start = "200 BYE", .call_id = "1", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2}));
        EXPECT_EQ(wire.open(), 0U) << about;
        EXPECT_EQ(wire.counters().malformed, 0U) << about;
        EXPECT_EQ(wire.counters().sip_messages, 4U) << about;
      }
    }
  }
}

// A line of those that identify the message, as one reader or another may take it.
const std::string identifying[] = {
    "Call-ID\0: x\r\n"s,
    "\0Call-ID: x\r\n"s,
    "Call-ID x\r\n",
    "Call-ID\xc2\xa0: x\r\n",
    "Call-ID x: y\r\n",
    "x Call-ID: y\r\n",
    "Call-ID\r\n : x\r\n",
    "i\r\n : x\r\n",
    "i\x01: x\r\n",
    "garbage\r\n Call-ID: x\r\n",
    "garbage\rCall-ID: x\r\n",
    "Subject: x\rTo: y\r\n",
    "CSeq\x01: 2 BYE\r\n",
    "From <sip:x>;tag=y\r\n",
    "\"To\": x\r\n",
    "(t): x\r\n",
    "Via; SIP/2.0/UDP x: y\r\n",
    "Content-Type\x7f: text/plain\r\n",
    "c\0: text/plain\r\n"s,
};

TEST(OddLines, A12_ThatMayIdentifyTheMessageOpenNothingAndBlindNoConnection) {
  for (const Way& way : ways) {
    for (const std::string& lines : identifying) {
      for (Place place : {Place::middle, Place::last}) {
        Wire wire(way);
        const std::string about = tell(way) + ", " + lines;
        EXPECT_EQ(wire.caller_says(with(lines, place, wire.invite())), "") << about;
        EXPECT_EQ(wire.counters().malformed, 1U) << about;
        wire.callee_says(to_text({.start = "488 INVITE", .call_id = "1", .to_tag = "b"}));
        wire.caller_says(to_text(wire.invite("2")));
        EXPECT_EQ(wire.open(), 2U) << about;
        EXPECT_EQ(wire.callee_says(with(lines, place, wire.ok("2"))), "") << about;
        EXPECT_EQ(wire.counters().malformed, 2U) << about;
        wire.callee_says(to_text(wire.ok("2")));
        EXPECT_EQ(wire.open(), 4U) << about;
      }
    }
  }
}

TEST(OddLines, AMessageThatLacksWhatIdentifiesItBlindsNoConnection) {
  for (const Way& way : ways) {
    for (const char* name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
      Wire wire(way);
      std::string text = to_text(wire.invite());
      text.insert(text.find("\r\n"s + name + ":") + 2, "X-");
      EXPECT_EQ(wire.caller_says(text), "");
      EXPECT_EQ(wire.counters().malformed, 1U) << tell(way) << name;
      wire.caller_says(to_text(wire.invite("2")));
      EXPECT_EQ(wire.open(), 2U) << tell(way) << name;
    }
  }
}

// More of the start line, or a field all the same.
TEST(OddLines, AFoldWithoutAField) {
  for (const Way& way : ways) {
    Wire wire(way);
    wire.caller_says(with(" : x\r\n", Place::first, wire.invite()));
    EXPECT_EQ(wire.open(), 2U) << tell(way);
    wire.caller_says(with(" To: x\r\n", Place::first, wire.invite("2")));
    EXPECT_EQ(wire.counters().malformed, 1U) << tell(way);
  }
}

TEST(OddLines, AStartLineThatCantBeReadBlindsNoConnection) {
  for (const Way& way : ways) {
    for (const char* start : {"INVITE sip:a b SIP/2.0", "OPTIONS sip:a SIP/7.0", "SIP/2.0 4294967301 x",
                              "SIP/2.0 99 x", "INVITE sip:a\rb SIP/2.0"}) {
      for (bool first : {true, false}) {
        Wire wire(way);
        if (!first) wire.caller_says(to_text({.start = "OPTIONS"}));
        std::string text = to_text(wire.invite());
        EXPECT_EQ(wire.caller_says(text.replace(0, text.find("\r\n"), start)), "");
        EXPECT_EQ(wire.counters().malformed, 1U) << tell(way) << start;
        wire.caller_says(to_text(wire.invite("2")));
        EXPECT_EQ(wire.open(), 2U) << tell(way) << start;
      }
    }
  }
}

TEST(OddLines, TooManyFieldsBlindNoConnection) {
  std::string many;
  for (std::size_t i = 0; i <= base::limits::header_fields; ++i) many += "a: b\r\n";
  for (const Way& way : ways) {
    for (Place place : {Place::first, Place::last}) {
      Wire wire(way);
      EXPECT_EQ(wire.caller_says(with(many, place, wire.invite())), "");
      EXPECT_EQ(wire.counters().malformed, 1U) << tell(way);
      wire.caller_says(to_text(wire.invite("2")));
      EXPECT_EQ(wire.open(), 2U) << tell(way);
    }
  }
}

// The end of the message is uncertain: one reader takes for its body the octets that are the next message to
// another. A WebSocket frame and a datagram have ends of their own.
TEST(OddLines, A12_AStreamWhoseEndsAreNotCertainIsForeign) {
  const std::string lines[] = {
      "Content-Length\0: 9\r\n"s,       // or is it?
      "Content-Length 9\r\n",           //
      "Content-Length\xc2\xa0: 9\r\n",  //
      "x\r\n Content-Length: 9\r\n",    //
      "Subject: x\rl: 9\r\n",           // a line to those for whom a CR ends one
      "Content-Length: 9\r\n",          // another value than the one behind it
      "Content-Length: \r\n",           //
      "Content-Length: -1\r\n",         //
      "Content-Length: 9\r x\r\n",      //
      "Subject: x\r\r\n",               // the end of the header to some
      "\r\r\n",                         //
      " \r\n",                          //
      "Subject: x\r\n\t \r\n",          //
      "Subject: x\r \r\n",              //
  };
  for (const Way& way : ways) {
    for (const std::string& line : lines) {
      Wire wire(way);
      wire.caller_says(to_text({.start = "OPTIONS"}));
      wire.caller_says(with(line, Place::middle, wire.invite()));
      EXPECT_EQ(wire.open(), 0U) << tell(way) << line;
      wire.caller_says(to_text(wire.invite("2")));
      EXPECT_EQ(wire.open(), way.transport == Transport::tcp ? 0U : 2U) << tell(way) << line;
    }
  }
}

TEST(OddLines, A12_OneThatCantBeReadAndHasNoContentLengthHasNoCertainEnd) {
  for (const Way& way : ways) {
    Wire wire(way);
    std::string text = with("Call-ID\0: x\r\n"s, Place::middle, wire.invite());
    const auto at = text.find("Content-Length");
    text.erase(at, text.find("\r\n", at) + 2 - at);
    EXPECT_EQ(wire.caller_says(text), "");
    wire.caller_says(to_text(wire.invite("2")));
    EXPECT_EQ(wire.open(), way.transport == Transport::tcp ? 0U : 2U) << tell(way);
  }
}

// A request that only a lenient reader finds in the body of another must not be believed.
TEST(OddLines, A12_BlanksBeforeTheColonOfAContentLength) {
  for (const char* name :
       {"Content-Length :", "Content-Length\t:", "l  :", "CONTENT-LENGTH: ", "Content-Length:\r\n "}) {
    Wire wire({Transport::tcp, "192.0.2.10", "203.0.113.5"});
    const std::string smuggled = to_text(wire.invite());
    std::string text = to_text({.start = "OPTIONS", .call_id = "o"});
    const auto at = text.find("Content-Length");
    text.replace(at, text.find("\r\n", at) - at, name + std::to_string(smuggled.size()));
    EXPECT_EQ(wire.caller_says(text + smuggled), "") << name;
    wire.caller_says(to_text(wire.invite("2")));
    EXPECT_EQ(wire.open(), 2U) << name;
  }
}

TEST(OddLines, AWholeConversationOfThem) {
  Wire wire(ways[2]);
  std::string many;
  for (int i = 0; i < 50; ++i)
    many += with("Call-ID\0: x\r\n"s, Place::middle, wire.invite()) +
            with("garbage\r\n", Place::first, {.start = "OPTIONS"});
  wire.caller_says(many);
  EXPECT_EQ(wire.counters().malformed, 50U);
  EXPECT_EQ(wire.counters().sip_messages, 50U);
  EXPECT_EQ(wire.open(), 0U);
}

}  // namespace
}  // namespace dpinholer::test
