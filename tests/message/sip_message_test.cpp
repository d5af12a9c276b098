// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/sip_message.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace dpinholer::message {

void PrintTo(MessageError error, std::ostream* out) {
  constexpr const char* names[] = {"empty", "keep_alive", "not_sip", "malformed"};
  *out << names[static_cast<std::size_t>(error)];
}

namespace {

using namespace std::string_literals;

using Result = tl::expected<SipMessage, MessageError>;

Result read(const std::string& octets, const DescriptionLimits& limits = {}) {
  return read_datagram_message(base::as_bytes(octets), limits);
}

const std::string sdp =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n";
const std::string sdp_type = "Content-Type: application/sdp\r\n";

std::string fields(const std::string& method) {
  return "Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bK776asdhds\r\n"
         "Max-Forwards: 70\r\n"
         "To: Bob <sip:bob@biloxi.example.com>\r\n"
         "From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
         "Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
         "CSeq: 314159 " +
         method + "\r\n";
}

std::string request(const std::string& method, const std::string& more = "", const std::string& body = "") {
  return method + " sip:bob@biloxi.example.com SIP/2.0\r\n" + fields(method) + more + "\r\n" + body;
}

std::string response(int status, const std::string& method, const std::string& more = "",
                     const std::string& body = "") {
  return "SIP/2.0 " + std::to_string(status) + " Reason\r\n" + fields(method) + more + "\r\n" + body;
}

// The request with one field put in place of that of the same name.
std::string with(const std::string& field, const std::string& method = "INVITE") {
  std::string text = request(method);
  const auto begin = text.find("\r\n" + field.substr(0, field.find(':') + 1)) + 2;
  return text.replace(begin, text.find("\r\n", begin) - begin, field);
}

// The port of the first media description; 0 when there is no session description.
std::uint32_t port(const std::optional<SessionDescription>& description) {
  return description && !description->media.empty() ? description->media[0].port : 0;
}

TEST(SipMessage, Rfc3261Section24InviteAndResponse) {
  const auto invite = read(request("INVITE", sdp_type, sdp));
  ASSERT_TRUE(invite);
  EXPECT_TRUE(invite->is_request());
  EXPECT_EQ(invite->method, Method::invite);
  EXPECT_EQ(invite->call_id, "a84b4c76e66710@pc33.atlanta.example.com");
  EXPECT_EQ(invite->from_tag, "1928301774");
  EXPECT_EQ(invite->to_tag, "");
  EXPECT_EQ(invite->branch, "z9hG4bK776asdhds");
  EXPECT_EQ(invite->cseq, 314159U);
  EXPECT_FALSE(invite->ambiguous);
  EXPECT_EQ(port(invite->session), 49172U);

  const auto ok = read(response(200, "INVITE", sdp_type, sdp));
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->status, 200);
  EXPECT_TRUE(ok->is_success());
  EXPECT_EQ(ok->method, Method::invite);
  EXPECT_EQ(port(ok->session), 49172U);
}

TEST(SipMessage, WhatIsNoMessage) {
  EXPECT_EQ(read("").error(), MessageError::empty);
  EXPECT_EQ(read("\r\n\r\n").error(), MessageError::keep_alive);
  EXPECT_EQ(read("\0\0\0\0"s).error(), MessageError::keep_alive);
  EXPECT_EQ(read("NOTIFY * HTTP/1.1\r\n\r\n").error(), MessageError::not_sip);
  EXPECT_EQ(read("\x80\x00\x00\x01").error(), MessageError::not_sip);
  const std::string binding =
      "\x00\x01\x00\x00\x21\x12\xa4"
      "BABCDEFGHIJKL"s;
  EXPECT_EQ(read(binding).error(), MessageError::stun);
  EXPECT_EQ(read("\x01\x01\x00\x04\x21\x12\xa4"
                 "BABCDEFGHIJKLabcd"s)
                .error(),
            MessageError::stun);
  for (const std::size_t octet : {0U, 2U, 3U, 4U, 7U}) {
    std::string other = binding;
    other[octet] = static_cast<char>(other[octet] ^ '\x41');
    EXPECT_EQ(read(other).error(), MessageError::not_sip) << octet;
  }
  EXPECT_EQ(read(binding.substr(0, 19)).error(), MessageError::not_sip);
  EXPECT_EQ(read(binding + "x").error(), MessageError::not_sip);
  EXPECT_EQ(read(binding + "abcd").error(), MessageError::not_sip);
  EXPECT_EQ(read("INVITE sip:a SIP/2.0\r\n\r\n").error(), MessageError::malformed);
}

