// SPDX-License-Identifier: GPL-2.0-or-later
// Which messages count, and how their bodies are read (calls.md section 1 and the row on ambiguous messages
// of section 2; attack A12).
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

const Host alice{"192.0.2.10"};
const Host bob{"203.0.113.5"};

const std::string offer = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
const std::string answer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});
const std::string opened =
    "open 192.0.2.10:30000 any audio rtp 180 offer\n"
    "open 192.0.2.10:30001 any audio rtcp 180 offer\n";

TEST(Messages, NothingElseEverOpensAnything) {
  for (const std::string method : {"OPTIONS", "REGISTER", "MESSAGE", "NOTIFY", "PUBLISH", "REFER",
                                   "SUBSCRIBE", "INFO", "BYE", "CANCEL", "FOO"}) {
    for (bool in_dialog : {false, true}) {
      SCOPED_TRACE(method);
      Scenario s;
      if (in_dialog) {
        s.send(alice, bob, {.start = "INVITE", .body = offer});
        s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = answer});
      }
      const std::string before = s.open();
      const std::string more = sdp({"192.0.2.10|audio 30010 RTP/AVP 0"});
      Sip request{.start = method, .branch = "z9hG4bK5", .cseq = 5, .body = more};
      if (in_dialog) request.to_tag = "b";
      EXPECT_EQ(s.send(alice, bob, request), "");
      request.start = "400 " + method;  // a 2xx to BYE would close
      EXPECT_EQ(s.send(bob, alice, request), "");
      request.start = "183 " + method;
      EXPECT_EQ(s.send(bob, alice, request), "");
      EXPECT_EQ(s.open(), before);
    }
  }
}

TEST(Messages, AnOptionsResponseListsCapabilities) {
  Scenario s;
  EXPECT_EQ(s.send(alice, bob, {.start = "OPTIONS"}), "");
  EXPECT_EQ(s.send(bob, alice, {.start = "200 OPTIONS", .to_tag = "b", .body = answer}), "");
}

TEST(Messages, RefusalsDescribeNothing) {
  // RFC 3261 section 13.3.1.3: a 488 may carry what would have been acceptable.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    488 INVITE b [audio 40000]
        close alice:30000-30001 rejected
    alice > bob    ACK a b
  )"));
}

// An INVITE as it may come in: `lines` stand between the start line and the body.
std::string raw(const std::string& lines, const std::string& body = offer) {
  return "INVITE sip:b@example.com SIP/2.0\r\n" + lines + "\r\n" + body;
}
const std::string usual =
    "Via: SIP/2.0/UDP host;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=a\r\nTo: <sip:b@example.com>\r\n"
    "Call-ID: call@pbx\r\nCSeq: 1 INVITE\r\n";
const std::string typed = usual + "Content-Type: application/sdp\r\n";

TEST(Messages, NormalTraffic) {
  const std::pair<const char*, std::string> cases[] = {
      {"compact names",
       raw("v: SIP/2.0/UDP host;branch=z9hG4bK1\r\nf: <sip:a@example.com>;tag=a\r\nt: <sip:b@example.com>\r\n"
           "i: call@pbx\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\nl: " +
           std::to_string(offer.size()) + "\r\ns: subject\r\ne: identity\r\n")},
      {"folded lines",
       raw("Via: SIP/2.0/UDP\r\n  host;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>\r\n\t;tag=a\r\n"
           "To: <sip:b@example.com>\r\nCall-ID:\r\n call@pbx\r\nCSeq: 1\r\n INVITE\r\nContent-Type:\r\n"
           " application/sdp\r\n")},
      {"another order", raw("Content-Type: application/sdp\r\nCSeq: 1 INVITE\r\nCall-ID: call@pbx\r\nTo: "
                            "<sip:b@example.com>\r\n"
                            "From: <sip:a@example.com>;tag=a\r\nVia: SIP/2.0/UDP host;branch=z9hG4bK1\r\n")},
      {"no Content-Length", raw(typed)},
      {"Content-Length too long", raw(typed + "Content-Length: 5000\r\n")},
      {"CRLF before the message", "\r\n\r\n" + raw(typed)},
      {"names and type in other letters",
       raw("VIA: SIP/2.0/UDP host;branch=z9hG4bK1\r\nfrom: <sip:a@example.com>;TAG=a\r\nTO: "
           "<sip:b@example.com>\r\n"
           "CALL-ID: call@pbx\r\ncseq: 1 INVITE\r\ncontent-type: Application/SDP\r\n")},
      {"Content-Disposition session", raw(typed + "Content-Disposition: session;handling=required\r\n")},
      {"the same header twice", raw(typed + "Call-ID: call@pbx\r\nCSeq: 1 INVITE\r\n")},
      {"multipart", raw(usual + "Content-Type: multipart/mixed;boundary=x\r\n",
                        "--x\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n\x01\x02\r\n--x\r\n"
                        "Content-Type: application/sdp\r\n\r\n" +
                            offer + "\r\n--x--\r\n")},
      {"nested multipart",
       raw(usual + "Content-Type: multipart/mixed;boundary=x\r\n",
           "--x\r\nContent-Type: multipart/alternative;boundary=y\r\n\r\n--y\r\nContent-Type: "
           "text/plain\r\n\r\nhi\r\n"
           "--y\r\nContent-Type: application/sdp\r\n\r\n" +
               offer + "\r\n--y--\r\n--x--\r\n")},
  };
  for (const auto& [name, message] : cases) {
    Scenario s;
    EXPECT_EQ(s.send_raw(alice, bob, message), opened) << name;
  }
}

