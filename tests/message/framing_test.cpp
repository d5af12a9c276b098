// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/framing.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace dpinholer::message {

void PrintTo(FrameStatus status, std::ostream* out) {
  constexpr const char* names[] = {"header", "need_more", "keep_alive", "not_sip", "malformed"};
  *out << names[static_cast<std::size_t>(status)];
}

namespace {

using namespace std::string_literals;

FrameStatus frame(std::string_view octets, Header& header, Extent extent = Extent::datagram) {
  FramingProgress progress;
  return read_header(octets, extent, progress, header);
}

// A header refers to its octets.
FrameStatus frame(std::string&& octets, Header& header) = delete;

FrameStatus frame(std::string_view octets, Extent extent = Extent::datagram) {
  Header header;
  return frame(octets, header, extent);
}

const std::string request_line = "OPTIONS sip:a@b SIP/2.0\r\n";

TEST(Framing, FirstLine) {
  using enum FrameStatus;
  struct Case {
    const char* why;
    std::string line;
    FrameStatus status;
    std::uint16_t code;
    const char* method;
  };
  const Case cases[] = {
      {"RFC 3261 7.1", "INVITE sip:bob@biloxi.com SIP/2.0", header, 0, "INVITE"},
      {"RFC 3261 7.1: methods are tokens of any kind", "x%41!-_.~'` sip:a SIP/2.0", header, 0, "x%41!-_.~'`"},
      {"RFC 3261 7.1: the version is compared without regard to case", "INVITE sip:a sip/2.0", header, 0,
       "INVITE"},
      {"RFC 3261 7.2", "SIP/2.0 200 OK", header, 200, ""},
      {"RFC 4475 3.1.1.13: no reason phrase", "SIP/2.0 100 ", header, 100, ""},
      {"not even the space", "SIP/2.0 100", header, 100, ""},
      {"RFC 4475 3.1.1.12: any reason phrase", "SIP/2.0 200 = 2**3 \xd0\xbd\xff", header, 200, ""},
      {"RFC 4475 3.1.2.9: more spaces", "INVITE  sip:a  SIP/2.0", header, 0, "INVITE"},
      {"RFC 4475 3.1.2.10: spaces at the end", "OPTIONS sip:a SIP/2.0  ", header, 0, "OPTIONS"},
      {"RFC 4475 3.1.2.7: <> around the URI", "INVITE <sip:a> SIP/2.0", header, 0, "INVITE"},
      {"RFC 4475 3.1.2.8: a space in the URI", "INVITE sip:a; lr SIP/2.0", malformed, 0, ""},
      {"a tab in the URI", "INVITE sip:a\tb SIP/2.0", malformed, 0, ""},
      {"no URI", "INVITE SIP/2.0", malformed, 0, ""},
      {"RFC 4475 3.1.2.16: another version", "OPTIONS sip:a SIP/7.0", malformed, 0, ""},
      {"RFC 4475 3.1.2.19: a code beyond 32 bits", "SIP/2.0 4294967301 no", malformed, 0, ""},
      {"codes end at 699", "SIP/2.0 699 x", header, 699, ""},
      {"codes end at 699", "SIP/2.0 700 x", malformed, 0, ""},
      {"codes begin at 100", "SIP/2.0 099 x", malformed, 0, ""},
      {"codes are three digits", "SIP/2.0 0200 x", malformed, 0, ""},
      {"codes are digits", "SIP/2.0 2x0 x", malformed, 0, ""},
      {"a status line of another version", "SIP/3.0 200 OK", malformed, 0, ""},
      {"SSDP", "NOTIFY * HTTP/1.1", not_sip, 0, ""},
      {"HTTP", "GET / HTTP/1.1", not_sip, 0, ""},
      {"an HTTP response", "HTTP/1.1 200 OK", not_sip, 0, ""},
      {"RTSP", "DESCRIBE rtsp://a RTSP/1.0", not_sip, 0, ""},
      {"no version", "INVITE sip:alan@jasomi.com", not_sip, 0, ""},
      {"a method that is no token", "INV(ITE sip:a SIP/2.0", not_sip, 0, ""},
      {"a space first", " INVITE sip:a SIP/2.0", not_sip, 0, ""},
      {"STUN", "\x01\x01 SIP/2.0", not_sip, 0, ""},
      {"8-bit octets in the method", "INVIT\xc9 sip:a SIP/2.0", not_sip, 0, ""},
      {"A12: a CR in the first line", "INVITE sip:a\rb SIP/2.0", malformed, 0, ""},
      {"A12: a CR in the reason phrase", "SIP/2.0 200 O\rK", malformed, 0, ""},
      {"A12: a NUL in the reason phrase", "SIP/2.0 200 O\0K"s, malformed, 0, ""},
  };
  for (const auto& c : cases) {
    const std::string octets = c.line + "\r\nTo: x\r\n\r\n";
    Header read;
    ASSERT_EQ(frame(octets, read), c.status) << c.why;
    if (c.status != header) continue;
    EXPECT_EQ(read.start.status, c.code) << c.why;
    EXPECT_EQ(read.start.method, c.method) << c.why;
  }
}

TEST(Framing, WhatIsNoMessage) {
  using enum FrameStatus;
  struct Case {
    const char* why;
    std::string octets;
    FrameStatus status;
  };
  const Case cases[] = {
      {"RFC 5626 3.5.1: a ping", "\r\n\r\n", keep_alive},
      {"RFC 5626 3.5.1: a pong", "\r\n", keep_alive},
      {"NULs of some phones", "\0\0\0\0"s, keep_alive},
      {"both", "\r\n\0"s, keep_alive},
      {"RTP", "\x80\x00\x12\x34 SIP/2.0\r\n"s, not_sip},
      {"a first line without an end", "INVITE sip:a SIP/2.0", malformed},
      {"half a first line", "INVITE sip:a SI", not_sip},
      {"A12: cut in a field", request_line + "To: x", malformed},
      {"A12: cut in the line end of a field", request_line + "To: x\r", malformed},
  };
  for (const auto& c : cases) EXPECT_EQ(frame(c.octets), c.status) << c.why;
}

TEST(Framing, FieldsThatReadersDifferOnAreMalformed) {
  struct Case {
    const char* why;
    std::string lines;
  };
  const Case cases[] = {
      {"A12: a CR by itself", "To: x\rCall-ID: y\r\n"},
      {"A12: a CR before the line end", "To: x\r\r\n"},
      {"A12: a line of one CR", "To: x\r\n\r\r\n"},
      {"A12: a NUL", "To: x\0y\r\n"s},
      {"A12: a NUL first", "\0To: x\r\n"s},
      {"A12: a line of blanks, the end of the header to some", "To: x\r\n \r\nCall-ID: y\r\n"},
      {"RFC 3261 7.3.1: no colon behind a name that identifies", "To x\r\n"},
      {"a blank behind such a name", "To x: y\r\n"},
      {"a control octet behind such a name", "T\x01: y\r\n"},
      {"a fold without a field", " To: x\r\n"},
      {"RFC 4475 3.1.2.3: a negative length", "Content-Length: -999\r\n"},
      {"a length in hexadecimal", "Content-Length: 0x10\r\n"},
      {"two lengths in one", "Content-Length: 5, 5\r\n"},
      {"an empty length", "Content-Length:\r\n"},
      {"a folded length of two parts", "l: 1\r\n 2\r\n"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(frame(request_line + c.lines + "\r\n"), FrameStatus::malformed) << c.why;
}

// RFC 3261 section 16.3; tests/pipeline/odd_lines_test.cpp has more of both kinds.
TEST(Framing, OtherLinesThatCantBeReadAreSteppedOver) {
  for (const std::string& line : {"x\r\n"s, "Subject x\r\n"s, ": x\r\n"s, "T\xc3\xb6: y\r\n"s, "a b: c\r\n"s,
                                  "Subject: \0\r\n"s, "x\r\n y\r\n"s, "Subject: x\ry\r\n"s}) {
    const std::string octets = request_line + line + "To: x\r\nl: 0\r\n\r\n";
    Header header;
    ASSERT_EQ(frame(octets, header), FrameStatus::header) << line;
    ASSERT_EQ(header.fields.size(), 1U) << line;
    EXPECT_EQ(header.fields[0].value, "x") << line;
    EXPECT_EQ(header.content_length, 0U) << line;
    EXPECT_TRUE(header.end_certain) << line;
  }
}

TEST(Framing, FieldsAreFoundByTheirNames) {
  struct Case {
    const char* line;
    FieldName name;
  };
  const Case cases[] = {
      {"Call-ID: v", FieldName::call_id},
      {"i: v", FieldName::call_id},
      {"CALL-id:v", FieldName::call_id},
      {"CSeq: v", FieldName::cseq},
      {"From: v", FieldName::from},
      {"F: v", FieldName::from},
      {"To: v", FieldName::to},
      {"t: v", FieldName::to},
      {"Via: v", FieldName::via},
      {"V  : v", FieldName::via},
      {"Via\t: v", FieldName::via},
      {"Content-Type: v", FieldName::content_type},
      {"c: v", FieldName::content_type},
      {"Content-Encoding: v", FieldName::content_encoding},
      {"e: v", FieldName::content_encoding},
      {"Content-Disposition: v", FieldName::content_disposition},
      {"Content-Transfer-Encoding: v", FieldName::content_transfer_encoding},
      {"Session-Expires: v", FieldName::session_expires},
      {"x: v", FieldName::session_expires},
      {"Require: v", FieldName::require},
      {"RSeq: v", FieldName::rseq},
      {"RAck: \t v \t", FieldName::rack},
  };
  for (const auto& c : cases) {
    const std::string octets = request_line + "Subject: s\r\n" + c.line + "\r\nz: s\r\n\r\n";
    Header header;
    ASSERT_EQ(frame(octets, header), FrameStatus::header) << c.line;
    ASSERT_EQ(header.fields.size(), 1U) << c.line;
    EXPECT_EQ(header.fields[0].name, c.name) << c.line;
    EXPECT_EQ(header.fields[0].value, "v") << c.line;
    EXPECT_FALSE(header.fields[0].folded) << c.line;
  }
}

TEST(Framing, Rfc3261Section731FoldsBecomeOneSpace) {
  struct Case {
    const char* written;
    const char* read;
  };
  const Case cases[] = {
      {"a\r\n b", "a b"},         {"a \t\r\n\t  b", "a b"}, {"\r\n a", "a"},          {"a\n b", "a b"},
      {"a\r\n b\r\n c", "a b c"}, {"a b", "a b"},           {"a  b\r\n c", "a  b c"},
  };
  for (const auto& c : cases) {
    const std::string octets = request_line + "To: " + c.written + "\r\nl: 0\r\n\r\n";
    Header header;
    ASSERT_EQ(frame(octets, header), FrameStatus::header) << c.read;
    ASSERT_EQ(header.fields.size(), 1U);
    std::string scratch;
    EXPECT_EQ(unfold(header.fields[0], scratch), c.read);
  }
}

TEST(Framing, ANulMayBeEscaped) {
  const std::string octets = request_line + "To: \"\\\0\" <sip:a>\r\n\r\n"s;
  Header header;
  ASSERT_EQ(frame(octets, header), FrameStatus::header);
  EXPECT_EQ(header.fields[0].value, "\"\\\0\" <sip:a>"s);
}

TEST(Framing, ContentLength) {
  const auto read = [](const std::string& lines) {
    const std::string octets = request_line + lines + "\r\n";
    Header header;
    EXPECT_EQ(frame(octets, header), FrameStatus::header) << lines;
    header.fields.clear();  // they refer to octets that go
    header.start = {};
    return header;
  };
  EXPECT_FALSE(read("To: x\r\n").content_length);
  EXPECT_EQ(read("Content-Length: 0\r\n").content_length, 0U);
  EXPECT_EQ(read("l :\r\n 0012 \r\n").content_length, 12U);
  EXPECT_EQ(read("l: 4294967297\r\n").content_length, 4294967297U);  // attack A11
  EXPECT_EQ(read("l: 99999999999999999999\r\n").content_length, UINT64_MAX);
  EXPECT_FALSE(read("l: 5\r\nContent-Length: 05\r\n").content_length_ambiguous);
  EXPECT_TRUE(read("l: 5\r\nContent-Length: 6\r\n").content_length_ambiguous);
  EXPECT_EQ(read("l: 5\r\nContent-Length: 6\r\n").content_length, 5U);
}

TEST(Framing, HeaderEndsWithTheEmptyLine) {
  struct Case {
    const char* why;
    std::string octets;
    std::size_t length;
  };
  const std::string lf = "OPTIONS sip:a@b SIP/2.0\n";
  const Case cases[] = {
      {"CRLF", request_line + "To: x\r\n\r\nbody", request_line.size() + 9},
      {"LF", lf + "To: x\n\nbody", lf.size() + 7},
      {"mixed", lf + "To: x\r\n\nbody", lf.size() + 8},
      {"mixed", lf + "To: x\n\r\nbody", lf.size() + 8},
      {"RFC 3261 7.5: line ends before", "\r\n\r\n" + request_line + "To: x\r\n\r\nbody",
       request_line.size() + 13},
      {"no fields at all", request_line + "\r\nbody", request_line.size() + 2},
      {"A12: fields after the empty line are body", request_line + "\r\nTo: x\r\n\r\n",
       request_line.size() + 2},
      {"RFC 5118 4.5 as published: none, but the last line is whole", request_line + "To: x\r\n",
       request_line.size() + 7},
  };
  for (const auto& c : cases) {
    Header header;
    ASSERT_EQ(frame(c.octets, header), FrameStatus::header) << c.why;
    EXPECT_EQ(header.length, c.length) << c.why;
  }
}

TEST(Framing, NumberOfFieldsIsBounded) {
  std::string fields;
  for (std::size_t i = 0; i < base::limits::header_fields; ++i) fields += "a: b\r\n";
  EXPECT_EQ(frame(request_line + fields + "\r\n"), FrameStatus::header);
  EXPECT_EQ(frame(request_line + fields + "a: b\r\n\r\n"), FrameStatus::malformed);
}

TEST(Framing, AStreamIsReadInAnyPieces) {
  const std::string message = "\r\n" + request_line + "To: x\r\n y\r\nl: 4\r\n\r\nbody";
  const std::size_t length = message.size() - 4;
  for (std::size_t step = 1; step <= message.size(); ++step) {
    FramingProgress progress;
    Header header;
    FrameStatus status = FrameStatus::need_more;
    std::size_t there = 0;
    while (status == FrameStatus::need_more || status == FrameStatus::keep_alive) {
      ASSERT_LT(there, message.size());
      there = std::min(there + step, message.size());
      status = read_header(std::string_view(message).substr(0, there), Extent::stream, progress, header);
      EXPECT_EQ(status == FrameStatus::header, there >= length) << step;
    }
    ASSERT_EQ(status, FrameStatus::header) << step;
    EXPECT_EQ(header.length, length);
    EXPECT_EQ(header.content_length, 4U);
    ASSERT_EQ(header.fields.size(), 1U);
    EXPECT_TRUE(header.fields[0].folded);
  }
}

TEST(Framing, AStreamIsToldEarlyThatItIsNoSip) {
  using enum FrameStatus;
  struct Case {
    const char* why;
    std::string octets;
    FrameStatus status;
  };
  const Case cases[] = {
      {"TLS", "\x16\x03\x01", not_sip},
      {"NULs are no keep-alive of a stream", "\0\0"s, not_sip},
      {"HTTP, once its first line is there", "POST / HTTP/1.1\r\n", not_sip},
      {"A1: and whatever follows it", "POST / HTTP/1.1\r\n\r\nREGISTER sip:a SIP/2.0\r\n\r\n", not_sip},
      {"not before", "POST / HTTP/1.1", need_more},
      {"another version is SIP, and its header has an end", "OPTIONS sip:a SIP/3.0\r\n", need_more},
      {"there it is", "OPTIONS sip:a SIP/3.0\r\n\r\n", malformed},
      {"the start of a message", "INV", need_more},
      {"all but the empty line", request_line + "To: x\r\n", need_more},
      {"all but the last LF", request_line + "To: x\r\n\r", need_more},
      {"a broken field, once the header is there", request_line + "To x\r\n\r\n", malformed},
      {"not before", request_line + "To x\r\n", need_more},
  };
  for (const auto& c : cases) EXPECT_EQ(frame(c.octets, Extent::stream), c.status) << c.why;
}

TEST(Framing, PartOfAMultipart) {
  Header header;
  ASSERT_TRUE(read_part_header("Content-Type: a/b\r\nContent-ID: x\r\n\r\nbody", header));
  EXPECT_EQ(header.length, 36U);
  EXPECT_EQ(header.fields.size(), 1U);
  ASSERT_TRUE(read_part_header("\r\nbody", header));
  EXPECT_EQ(header.length, 2U);
  EXPECT_TRUE(header.fields.empty());
  ASSERT_TRUE(read_part_header("", header));
  EXPECT_EQ(header.length, 0U);
  ASSERT_TRUE(read_part_header("no field\r\nContent-Type: a/b\r\n\r\nbody", header));
  EXPECT_EQ(header.fields.size(), 1U);
  EXPECT_FALSE(read_part_header("Content-Type a/b\r\n\r\nbody", header));
  EXPECT_FALSE(read_part_header("Content-Type: a/b", header));
}

}  // namespace
}  // namespace dpinholer::message