TEST(SipMessage, MethodsHaveTheirNames) {
  constexpr const char* names[] = {"INVITE",  "ACK",   "BYE",      "CANCEL",   "UPDATE",
                                   "PRACK",   "INFO",  "MESSAGE",  "NOTIFY",   "OPTIONS",
                                   "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    const auto asked = read(request(names[i]));
    ASSERT_TRUE(asked) << names[i];
    EXPECT_EQ(asked->method, static_cast<Method>(i));
    EXPECT_EQ(name(asked->method), names[i]);
    EXPECT_EQ(asked->from_tag, "1928301774") << names[i];
    EXPECT_EQ(asked->branch, "z9hG4bK776asdhds") << names[i];
    const auto answered = read(response(200, names[i]));
    ASSERT_TRUE(answered) << names[i];
    EXPECT_EQ(answered->method, static_cast<Method>(i));
  }
  EXPECT_EQ(read(request("invite"))->method, Method::other);  // RFC 3261 section 7.1: case-sensitive
  EXPECT_EQ(read(request("other"))->method, Method::other);
  EXPECT_EQ(name(Method::other), "other");
}

// The same fields, whatever the method: those that count are read twice.
TEST(SipMessage, FieldsInTheirForms) {
  struct Case {
    const char* why;
    std::string field;
    std::string SipMessage::*member;
    std::string value;
  };
  using M = SipMessage;
  const Case cases[] = {
      {"a quoted display name", "From: \";tag=evil\" <sip:a@b>;tag=1", &M::from_tag, "1"},
      {"an escaped quote", "From: \"\\\";tag=evil\" <sip:a@b>;tag=1", &M::from_tag, "1"},
      {"8 bits without quotes", "From: J\xfcrgen <sip:a@b;tag=evil>;tag=1", &M::from_tag, "1"},
      {"a comma without quotes", "From: Bell, A <sip:a@b;tag=evil>;tag=1", &M::from_tag, "1"},
      {"a short URI", "From: <sip:a>;tag=1", &M::from_tag, "1"},
      {"no URI in <>", "From: sip:a@b;tag=1", &M::from_tag, "1"},
      {"a URI parameter at its end", "From: <sip:a@b;>;tag=1", &M::from_tag, "1"},
      {"case", "From: <sip:a@b>;TAG=aB", &M::from_tag, "aB"},
      {"RFC 2543: no tag", "From: <sip:a@b>", &M::from_tag, ""},
      {"a tag without value", "From: <sip:a@b>;tag=;x=y", &M::from_tag, ""},
      {"folded", "To: <sip:a@b>\r\n\t;tag\r\n =1", &M::to_tag, "1"},
      {"a NUL that is escaped", "To: \"\\\0\" <sip:a@b>;tag=1"s, &M::to_tag, "1"},
      {"several Vias", "Via: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP b;branch=2", &M::branch, "1"},
      {"several on one line", "Via: SIP/2.0/UDP a;branch=1 , SIP/2.0/UDP b;branch=2", &M::branch, "1"},
      {"a comma in quotes", "Via: SIP/2.0/UDP a;x=\"1,2\";branch=1,SIP/2.0/UDP b", &M::branch, "1"},
      {"the first without branch", "Via: SIP/2.0/UDP a,SIP/2.0/UDP b;branch=2", &M::branch, ""},
      {"tabs and blanks", "Via: SIP / 2.0 /\tUDP\ta ; branch = 1", &M::branch, "1"},
      {"IPv6", "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=1", &M::branch, "1"},
      {"parentheses in quotes", "Via: SIP/2.0/UDP a;x=\"(\";branch=1", &M::branch, "1"},
      {"an address without host part", "Call-ID: x@", &M::call_id, "x@"},
      {"two @", "Call-ID: x@y@z", &M::call_id, "x@y@z"},
  };
  for (const auto& c : cases) {
    for (const char* method : {"INVITE", "OPTIONS"}) {
      const auto message = read(with(c.field, method));
      ASSERT_TRUE(message) << method << ", " << c.why;
      EXPECT_EQ((*message).*c.member, c.value) << method << ", " << c.why;
      EXPECT_FALSE(message->ambiguous) << method << ", " << c.why;
    }
  }
}

