// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/session_description.h"

#include <gtest/gtest.h>

namespace dpinholer::message {
namespace {

TEST(SessionDescription, Rfc3264Section10FirstOfferIsRead) {
  const auto description = read_session_description(
      "v=0\r\n"
      "o=alice 2890844526 2890844526 IN IP4 host.anywhere.com\r\n"
      "s=\r\n"
      "c=IN IP4 192.0.2.1\r\n"
      "t=0 0\r\n"
      "m=audio 62986 RTP/AVP 0 4 18\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "m=video 49170/2 RTP/AVP 31\r\n"
      "c=IN IP6 2001:db8::1\r\n"
      "a=rtcp:53020 IN IP4 192.0.2.9\r\n"
      "a=sendonly\r\n",
      {});
  ASSERT_EQ(description.media.size(), 2U);
  const auto& audio = description.media[0];
  EXPECT_EQ(audio.media, "audio");
  EXPECT_EQ(audio.profile, Profile::rtp);
  EXPECT_EQ(audio.port, 62986U);
  EXPECT_EQ(audio.connection.address, base::Address::parse("192.0.2.1"));
  const auto& video = description.media[1];
  EXPECT_EQ(video.port_count, 2U);
  EXPECT_EQ(video.connection.address, base::Address::parse("2001:db8::1"));
  ASSERT_TRUE(video.rtcp);
  EXPECT_EQ(video.rtcp->port, 53020U);
  EXPECT_EQ(video.rtcp->address, base::Address::parse("192.0.2.9"));
  EXPECT_EQ(video.direction, Direction::sendonly);
}

}  // namespace
}  // namespace dpinholer::message
