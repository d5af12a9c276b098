// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/session_description.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/limits.h"
#include "support/content.h"

namespace dpinholer::message {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// A section in one line: "audio 49170 rtp @192.0.2.1", with what else is not as usual.
std::string tell(const MediaDescription& media) {
  constexpr const char* profiles[] = {"rtp", "udp", "tcp", "unsupported"};
  constexpr const char* directions[] = {"", " sendonly", " recvonly", " inactive"};
  constexpr const char* setups[] = {"", " active", " passive", " actpass", " holdconn"};
  std::string text = media.media + " " + std::to_string(media.port);
  if (media.port_count != 1) text += "/" + std::to_string(media.port_count);
  text += " "s + profiles[static_cast<std::size_t>(media.profile)];
  switch (media.connection.kind) {
    case Connection::Kind::absent:
      break;
    case Connection::Kind::address:
      text += " @" + media.connection.address.to_string();
      break;
    case Connection::Kind::host_name:
      text += " @" + media.connection.host_name;
      break;
  }
  if (media.rtcp) text += " rtcp:" + std::to_string(media.rtcp->port);
  if (media.rtcp && media.rtcp->address) text += "@" + media.rtcp->address->to_string();
  if (media.rtcp_mux) text += " mux";
  if (media.rtcp_mux_only) text += " mux-only";
  if (media.bundle_only) text += " bundle-only";
  if (media.ice) text += " ice";
  text += directions[static_cast<std::size_t>(media.direction)];
  text += setups[static_cast<std::size_t>(media.setup)];
  if (!media.mid.empty()) text += " mid=" + media.mid;
  for (const auto& candidate : media.candidates) {
    text += " " + candidate.address.to_string() + ":" + std::to_string(candidate.port);
  }
  for (const auto& address : media.silent) text += " silent=" + address.to_string();
  return text;
}

// All sections, one a line.
std::string tell(const SessionDescription& description) {
  std::string text;
  for (const auto& media : description.media) text += tell(media) + "\n";
  for (const auto& group : description.bundles) {
    text += "bundle";
    for (const auto& mid : group) text += " " + mid;
    text += "\n";
  }
  return text + (description.over_limit ? "over limit\n" : "");
}

std::string read(const std::string& body, const DescriptionLimits& limits = {}) {
  return tell(read_session_description(body, limits));
}

const std::string session = "v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
const std::string audio = "m=audio 49170 RTP/AVP 0\r\n";
const std::string video = "m=video 51372 RTP/AVP 99\r\n";

TEST(SessionDescription, LinesAndTheirMeaning) {
  struct Case {
    const char* why;
    std::string body;
    std::string read;
  };
  const std::string at_1 = "audio 49170 rtp @192.0.2.1";
  const Case cases[] = {
      {"RFC 8866 section 5", session + audio + video, at_1 + "\nvideo 51372 rtp @192.0.2.1\n"},
      {"line ends of LF", "c=IN IP4 192.0.2.1\nm=audio 49170 RTP/AVP 0\n", at_1 + "\n"},
      {"no line end at last", session + "m=audio 49170 RTP/AVP 0", at_1 + "\n"},
      {"calls.md section 7: v= o= s= t= may be missing", "c=IN IP4 192.0.2.1\r\n" + audio, at_1 + "\n"},
      {"any order before m=", "t=0 0\r\nc=IN IP4 192.0.2.1\r\ns=-\r\nv=0\r\n" + audio, at_1 + "\n"},
      {"lines that can't be read",
       session + "junk\r\n=\r\n\r\nx\r\nb=\r\n" + audio + "a=\r\na=:\r\na=rtpmap\r\n", at_1 + "\n"},
      {"spaces at the end", "c=IN IP4 192.0.2.1  \r\nm=audio 49170 RTP/AVP 0  \r\na=rtcp-mux  \r\n",
       at_1 + " mux\n"},
      {"type letters are case-sensitive", session + "M=audio 1 RTP/AVP 0\r\n", ""},
      {"a blank before =: RFC 4475 3.1.1.8", session + "m =audio 1 RTP/AVP 0\r\n", ""},
      {"a blank before the line", session + " m=audio 1 RTP/AVP 0\r\n", ""},
      {"nothing", "", ""},

      {"RFC 8866 5.7: the section's c= wins", session + audio + "c=IN IP4 192.0.2.2\r\n" + video,
       "audio 49170 rtp @192.0.2.2\nvideo 51372 rtp @192.0.2.1\n"},
      {"wherever it stands", session + audio + "a=sendrecv\r\nc=IN IP4 192.0.2.2\r\n",
       "audio 49170 rtp @192.0.2.2\n"},
      {"the first of several", session + audio + "c=IN IP4 192.0.2.2\r\nc=IN IP4 192.0.2.3\r\n",
       "audio 49170 rtp @192.0.2.2\n"},
      {"the first of several of the session", "c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\n" + audio,
       at_1 + "\n"},
      {"one that can't be read is skipped",
       session + audio + "c=IN IP4 192.0.2.1/24\r\nc=IN IP4 192.0.2.3\r\n", "audio 49170 rtp @192.0.2.3\n"},
      {"as if it were not there", session + audio + "c=IN IP4 0x1.2.3.4\r\n", at_1 + "\n"},
      {"A18: a name stays a name", session + audio + "c=IN IP4 host.example.com\r\n",
       "audio 49170 rtp @host.example.com\n"},
      {"none at all", audio, "audio 49170 rtp\n"},
      {"o= is none", "o=- 1 1 IN IP4 192.0.2.99\r\n" + audio, "audio 49170 rtp\n"},
      {"RFC 6157: both families", session + audio + "c=IN IP6 2001:db8::1\r\n" + video,
       "audio 49170 rtp @2001:db8::1\nvideo 51372 rtp @192.0.2.1\n"},

      {"an m-line that can't be read keeps its index", session + "m=audio x RTP/AVP 0\r\n" + video,
       " 0 unsupported @192.0.2.1\nvideo 51372 rtp @192.0.2.1\n"},
      {"and nothing of it counts",
       session +
           "m=audio x RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.7 7 typ host\r\na=rtcp:7\r\na=mid:1\r\n",
       " 0 unsupported @192.0.2.1 mid=1\n"},
      {"A12: a CR in a line", session + "m=audio 1\r RTP/AVP 0\r\n" + video,
       " 0 unsupported @192.0.2.1\nvideo 51372 rtp @192.0.2.1\n"},
      {"A12: a line within a line", session + audio + "a=x\rc=IN IP4 192.0.2.2\r\n", at_1 + "\n"},
      {"A12: a NUL", session + audio + "c=IN IP4 192.0.2.2\0\r\n"s + "m=video 1\0 RTP/AVP 0\r\n"s,
       at_1 + "\n 0 unsupported @192.0.2.1\n"},

      {"RFC 3605", session + audio + "a=rtcp:53020 IN IP4 126.16.64.4\r\n",
       at_1 + " rtcp:53020@126.16.64.4\n"},
      {"the first that can be read", session + audio + "a=rtcp:x\r\na=rtcp:1\r\na=rtcp:2\r\n",
       at_1 + " rtcp:1\n"},
      {"RFC 5761, RFC 8858", session + audio + "a=rtcp-mux\r\na=rtcp-mux-only\r\n", at_1 + " mux mux-only\n"},
      {"names are case-sensitive", session + audio + "a=RTCP-MUX\r\na=Sendonly\r\na=rtcp-muxx\r\n",
       at_1 + "\n"},
      {"attributes of a section mean nothing to the session",
       "a=rtcp-mux\r\na=rtcp:9\r\na=mid:1\r\n" + session + audio, at_1 + "\n"},

      {"RFC 8866 6.7: the section's own", session + audio + "a=sendonly\r\n" + video + "a=inactive\r\n",
       at_1 + " sendonly\nvideo 51372 rtp @192.0.2.1 inactive\n"},
      {"the session's for all others", session + "a=recvonly\r\n" + audio + video + "a=sendrecv\r\n",
       at_1 + " recvonly\nvideo 51372 rtp @192.0.2.1\n"},
      {"the first of several", session + audio + "a=sendonly\r\na=sendrecv\r\n", at_1 + " sendonly\n"},

      {"RFC 4145", session + "m=message 7654 TCP/MSRP *\r\na=setup:passive\r\na=setup:active\r\n",
       "message 7654 tcp @192.0.2.1 passive\n"},
      {"RFC 8122: the session's for all others",
       session + "a=setup:actpass\r\n" + audio + video + "a=setup:active\r\n",
       at_1 + " actpass\nvideo 51372 rtp @192.0.2.1 active\n"},
      {"one that can't be read", session + audio + "a=setup:maybe\r\n", at_1 + "\n"},

      {"RFC 8839 5.1", session + audio + "a=candidate:1 1 UDP 1 192.0.2.7 7 typ host\r\na=candidate:x\r\n",
       at_1 + " ice 192.0.2.7:7\n"},
      {"5.4: ICE by the session", session + "a=ice-ufrag:8hhY\r\n" + audio, at_1 + " ice\n"},
      {"5.4: ICE by the section", session + audio + "a=ice-ufrag:8hhY\r\n" + video,
       at_1 + " ice\nvideo 51372 rtp @192.0.2.1\n"},
      {"5.1: a name is ICE, but no candidate",
       session + audio + "a=candidate:1 1 UDP 1 x.local 7 typ host\r\n", at_1 + " ice\n"},
      {"candidates belong to sections", "a=candidate:1 1 UDP 1 192.0.2.7 7 typ host\r\n" + session + audio,
       at_1 + "\n"},

      {"RFC 9143",
       session + "a=group:BUNDLE foo bar\r\n" + audio + "a=mid:foo\r\n" + "m=video 0 RTP/AVP 31\r\n" +
           "a=bundle-only\r\na=mid:bar\r\n",
       at_1 + " mid=foo\nvideo 0 rtp @192.0.2.1 bundle-only mid=bar\nbundle foo bar\n"},
      {"two groups, one of another kind",
       session + "a=group:BUNDLE a\r\na=group:LS a b\r\na=group:BUNDLE b  c\r\n", "bundle a\nbundle b c\n"},
      {"none of a section", session + audio + "a=group:BUNDLE a\r\n", at_1 + "\n"},
      {"an empty one", session + "a=group:BUNDLE\r\n", "bundle\n"},
      {"mids are cut",
       session + "a=group:BUNDLE " + std::string(40, 'x') + "\r\n" + audio + "a=mid:" + std::string(40, 'x') +
           "\r\n",
       at_1 + " mid=" + std::string(32, 'x') + "\nbundle " + std::string(32, 'x') + "\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.body), c.read) << c.why;
}

TEST(SessionDescription, Rfc8840TrickleIceFragment) {
  EXPECT_EQ(read("a=ice-ufrag:8hhY\r\n"
                 "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
                 "m=audio 9 RTP/AVP 0\r\n"
                 "a=mid:1\r\n"
                 "a=candidate:1 1 UDP 2130706432 2001:db8::1 5000 typ host\r\n"
                 "a=candidate:2 2 UDP 1694498815 192.0.2.3 5001 typ srflx raddr 10.0.1.1 rport 8998\r\n"
                 "a=end-of-candidates\r\n"
                 "m=audio 9 RTP/AVP 0\r\n"
                 "a=mid:2\r\n"
                 "a=candidate:1 1 UDP 2130706432 2001:db8::1 6000 typ host\r\n"),
            "audio 9 rtp ice mid=1 2001:db8::1:5000 192.0.2.3:5001\n"
            "audio 9 rtp ice mid=2 2001:db8::1:6000\n");
}

TEST(SessionDescription, WhatAsksForMediaAndCannotHaveItIsTold) {
  const std::string c = "c=IN IP4 192.0.2.1\r\n";
  const std::string candidate = "a=candidate:1 1 UDP 1 192.0.2.1 4000 typ host\r\n";
  const struct {
    std::string body;
    std::string unread;
  } cases[] = {
      {c + "m=audio 49170 RTP/AVP 0\r\n", ""},
      {"v=0\r\n", ""},
      {"", ""},
      {"<xml/>", "syntax: <xml/>"},
      {c + "m=audio 49170 RTP 0 3\r\n", "syntax: m=audio 49170 RTP 0 3"},
      {c + "m=audio 49170 DCCP/RTP/AVP 0\r\n", "syntax: m=audio 49170 DCCP/RTP/AVP 0"},
      {c + "m=audio\r\n", "syntax: m=audio"},
      {c + "m=audio x RTP/AVP 0\n", "syntax: m=audio x RTP/AVP 0"},
      {c + "m=audio 0 RTP 0\r\n", ""},
      {c + "m=audio 9 RTP 0\r\n", ""},
      {c + "m=audio 9 RTP 0\r\n" + candidate, "syntax: m=audio 9 RTP 0"},
      {c + "m=audio 0 RTP 0\r\n" + candidate, ""},
      {c + "m=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP 31\r\n", "syntax: m=video 5000 RTP 31"},
      {"m=audio 49170 RTP/AVP 0\r\n", "connection: m=audio 49170 RTP/AVP 0"},
      {"m=message 49170 TCP/MSRP *\r\n", "connection: m=message 49170 TCP/MSRP *"},
      {"m=audio 0 RTP/AVP 0\r\n", ""},
      {"m=audio 9 RTP/AVP 0\r\n", ""},
      {"m=audio 49170 RTP/AVP 0\r\n" + candidate, "connection: m=audio 49170 RTP/AVP 0"},
      {"m=audio 49170 RTP/AVP 0\r\n" + c, ""},
      {"c=IN IP4 192.0.2.1/24\r\nm=audio 49170 RTP/AVP 0\r\n", "connection: c=IN IP4 192.0.2.1/24"},
      {"c=IN IP6 192.0.2.1\r\nm=audio 49170 RTP/AVP 0\r\n" + c, ""},
      {"m=audio 1 RTP 0" + std::string(100, ' ') + "0\r\n",
       "syntax: m=audio 1 RTP 0" + std::string(base::limits::unread_text - 15, ' ')},
  };
  for (const auto& one : cases) {
    std::optional<Unread> unread;
    read_session_description(one.body, {}, unread);
    EXPECT_EQ(unread ? std::string(name(unread->cause)) + ": " + unread->text : "", one.unread) << one.body;
  }
}

TEST(SessionDescription, A5SectionsAreBounded) {
  std::string body = session;
  for (int i = 0; i < 3; ++i) body += audio;
  EXPECT_FALSE(read_session_description(body, {.media_sections = 3}).over_limit);
  const auto over = read_session_description(body + audio, {.media_sections = 3});
  EXPECT_TRUE(over.over_limit);
  EXPECT_EQ(over.media.size(), 3U);
  const auto unreadable = read_session_description(body + "m=x\r\n", {.media_sections = 3});
  EXPECT_TRUE(unreadable.over_limit);  // those that can't be read count
}

TEST(SessionDescription, A5CandidatesOfAllSectionsAreBounded) {
  const std::string candidate = "a=candidate:1 1 UDP 1 192.0.2.7 7 typ host\r\n";
  const std::string named = "a=candidate:1 1 UDP 1 x.local 7 typ host\r\n";
  const std::string body = session + audio + candidate + named + video + candidate;
  EXPECT_FALSE(read_session_description(body, {.candidates = 2}).over_limit);
  const auto over = read_session_description(body + candidate + audio, {.candidates = 2});
  EXPECT_TRUE(over.over_limit);
  EXPECT_EQ(over.media.size(), 2U);
  EXPECT_EQ(over.media[1].candidates.size(), 1U);
}

TEST(SessionDescription, CandidatesThatCanNeverOpenDoNotCount) {
  const std::string silent =
      "a=candidate:1 1 TCP 1 192.0.2.7 5000 typ host tcptype active\r\n"
      "a=candidate:1 1 TCP 1 192.0.2.8 5000 typ host\r\n"
      "a=candidate:1 1 TCP 1 192.0.2.9 9 typ host tcptype passive\r\n"
      "a=candidate:1 1 UDP 1 192.0.2.7 9 typ host\r\n"
      "a=candidate:1 1 UDP 1 2001:db8::1 0 typ host\r\n"
      "a=candidate:1 1 UDP 1 x.local 5000 typ host\r\n";
  const std::string may_open =
      "a=candidate:1 1 UDP 1 192.0.2.7 5000 typ host\r\n"
      "a=candidate:1 1 TCP 1 192.0.2.7 5000 typ host tcptype passive\r\n"
      "a=candidate:1 1 TCP 1 192.0.2.7 5001 typ host tcptype so\r\n";
  std::string body = session + audio;
  for (int i = 0; i < 100; ++i) body += silent;
  EXPECT_EQ(tell(read_session_description(body + may_open, {.candidates = 3})),
            "audio 49170 rtp @192.0.2.1 ice 192.0.2.7:5000 192.0.2.7:5000 192.0.2.7:5001 silent=192.0.2.7 "
            "silent=192.0.2.8 "
            "silent=192.0.2.9 silent=2001:db8::1\n");
  EXPECT_FALSE(read_session_description(body, {.candidates = 0}).over_limit);
  EXPECT_TRUE(read_session_description(body + may_open, {.candidates = 2}).over_limit);
}

// A browser on a host with nine addresses sends 76 for each bundle, most of them UDP.
TEST(SessionDescription, TheDefaultIsEnoughForABrowser) {
  std::string body = session + audio;
  for (int i = 0; i < 128; ++i)
    body += "a=candidate:1 1 UDP 1 192.0.2." + std::to_string(i) + " 5000 typ host\r\n";
  EXPECT_FALSE(read_session_description(body, {}).over_limit);
  EXPECT_TRUE(
      read_session_description(body + "a=candidate:1 1 UDP 1 192.0.2.200 5000 typ host\r\n", {}).over_limit);
}

// Candidates that never open anything cost no memory beyond a bound, and no time but that of reading them.
TEST(SessionDescription, A5CandidatesThatCanNeverOpenAreBounded) {
  std::string body = session + audio;
  for (int i = 0; i < 100000; ++i) {
    body += "a=candidate:1 1 TCP 1 10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
            std::to_string(i & 255) + " 9 typ host tcptype active\r\n";
  }
  const auto description = read_session_description(body, {});
  ASSERT_EQ(description.media.size(), 1U);
  EXPECT_FALSE(description.over_limit);
  EXPECT_TRUE(description.media[0].candidates.empty());
  EXPECT_EQ(description.media[0].silent.size(), base::limits::silent_addresses);
  EXPECT_GT(base::limits::silent_addresses, base::limits::sources_per_binding);
}

TEST(SessionDescription, A5MemoryDoesNotGrowWithTheBody) {
  std::string body = session;
  for (int i = 0; i < 5000; ++i) body += "a=group:BUNDLE a b c d e f g h i j k l m n o p q r s t u v\r\n";
  body += audio;
  for (int i = 0; i < 5000; ++i)
    body += "a=candidate:1 1 UDP 1 192.0.2.7 7 typ host\r\n" + audio + "a=mid:x\r\n";
  const auto description = read_session_description(body, {});
  EXPECT_TRUE(description.over_limit);
  EXPECT_EQ(description.media.size(), DescriptionLimits{}.media_sections);
  ASSERT_EQ(description.bundles.size(), base::limits::bundle_groups);
  for (const auto& group : description.bundles) EXPECT_EQ(group.size(), base::limits::bundle_groups);
}

TEST(SessionDescription, A5PortsArePassedOnAsTheyAre) {
  EXPECT_EQ(read(session + "m=audio 2000/9999 RTP/AVP 0\r\n"), "audio 2000/9999 rtp @192.0.2.1\n");
  EXPECT_EQ(read(session + "m=audio 65536 RTP/AVP 0\r\n"), "audio 65536 rtp @192.0.2.1\n");
}

// ---- The samples of tests/data/sdp ------------------------------------------------------------------------

const fs::path samples = fs::path(DPINHOLER_SOURCE_DIR) / "tests/data/sdp";

TEST(SdpSamples, EachSectionOfEachIsFound) {
  std::size_t files = 0;
  for (const char* folder : {"sdp-transform", "webrtc-fuzz", "gortc"}) {
    for (const auto& entry : fs::directory_iterator(samples / folder)) {
      ++files;
      const std::string body = test::content_of(entry);
      std::size_t sections = body.starts_with("m=") ? 1 : 0;
      for (auto at = body.find("\nm="); at != std::string::npos; at = body.find("\nm=", at + 1)) ++sections;
      const auto description = read_session_description(body, {.media_sections = 100, .candidates = 1000});
      EXPECT_EQ(description.media.size(), sections) << entry.path();
      EXPECT_FALSE(description.over_limit) << entry.path();
    }
  }
  EXPECT_EQ(files, 164U);
}

TEST(SdpSamples, SomeWereReadByEye) {
  const std::map<std::string, std::string> read_by_eye = {
      {"sdp-transform/bfcp.sdp",
       "audio 3230 rtp @192.0.0.0\n"
       "video 3232 rtp @192.0.0.0\n"
       "application 3238 udp @192.0.0.0 passive\n"
       "video 3234 rtp @192.0.0.0\n"},
      {"sdp-transform/hacky.sdp",
       "audio 1 rtp @0.0.0.0 rtcp:1@0.0.0.0 mux ice mid=audio 0.0.0.0:60672 10.0.1.1:8998 "
       "10.0.1.1:8999 192.0.2.3:45664 192.0.2.3:45687 silent=0.0.0.0 silent=10.0.1.1 silent=192.0.2.3\n"
       "video 1 rtp @0.0.0.0 rtcp:12312 mux ice mid=video\n"
       "application 9 udp @0.0.0.0 ice active mid=33db2c4da91d73fd\n"
       "bundle audio video\n"},
      {"sdp-transform/icelite.sdp",
       "audio 10018 rtp @192.168.100.100 mux ice actpass 192.168.100.100:10018 192.168.100.100:10019\n"},
      {"sdp-transform/invalid.sdp", "audio 1 rtp @0.0.0.0\n"},
      {"sdp-transform/jsep.sdp",
       "audio 56500 rtp @192.0.2.1 rtcp:56501@192.0.2.1 mux ice actpass mid=a1 192.0.2.1:56500 "
       "192.0.2.1:56501\n"
       "video 0 rtp @192.0.2.1 rtcp:56503@192.0.2.1 mux bundle-only ice actpass mid=v1\n"
       "bundle a1 v1\n"},
      {"sdp-transform/normal.sdp",
       "audio 54400 rtp @203.0.113.1 ice actpass 203.0.113.1:54400 203.0.113.1:54401 203.0.113.1:54402 "
       "203.0.113.1:54403\n"
       "video 55400 rtp @203.0.113.1 ice actpass 203.0.113.1:55400 203.0.113.1:55401 203.0.113.1:55402 "
       "203.0.113.1:55403\n"},
      {"sdp-transform/sctp-dtls-26.sdp",
       "application 9 udp @0.0.0.0 ice actpass mid=data\n"
       "bundle data\n"},
      {"sdp-transform/tcp-active.sdp", "image 9 tcp @192.0.2.3 active\n"},
      {"sdp-transform/tcp-passive.sdp", "image 54111 tcp @192.0.2.2 passive\n"},
      {"sdp-transform/st2110-20.sdp",
       "video 50000 rtp @239.100.9.10 recvonly mid=primary\n"
       "video 50020 rtp @239.101.9.10 recvonly mid=secondary;\n"},
      {"webrtc-fuzz/17.sdp",
       "audio 0 rtp @host.biloxi.example.com\n"
       "audio 49170 rtp @host.biloxi.example.com\n"},
      {"webrtc-fuzz/23.sdp",
       "audio 49174 rtp @host.biloxi.example.com\n"
       "video 49172 rtp @otherhost.biloxi.example.com\n"},
      {"webrtc-fuzz/34.sdp",
       "audio 49170 rtp @host.biloxi.example.com\n"
       "audio 48282 rtp @mediaserver.biloxi.example.com recvonly\n"},
      {"webrtc-fuzz/48.sdp", "audio 23442 rtp @0.0.0.0\n"},
      {"webrtc-fuzz/firefox-2.sdp",
       "audio 9 rtp @0.0.0.0 mux ice recvonly active mid=sdparta_0\n"
       "video 9 rtp @0.0.0.0 mux ice recvonly active mid=sdparta_1\n"
       "application 9 udp @0.0.0.0 ice active mid=sdparta_2\n"
       "bundle sdparta_0 sdparta_1 sdparta_2\n"},
  };
  for (const auto& [file, expected] : read_by_eye)
    EXPECT_EQ(read(test::content_of(samples / file)), expected) << file;
}

}  // namespace
}  // namespace dpinholer::message