TEST(SipMessage, FieldsThatMakeItMalformed) {
  struct Case {
    const char* why;
    std::string field;
  };
  const std::string long_tag(base::limits::tag_length + 1, 'x');
  std::string many;
  for (std::size_t i = 0; i <= base::limits::value_semicolons; ++i) many += ";a";
  const Case cases[] = {
      {"RFC 4475 3.3.1: no Call-ID", "Call-ID: \r\nSubject: x"},
      {"A12: a NUL in the Call-ID", "Call-ID: a\\\0b"s},
      {"A12: 8 bits in the Call-ID", "Call-ID: a\xff"},
      {"A19: an escape sequence in the Call-ID", "Call-ID: \x1b[2J"},
      {"a blank in the Call-ID", "Call-ID: a b"},
      {"a folded Call-ID", "Call-ID: a\r\n b"},
      {"a long Call-ID", "Call-ID: " + std::string(base::limits::call_id_length + 1, 'x')},
      {"a long tag", "From: <sip:a@b>;tag=" + long_tag},
      {"A12: 8 bits in a tag", "From: <sip:a@b>;tag=\xff"},
      {"A12: 8 bits in a quoted tag", "From: <sip:a@b>;tag=\"\xff\""},
      {"A12: a NUL in a quoted tag", "From: <sip:a@b>;tag=\"\\\0\""s},
      {"RFC 4475 3.1.2.6", "To: \"Mr. J. User <sip:j.user@example.com>"},
      {"a list of From", "From: <sip:a@b>;tag=1, <sip:c@d>;tag=2"},
      {"A5: parameters without end", "From: <sip:a@b>" + many},
      {"A5: in the URI", "To: <sip:a@b" + many + ">"},
      {"a long value", "To: \"" + std::string(base::limits::value_length, 'x') + "\" <sip:a@b>"},
      {"RFC 4475 3.1.2.4", "CSeq: 36893488147419103232 INVITE"},
      {"RFC 4475 3.1.2.17", "CSeq: 8 BYE"},
      {"methods are compared as written", "CSeq: 8 Invite"},
  };
  for (const auto& c : cases) {
    const auto message = read(with(c.field));
    ASSERT_FALSE(message) << c.why;
    EXPECT_EQ(message.error(), MessageError::malformed) << c.why;
  }
}

// The next proxy removes it, and what the message says goes on.
TEST(SipMessage, A24_AViaThatCantBeReadMakesItAmbiguous) {
  std::string many;
  for (std::size_t i = 0; i <= base::limits::value_semicolons; ++i) many += ";a";
  for (const std::string& via :
       {"SIP/2.0/UDP a;branch=" + std::string(base::limits::branch_length + 1, 'x'), "SIP/2.0/UDP a" + many,
        "SIP/2.0/UDP a;b=" + std::string(base::limits::value_length, 'x'),
        std::string("SIP/2.0/UDP 192.0.2.15;;,;,,"), std::string(", SIP/2.0/UDP a")}) {
    const auto message = read(with("Via: " + via));
    ASSERT_TRUE(message) << via;
    EXPECT_TRUE(message->ambiguous) << via;
  }
}

TEST(SipMessage, RequiredFields) {
  for (const char* name : {"Via", "To", "From", "Call-ID", "CSeq"}) {
    for (const char* method : {"INVITE", "OPTIONS"}) {
      std::string text = request(method);
      text.replace(text.find("\r\n" + std::string(name) + ":") + 2, 1, "X-");
      EXPECT_EQ(read(text).error(), MessageError::malformed) << name;
    }
  }
}

