// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/sip_message.h"

#include <gtest/gtest.h>

namespace dpinholer::message {
namespace {

const std::string invite =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bK776asdhds\r\n"
    "Max-Forwards: 70\r\n"
    "To: Bob <sip:bob@biloxi.example.com>\r\n"
    "From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
    "Content-Type: application/sdp\r\n"
    "\r\n"
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n";

TEST(Datagram, Rfc3261InviteIsRead) {
  const auto message = read_datagram_message(base::as_bytes(invite), {});
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_request());
  EXPECT_EQ(message->method, Method::invite);
  EXPECT_EQ(message->call_id, "a84b4c76e66710@pc33.atlanta.example.com");
  EXPECT_EQ(message->from_tag, "1928301774");
  EXPECT_EQ(message->to_tag, "");
  EXPECT_EQ(message->branch, "z9hG4bK776asdhds");
  EXPECT_EQ(message->cseq, 314159U);
  EXPECT_FALSE(message->ambiguous);
  ASSERT_TRUE(message->session);
  ASSERT_EQ(message->session->media.size(), 1U);
  EXPECT_EQ(message->session->media[0].port, 49172U);
  EXPECT_EQ(message->session->media[0].connection.address, base::Address::parse("192.0.2.1"));
}

}  // namespace
}  // namespace dpinholer::message
