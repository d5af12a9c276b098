// SPDX-License-Identifier: GPL-2.0-or-later
// What docs/libosip2.md says of libosip2. When one of these fails, the library has changed: the page and what
// sip_message.cpp does about it want another look.
#include <gtest/gtest.h>
#include <osipparser2/headers/osip_content_disposition.h>
#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/sdp_message.h>

#include <memory>
#include <string>

namespace {

constexpr const char* refused = "refused";

std::string parameters(const osip_list_t& list) {
  std::string text;
  osip_list_iterator_t at;
  for (void* entry = osip_list_get_first(&list, &at); entry != nullptr; entry = osip_list_get_next(&at)) {
    const auto* parameter = static_cast<const osip_generic_param_t*>(entry);
    text += ";" + std::string(parameter->gname);
    if (parameter->gvalue != nullptr) text += "=" + std::string(parameter->gvalue);
  }
  return text;
}

std::string from(const char* value) {
  osip_from_t* header = nullptr;
  osip_from_init(&header);
  const std::unique_ptr<osip_from_t, decltype(&osip_from_free)> owner(header, osip_from_free);
  return osip_from_parse(header, value) == OSIP_SUCCESS ? parameters(header->gen_params) : refused;
}

std::string via(const char* value) {
  osip_via_t* header = nullptr;
  osip_via_init(&header);
  const std::unique_ptr<osip_via_t, decltype(&osip_via_free)> owner(header, osip_via_free);
  if (osip_via_parse(header, value) != OSIP_SUCCESS) return refused;
  return header->host + parameters(header->via_params);
}

std::string cseq(const char* value) {
  osip_cseq_t* header = nullptr;
  osip_cseq_init(&header);
  const std::unique_ptr<osip_cseq_t, decltype(&osip_cseq_free)> owner(header, osip_cseq_free);
  if (osip_cseq_parse(header, value) != OSIP_SUCCESS) return refused;
  return std::string(header->number) + "|" + header->method;
}

bool takes_message(const std::string& more) {
  parser_init();
  // By default it writes to stdout why it refuses a message.
  osip_trace_initialize_func(TRACE_LEVEL0, [](const char*, int, osip_trace_level_t, const char*, va_list) {});
  osip_message_t* message = nullptr;
  osip_message_init(&message);
  const std::unique_ptr<osip_message_t, decltype(&osip_message_free)> owner(message, osip_message_free);
  const std::string text =
      "INVITE sip:a@b.cd SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z\r\nFrom: <sip:a@b.cd>;tag=1\r\n"
      "To: <sip:a@b.cd>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n" +
      more;
  return osip_message_parse(message, text.data(), text.size()) == OSIP_SUCCESS;
}

bool takes_description(const char* text) {
  sdp_message_t* description = nullptr;
  sdp_message_init(&description);
  const std::unique_ptr<sdp_message_t, decltype(&sdp_message_free)> owner(description, sdp_message_free);
  return sdp_message_parse(description, text) == OSIP_SUCCESS;
}

TEST(Libosip2, ReadsFromAndTo) {
  // Rightly.
  EXPECT_EQ(from("\";tag=evil\" <sip:a@b.c;tag=evil>;tag=1"), ";tag=1");
  EXPECT_EQ(from("<sip:a@b.c>;x=\"\\\";tag=evil\";tag=1"), ";x=\"\\\";tag=evil\";tag=1");
  // Refused, though RFC 3261 allows it or everyone takes it.
  EXPECT_EQ(from("<sip:a>;tag=1"), refused);
  EXPECT_EQ(from("<tel:1>;tag=1"), refused);
  EXPECT_EQ(from("J\xc3\xbcrgen <sip:a@b.c>;tag=1"), refused);
  EXPECT_EQ(from("Bell, A <sip:a@b.c>;tag=1"), refused);
  EXPECT_EQ(from("<sip:a@b.c>;tag=;x=y"), refused);
  EXPECT_EQ(from("<sip:a@b.c>;tag="), ";tag");
  EXPECT_EQ(from(std::string("\"\\\0\" <sip:a@b.c>;tag=1", 23).c_str()), refused);
  // Read, though it should not be, or wrongly.
  EXPECT_EQ(from(""), "");
  EXPECT_EQ(from("<sip:a@b.c>, <sip:d@e.f>;tag=1"), ";tag=1");
  EXPECT_EQ(from("<sip:a@b.c>junk;tag=1"), ";tag=1");
  EXPECT_EQ(from("<sip:a@b.c;>;tag=1"), ";>;tag=1");
  EXPECT_EQ(from("<sip:a@b.c>;x=y\"a;tag=evil\";tag=1"), ";x=y\"a;tag=evil\";tag=1");
}

TEST(Libosip2, ReadsVia) {
  EXPECT_EQ(via("SIP / 2.0 / UDP  a.b ; branch = 1"), "a.b;branch=1");
  EXPECT_EQ(via("SIP/2.0/UDP\ta.b;branch=1"), refused);
  EXPECT_EQ(via("SIP/2.0/UDP a.b;x=\"(\";branch=1"), refused);
  EXPECT_EQ(via("SIP/2.0/UDP a.b;branch=12(c)"), "a.b;branch=1");
  EXPECT_EQ(via("SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2"), "a;branch=1, SIP/2.0/UDP b;branch=2");
  EXPECT_EQ(via("SIP/2.0/UDP a, SIP/2.0/UDP b;branch=2"), "a, SIP/2.0/UDP b;branch=2");
  EXPECT_EQ(via("SIP/7.0/UDP a;branch=1"), "a;branch=1");
  EXPECT_EQ(via("HTTP/2.0/UDP a;branch=1"), "a;branch=1");
}

TEST(Libosip2, ReadsCSeqAsText) {
  EXPECT_EQ(cseq("1\tINVITE"), refused);
  EXPECT_EQ(cseq("-1 INVITE"), "-1|INVITE");
  EXPECT_EQ(cseq("36893488147419103232 INVITE now"), "36893488147419103232|INVITE now");
}

TEST(Libosip2, WholeMessages) {
  EXPECT_TRUE(takes_message("\r\n"));
  EXPECT_FALSE(takes_message("Call-ID: one\r\n\r\n"));
  EXPECT_FALSE(takes_message("Call-ID: two\r\n\r\n"));
  EXPECT_FALSE(takes_message("no colon\r\n\r\n"));
  EXPECT_FALSE(takes_message("Contact: \"x <sip:a@b.cd>\r\n\r\n"));
  EXPECT_FALSE(takes_message("Content-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0\r\n"));
  EXPECT_TRUE(takes_message("Content-Length: -4\r\n\r\n"));
}

TEST(Libosip2, SessionDescriptions) {
  const std::string begin = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n";
  const std::string media = "m=audio 49170 RTP/AVP 0\r\n";
  EXPECT_TRUE(takes_description((begin + "t=0 0\r\n" + media).c_str()));
  EXPECT_FALSE(takes_description(("o=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n" + media).c_str()));
  EXPECT_FALSE(takes_description((begin + media).c_str()));
  EXPECT_FALSE(takes_description((begin + "x=1\r\nt=0 0\r\n" + media).c_str()));
  EXPECT_FALSE(takes_description((begin + "t=0 0\r\nc=IN IP4 192.0.2.1\r\n" + media).c_str()));
  EXPECT_FALSE(
      takes_description((begin + "t=0 0\r\n" + media + "a=sendrecv\r\nc=IN IP4 192.0.2.1\r\n").c_str()));
}

}  // namespace