TEST(SipMessage, A12TwoValuesOfWhatMayStandOnceAreAmbiguous) {
  struct Case {
    const char* more;
    bool ambiguous;
  };
  const Case cases[] = {
      {"Call-ID: other\r\n", true},
      {"i: other\r\n", true},
      {"i: a84b4c76e66710@pc33.atlanta.example.com\r\n", false},
      {"CSeq: 314160 INVITE\r\n", true},
      {"CSeq: 314159 BYE\r\n", true},
      {"CSeq:  314159 INVITE\r\n", false},
      {"f: <sip:alice@atlanta.example.com>;tag=1928301774\r\n", true},
      {"F: Alice <sip:alice@atlanta.example.com>;tag=1928301774 \r\n", false},
      {"t: Bob <sip:bob@biloxi.example.com>;tag=1\r\n", true},
      {"t: Bob\r\n <sip:bob@biloxi.example.com>\r\n", false},
      {"Content-Length: 0\r\nl: 1\r\n", true},
      {"Content-Length: 0\r\nl: 0\r\n", false},
      {"v: SIP/2.0/UDP other;branch=other\r\n", false},
  };
  for (const auto& c : cases) {
    const auto message = read(request("INVITE", c.more));
    ASSERT_TRUE(message) << c.more;
    EXPECT_EQ(message->ambiguous, c.ambiguous) << c.more;
    EXPECT_EQ(message->call_id, "a84b4c76e66710@pc33.atlanta.example.com") << c.more;
    EXPECT_EQ(message->from_tag, "1928301774") << c.more;
    EXPECT_EQ(message->cseq, 314159U) << c.more;
  }
}

TEST(SipMessage, A12TwoTagsOrBranchesAreAmbiguous) {
  for (const char* field : {"From: <sip:a@b>;tag=1;tag=2", "To: <sip:a@b>;tag=1;TAG=1",
                            "To: <sip:a@b>;tag=1;tag", "Via: SIP/2.0/UDP a;branch=1;branch=2"}) {
    for (const char* method : {"BYE", "OPTIONS"}) {
      const auto message = read(with(field, method));
      ASSERT_TRUE(message) << field;
      EXPECT_TRUE(message->ambiguous) << method << ", " << field;
    }
  }
}

// To libosip2 parentheses are a comment (RFC 2543); it may stand for how some endpoints read.
TEST(SipMessage, A12WhatLibosip2ReadsInAnotherWayIsAmbiguous) {
  const auto bye = read(with("Via: SIP/2.0/UDP a;branch=12(c)", "BYE"));
  ASSERT_TRUE(bye);
  EXPECT_EQ(bye->branch, "12(c)");
  EXPECT_TRUE(bye->ambiguous);
  EXPECT_FALSE(read(with("Via: SIP/2.0/UDP a;branch=12(c)", "OPTIONS"))->ambiguous);
}

TEST(SipMessage, WhoseBodyIsRead) {
  struct Case {
    std::string text;
    bool read;
  };
  const auto ask = [](const char* method) { return request(method, sdp_type, sdp); };
  const auto answer = [](int status, const char* method) { return response(status, method, sdp_type, sdp); };
  const Case cases[] = {
      {ask("INVITE"), true},
      {ask("ACK"), true},
      {ask("PRACK"), true},
      {ask("UPDATE"), true},
      {ask("BYE"), false},
      {ask("CANCEL"), false},
      {ask("INFO"), false},
      {ask("OPTIONS"), false},
      {ask("MESSAGE"), false},
      {ask("NOTIFY"), false},
      {ask("REGISTER"), false},
      {ask("SUBSCRIBE"), false},
      {ask("PUBLISH"), false},
      {ask("REFER"), false},
      {ask("UNKNOWN"), false},
      {answer(183, "INVITE"), true},
      {answer(200, "INVITE"), true},
      {answer(488, "INVITE"), true},
      {answer(200, "UPDATE"), true},
      {answer(200, "PRACK"), true},
      {answer(200, "OPTIONS"), false},
      {answer(200, "INFO"), false},
      {answer(200, "BYE"), false},
  };
  for (const auto& c : cases) {
    const auto message = read(c.text);
    ASSERT_TRUE(message) << c.text;
    EXPECT_EQ(port(message->session), c.read ? 49172U : 0U) << c.text;
    EXPECT_FALSE(message->unread);
  }
}

// The part that may hold a session description, and what else there is.
std::string part(const std::string& type, const std::string& body, const std::string& more = "") {
  return "--x\r\nContent-Type: " + type + "\r\n" + more + "\r\n" + body + "\r\n";
}
const std::string media_9 = "m=audio 9 RTP/AVP 0\r\n";
const std::string multipart_type = "Content-Type: multipart/mixed;boundary=x\r\n";