TEST(Messages, BodiesThatOpenNothingAndPass) {
  const std::pair<const char*, std::string> cases[] = {
      {"encoded", raw(typed + "Content-Encoding: gzip\r\n")},
      {"encoded, compact", raw(typed + "e: deflate\r\n")},
      {"another type", raw(usual + "Content-Type: text/plain\r\n")},
      {"no type", raw(usual)},
      {"no body", raw(typed, "")},
      {"Content-Length 0", raw(typed + "Content-Length: 0\r\n")},
      {"cut by Content-Length before its m= line", raw(typed + "Content-Length: 30\r\n")},
      {"a disposition that is no session", raw(typed + "Content-Disposition: render\r\n")},
      {"no description", raw(typed, "hello")},
      {"multipart without boundary", raw(usual + "Content-Type: multipart/mixed\r\n")},
  };
  for (const auto& [name, message] : cases) {
    Scenario s;
    EXPECT_EQ(s.send_raw(alice, bob, message), "") << name;
    EXPECT_EQ(s.pipeline().counters().sip_messages, 1U) << name;
  }
}

TEST(Messages, KeepAlivesAreNormal) {
  Scenario s;
  for (const std::string ping : {"\r\n", "\r\n\r\n", ""}) EXPECT_EQ(s.send_raw(alice, bob, ping), "");
  EXPECT_EQ(s.pipeline().counters().keep_alives, 3U);
  EXPECT_EQ(s.pipeline().counters().malformed, 0U);
}

// Two different values of a header that may stand once, long and compact form alike.
const std::string second_values[] = {"Call-ID: other@pbx\r\n",
                                     "i: other@pbx\r\n",
                                     "CSeq: 2 INVITE\r\n",
                                     "From: <sip:a@example.com>;tag=other\r\n",
                                     "f: <sip:x@example.com>;tag=a\r\n",
                                     "To: <sip:x@example.com>\r\n",
                                     "t: <sip:b@example.com>;tag=z\r\n",
                                     "Content-Length: 1\r\nContent-Length: 2\r\n",
                                     "l: 3\r\nContent-Length: 4\r\n"};

TEST(Ambiguous, A12_AnOfferOpensNothing) {
  for (const std::string& second : second_values) {
    for (bool first : {false, true}) {
      Scenario s;
      const std::string lines = first ? second + typed : typed + second;
      EXPECT_EQ(s.send_raw(alice, bob, raw(lines)).find("open"), std::string::npos) << second;
      EXPECT_EQ(s.open(), "");
    }
  }
  Scenario s;
  EXPECT_EQ(s.send_raw(alice, bob, raw(typed + "i: other@pbx\r\n")),
            "refuse 192.0.2.10:30000 audio rtp ambiguous\n"
            "refuse 192.0.2.10:30001 audio rtcp ambiguous\n");
}

TEST(Ambiguous, A12_NothingElseHappensEither) {
  for (const std::string& second : second_values) {
    if (second.rfind("CSeq", 0) == 0) continue;  // names INVITE: below are other methods
    SCOPED_TRACE(second);
    Scenario s;
    s.send(alice, bob, {.start = "INVITE", .body = offer});
    EXPECT_EQ(s.send(bob, alice, {.start = "486 INVITE", .to_tag = "b", .headers = second}), "");
    EXPECT_EQ(s.send(alice, bob, {.start = "CANCEL", .headers = second}), "");
    EXPECT_EQ(s.wait(base::seconds{33}), "") << "a CANCEL would have closed";
    EXPECT_EQ(s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .headers = second, .body = answer})
                  .find("answer"),
              std::string::npos);
    s.send(bob, alice, {.start = "200 INVITE", .to_tag = "b", .body = answer});
    const std::string before = s.open();
    const Sip bye{.start = "BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 9, .headers = second};
    EXPECT_EQ(s.send(alice, bob, bye), "");
    EXPECT_EQ(s.send(bob, alice, {.start = "200 BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 9}), "");
    EXPECT_EQ(s.wait(base::seconds{33}), "");
    EXPECT_EQ(s.open(), before);
  }
}

TEST(Ambiguous, A12_TheNextLegitimateCallWorks) {
  Scenario s;
  for (const std::string& second : second_values) s.send_raw(alice, bob, raw(typed + second));
  EXPECT_EQ(s.send_raw(alice, bob, raw(typed)), opened);
}

TEST(Messages, AreCountedByMethodAndResult) {
  Scenario scenario;
  for (const std::string start :
       {"INVITE", "100 INVITE", "180 INVITE", "200 INVITE", "ACK", "486 INVITE", "699 BYE", "FOO", "200 FOO"}) {
    scenario.send(alice, bob, {.start = start});
  }
  const MessageCounts& counts = scenario.pipeline().counters().messages;
  using Row = std::array<std::uint64_t, 7>;
  EXPECT_EQ(counts[static_cast<std::size_t>(message::Method::invite)], (Row{1, 2, 1, 0, 1, 0, 0}));
  EXPECT_EQ(counts[static_cast<std::size_t>(message::Method::ack)], (Row{1}));
  EXPECT_EQ(counts[static_cast<std::size_t>(message::Method::bye)], (Row{0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(counts[static_cast<std::size_t>(message::Method::other)], (Row{1, 0, 1}));
  Counters sum = scenario.pipeline().counters();
  sum += scenario.pipeline().counters();
  EXPECT_EQ(sum.sip_messages, 2 * scenario.pipeline().counters().sip_messages);
  EXPECT_EQ(sum.messages[static_cast<std::size_t>(message::Method::invite)], (Row{2, 4, 2, 0, 2, 0, 0}));
}

}  // namespace
}  // namespace dpinholer::test