TEST(SipMessage, BodiesWithASession) {
  struct Case {
    const char* why;
    std::string fields;
    std::string body;
    std::uint32_t session;
    std::uint32_t early_session;
    const char* unread;  // name of the cause
  };
  const char* const none = "";
  std::string many;
  for (std::size_t i = 0; i <= base::limits::value_semicolons; ++i) many += ";a";
  const std::string pidf = part("application/pidf+xml", "<presence/>");
  const std::string inner = "--y\r\nContent-Type: application/sdp\r\n\r\n" + sdp + "\r\n--y--\r\n";
  const std::string alternative_type = "c: multipart/alternative;boundary=x\r\n";
  const std::string inner_two = "--y\r\nContent-Type: application/sdp\r\n\r\n" + sdp +
                                "\r\n--y\r\nContent-Type: application/sdp\r\n\r\n" + media_9 +
                                "\r\n--y--\r\n";
  const Case cases[] = {
      {"RFC 3261 20.15: type and subtype without regard to case", "c: Application/SDP\r\n", sdp, 49172, 0,
       none},
      {"parameters", "c: application/sdp;charset=utf-8\r\n", sdp, 49172, 0, none},
      {"blanks and folds", "c:\r\n application / sdp\r\n ; charset=utf-8\r\n", sdp, 49172, 0, none},
      {"no type, though it looks like SDP", "", sdp, 0, 0, "syntax"},
      {"an empty type", "c:\r\n", sdp, 0, 0, "syntax"},
      {"half a type", "c: application\r\n", sdp, 0, 0, "syntax"},
      {"another type", "c: text/plain\r\n", sdp, 0, 0, none},
      {"a list of types", "c: application/sdp, text/plain\r\n", sdp, 0, 0, "syntax"},
      {"A12: two types", "c: application/sdp\r\nContent-Type: text/plain\r\n", sdp, 0, 0, "syntax"},
      {"one type twice", "c: application/sdp\r\nContent-Type: application/sdp\r\n", sdp, 49172, 0, none},
      {"A5: parameters without end", "c: application/sdp" + many + "\r\n", sdp, 0, 0, "syntax"},
      {"A5: of the disposition", sdp_type + "Content-Disposition: session" + many + "\r\n", sdp, 0, 0,
       "syntax"},
      {"RFC 3261 23: S/MIME", "c: application/pkcs7-mime; smime-type=enveloped-data\r\n", sdp, 0, 0,
       "encrypted"},
      {"RFC 1847", "c: multipart/encrypted;boundary=x\r\n", part("application/pgp-encrypted", "x"), 0, 0,
       "encrypted"},
      {"a part that is encrypted", multipart_type, part("application/pkcs7-mime", "x"), 0, 0, "encrypted"},
      {"beside one that is not", multipart_type,
       part("application/pkcs7-mime", "x") + part("application/sdp", sdp), 49172, 0, none},
      {"the length leaves out a line end", sdp_type + "l: " + std::to_string(sdp.size() - 2) + "\r\n", sdp,
       49172, 0, none},
      {"the length of another body", "c: text/plain\r\nl: 1\r\n", sdp, 0, 0, none},
      {"no body", sdp_type, "", 0, 0, none},
      {"RFC 3261 20.11", sdp_type + "Content-Disposition: session\r\n", sdp, 49172, 0, none},
      {"with handling", sdp_type + "Content-Disposition: Session;handling=required\r\n", sdp, 49172, 0, none},
      {"RFC 3959", sdp_type + "Content-Disposition: early-session\r\n", sdp, 0, 49172, none},
      {"another disposition", sdp_type + "Content-Disposition: render\r\n", sdp, 0, 0, none},
      {"an empty disposition", sdp_type + "Content-Disposition:\r\n", sdp, 0, 0, none},
      {"A12: two dispositions", sdp_type + "Content-Disposition: session\r\nContent-Disposition: render\r\n",
       sdp, 0, 0, "syntax"},
      {"RFC 3261 20.12", sdp_type + "Content-Encoding: gzip\r\n", sdp, 0, 0, "encoding"},
      {"its compact form", sdp_type + "e: gzip\r\n", sdp, 0, 0, "encoding"},
      {"two of them", sdp_type + "e: identity\r\ne: gzip\r\n", sdp, 0, 0, "encoding"},
      {"identity", sdp_type + "e: Identity\r\n", sdp, 49172, 0, none},
      {"an encoded body of no interest", "c: text/plain\r\ne: gzip\r\n", sdp, 0, 0, none},
      {"the length says less: RFC 3261 18.3", sdp_type + "l: 60\r\n", sdp, 0, 0, "cut"},
      {"just enough", sdp_type + "l: 21\r\n", media_9 + sdp, 9, 0, "cut"},
      {"the length says nothing is there", sdp_type + "l: 0\r\n", sdp, 0, 0, "cut"},
      {"the length says more: RFC 4475 3.1.2.2", sdp_type + "l: 9999\r\n", sdp, 49172, 0, none},
      {"RFC 5621: in a multipart", multipart_type, pidf + part("application/sdp", sdp) + "--x--", 49172, 0,
       none},
      {"any multipart", "c: MULTIPART/Whatever; Boundary=\"x\"\r\n", part("application/sdp", sdp), 49172, 0,
       none},
      {"LF", "c: multipart/mixed;boundary=x\r\n", "--x\nc: application/sdp\n\n" + media_9 + "--x--\n", 9, 0,
       none},
      {"the first of several", multipart_type,
       part("application/sdp", sdp) + part("application/sdp", media_9), 49172, 0, none},
      {"RFC 3959: both kinds", multipart_type,
       part("application/sdp", sdp) +
           part("application/sdp", media_9, "Content-Disposition: early-session\r\n"),
       49172, 9, none},
      {"a part of no interest with SDP in it", multipart_type,
       part("application/sdp", media_9, "Content-Disposition: icon\r\n") + part("application/sdp", sdp),
       49172, 0, none},
      {"a part without type", multipart_type, "--x\r\n\r\n" + sdp + "\r\n--x--", 0, 0, none},
      {"a part that can't be read", multipart_type,
       "--x\r\nbroken\r\n\r\n\r\n" + part("application/sdp", sdp), 49172, 0, none},
      {"a part that is encoded", multipart_type, part("application/sdp", sdp, "e: gzip\r\n"), 0, 0,
       "encoding"},
      {"a part in base64", multipart_type,
       part("application/sdp", sdp, "Content-Transfer-Encoding: base64\r\n"), 0, 0, "encoding"},
      {"a part as it is", multipart_type, part("application/sdp", sdp, "Content-Transfer-Encoding: 8BIT\r\n"),
       49172, 0, none},
      {"nested", multipart_type, part("multipart/mixed;boundary=y", inner), 49172, 0, none},
      {"RFC 2046 5.1.4: the last of the alternatives", alternative_type,
       part("application/sdp", sdp) + part("application/sdp", media_9), 9, 0, none},
      {"in any case", "c: Multipart/ALTERNATIVE;boundary=x\r\n",
       part("application/sdp", sdp) + part("application/sdp", media_9), 9, 0, none},
      {"the last that is one", alternative_type,
       part("application/sdp", sdp) + part("application/sdp", media_9) + part("text/plain", "x") +
           part("application/sdp", sdp, "Content-Disposition: render\r\n"),
       9, 0, none},
      {"the last that can be read", alternative_type,
       part("application/sdp", media_9) + part("application/sdp", sdp, "e: gzip\r\n"), 9, 0, none},
      {"RFC 3959: alternatives of both kinds", alternative_type,
       part("application/sdp", sdp) + part("application/sdp", sdp, "Content-Disposition: early-session\r\n") +
           part("application/sdp", media_9, "Content-Disposition: early-session\r\n") +
           part("application/sdp", media_9),
       9, 9, none},
      {"alternatives in a mixed", multipart_type,
       pidf + part("multipart/alternative;boundary=y", inner_two) + part("application/sdp", sdp), 9, 0, none},
      {"behind another", multipart_type,
       part("application/sdp", sdp) + part("multipart/alternative;boundary=y", inner_two), 49172, 0, none},
      {"a mixed among alternatives", alternative_type,
       part("application/sdp", media_9) + part("multipart/mixed;boundary=y", inner), 49172, 0, none},
      {"a mixed of several among alternatives", alternative_type,
       part("application/sdp", media_9) + part("multipart/mixed;boundary=y", inner_two), 49172, 0, none},
      {"a mixed without one is no alternative", alternative_type,
       part("application/sdp", media_9) +
           part("multipart/mixed;boundary=y", "--y\r\nc: text/plain\r\n\r\nx\r\n--y--\r\n"),
       9, 0, none},
      {"alternatives of alternatives", alternative_type,
       part("multipart/alternative;boundary=y", inner_two) + part("multipart/related;boundary=y", inner),
       49172, 0, none},
      {"a line in a part that can't be read", multipart_type, part("application/sdp", sdp, "broken\r\n"),
       49172, 0, none},
      {"RFC 2046 5.1.1: no boundary", "c: multipart/mixed\r\n", part("application/sdp", sdp), 0, 0, "syntax"},
      {"an empty boundary", "c: multipart/mixed;boundary=\"\"\r\n", part("application/sdp", sdp), 0, 0,
       "syntax"},
      {"two boundaries", "c: multipart/mixed;boundary=x;boundary=y\r\n", part("application/sdp", sdp), 0, 0,
       "syntax"},
      {"a long boundary",
       "c: multipart/mixed;boundary=" + std::string(base::limits::boundary_length + 1, 'x') + "\r\n", sdp, 0,
       0, "syntax"},
      {"a boundary with a semicolon", "c: multipart/mixed;boundary=\"x;\"\r\n",
       "--x;\r\nc: application/sdp\r\n\r\n" + sdp, 49172, 0, none},
      {"an escaped boundary", "c: multipart/mixed;boundary=\"\\x\"\r\n", part("application/sdp", sdp), 49172,
       0, none},
      {"a boundary that is not there", "c: multipart/mixed;boundary=z\r\n", part("application/sdp", sdp), 0,
       0, "syntax"},
  };
  for (const auto& c : cases) {
    const auto message = read(request("INVITE", c.fields, c.body));
    ASSERT_TRUE(message) << c.why;
    EXPECT_EQ(port(message->session), c.session) << c.why;
    EXPECT_EQ(port(message->early_session), c.early_session) << c.why;
    EXPECT_EQ(message->unread ? name(message->unread->cause) : "", c.unread) << c.why;
    EXPECT_FALSE(message->ice_fragment) << c.why;
  }
}

TEST(SipMessage, MultipartsAreBounded) {
  std::string parts;
  for (std::size_t i = 0; i < base::limits::body_parts; ++i) parts += part("text/plain", "x");
  EXPECT_EQ(port(read(request("INVITE", multipart_type, parts + part("application/sdp", sdp)))->session), 0U);
  parts = parts.substr(part("text/plain", "x").size());
  EXPECT_EQ(port(read(request("INVITE", multipart_type, parts + part("application/sdp", sdp)))->session),
            49172U);

  for (std::size_t depth : {base::limits::body_depth, base::limits::body_depth + 1}) {
    std::string type = "application/sdp";
    std::string body = sdp;
    for (std::size_t level = 0; level < depth; ++level) {
      const std::string boundary = "b" + std::to_string(level);
      body =
          "--" + boundary + "\r\nContent-Type: " + type + "\r\n\r\n" + body + "\r\n--" + boundary + "--\r\n";
      type = "multipart/mixed;boundary=" + boundary;
    }
    const bool allowed = depth == base::limits::body_depth;
    const auto message = read(request("INVITE", "Content-Type: " + type + "\r\n", body));
    EXPECT_EQ(port(message->session), allowed ? 49172U : 0U);
    EXPECT_EQ(message->unread.has_value(), !allowed);
  }
}

TEST(SipMessage, Rfc8840TrickleIceInInfo) {
  const std::string fragment = "a=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n";
  const std::string type = "Content-Type: application/trickle-ice-sdpfrag\r\n";
  const auto info = read(
      request("INFO", "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n" + type, fragment));
  ASSERT_TRUE(info);
  ASSERT_TRUE(info->ice_fragment);
  ASSERT_EQ(info->ice_fragment->media.size(), 1U);
  EXPECT_EQ(info->ice_fragment->media[0].mid, "1");
  EXPECT_FALSE(info->session);
  EXPECT_TRUE(
      read(request("INFO", multipart_type, part("application/trickle-ice-sdpfrag", fragment)))->ice_fragment);
  const std::string older = "a=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n";
  const auto last = read(request(
      "INFO", "c: multipart/alternative;boundary=x\r\n",
      part("application/trickle-ice-sdpfrag", older) + part("application/trickle-ice-sdpfrag", fragment)));
  ASSERT_TRUE(last && last->ice_fragment);
  EXPECT_EQ(last->ice_fragment->media.at(0).mid, "1");
  EXPECT_FALSE(read(request("INVITE", type, fragment))->ice_fragment);
  EXPECT_FALSE(read(response(200, "INFO", type, fragment))->ice_fragment);
}

TEST(SipMessage, Rfc3262ReliableResponses) {
  struct Case {
    const char* why;
    int status;
    const char* fields;
    std::optional<std::uint32_t> rseq;
  };
  const Case cases[] = {
      {"section 3", 183, "Require: 100rel\r\nRSeq: 988789\r\n", 988789},
      {"one of several extensions", 180, "RSeq: 1\r\nRequire: timer, 100REL\r\n", 1},
      {"in the second field", 180, "RSeq: 1\r\nRequire: timer\r\nRequire: 100rel\r\n", 1},
      {"the largest", 180, "Require: 100rel\r\nRSeq: 4294967295\r\n", 4294967295},
      {"not required", 183, "RSeq: 988789\r\n", {}},
      {"something else required", 183, "Require: timer\r\nRSeq: 988789\r\n", {}},
      {"no number", 183, "Require: 100rel\r\n", {}},
      {"a final response", 200, "Require: 100rel\r\nRSeq: 988789\r\n", {}},
      {"a number that is none", 183, "Require: 100rel\r\nRSeq: x\r\n", {}},
      {"too large", 183, "Require: 100rel\r\nRSeq: 4294967296\r\n", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(read(response(c.status, "INVITE", c.fields))->rseq, c.rseq) << c.why;
  EXPECT_FALSE(read(request("INVITE", "Require: 100rel\r\nRSeq: 1\r\n"))->rseq);

  const auto prack = read(request("PRACK", "RAck: 776656 1 INVITE\r\n"));
  ASSERT_TRUE(prack->rack);
  EXPECT_EQ(prack->rack->response_number, 776656U);
  EXPECT_EQ(prack->rack->cseq_number, 1U);
  EXPECT_EQ(prack->rack->method, Method::invite);
  for (const char* broken :
       {"RAck: 1 INVITE\r\n", "RAck: 1 1\r\n", "RAck: 4294967296 1 INVITE\r\n", "RAck:\r\n", ""}) {
    const auto message = read(request("PRACK", broken));
    ASSERT_TRUE(message) << broken;
    EXPECT_FALSE(message->rack) << broken;
  }
}

TEST(SipMessage, Rfc4028SessionExpires) {
  using base::seconds;
  struct Case {
    const char* field;
    std::optional<seconds> value;
  };
  const Case cases[] = {
      {"Session-Expires: 4000;refresher=uac\r\n", seconds(4000)},
      {"x: 90\r\n", seconds(90)},
      {"x: 90\r\nSession-Expires: 91\r\n", seconds(90)},
      {"x: 99999999999999999999\r\n", seconds(4294967295)},  // attack A15
      {"x: soon\r\n", {}},
      {"x: -1\r\n", {}},
      {"x:\r\n", {}},
      {"", {}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(read(request("INVITE", c.field))->session_expires, c.value) << c.field;
    EXPECT_EQ(read(response(200, "UPDATE", c.field))->session_expires, c.value) << c.field;
  }
}

TEST(SipMessage, A5LimitsReachTheSessionDescription) {
  const auto message = read(request("INVITE", sdp_type, sdp + sdp), {.media_sections = 1, .candidates = 1});
  ASSERT_TRUE(message->session);
  EXPECT_TRUE(message->session->over_limit);
}

TEST(SipMessage, ARequestIntroducesItsSender) {
  const std::string text = request("OPTIONS", "User-Agent: Phone 1.0\r\n  (beta)\r\nUser-Agent: other\r\n");
  const Result message = read(text);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->introduction.user_agent, "Phone 1.0\r\n  (beta)");
  EXPECT_EQ(message->introduction.from, "Alice <sip:alice@atlanta.example.com>;tag=1928301774");
  EXPECT_EQ(message->introduction.uri, "sip:bob@biloxi.example.com");
}

// What a response says of From is what the request said.
TEST(SipMessage, AResponseIntroducesNobody) {
  const std::string text = response(200, "OPTIONS", "User-Agent: Phone\r\n");
  const Result message = read(text);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->introduction.user_agent, "");
  EXPECT_EQ(message->introduction.from, "");
  EXPECT_EQ(message->introduction.uri, "");
}

}  // namespace
}  // namespace dpinholer::message
