// SPDX-License-Identifier: GPL-2.0-or-later
// Offers and answers as real stacks write them. Samples under tests/data/sdp are read as they are; the others
// have the lines that the stack is known to send, with documentation addresses.
#include "negotiation/row.h"
#include "support/content.h"

namespace dpinholer::negotiation::test {
namespace {

std::string sample(const std::string& path) {
  return dpinholer::test::source_file("tests/data/sdp/" + path);
}

struct Opened {
  std::string offered;
  std::string to_offerer;
  std::string to_answerer;
  std::string senders_to_answerer;
};

Opened negotiate(const std::string& offer_body, const std::string& answer_body,
                 const Settings& settings = {}) {
  const Announcement offer = announcement(offer_body, offerer_address);
  const Announcement answer = announcement(answer_body, answerer_address);
  const Agreement agreement = agree(offer, answer, settings);
  return {to_text(offered(offer, settings)), to_text(agreement.toward_offerer),
          to_text(agreement.toward_answerer), senders_text(agreement.toward_answerer)};
}

// Asterisk (chan_pjsip) calls FreeSWITCH, which writes a=rtcp when its RTCP port is not the next one.
TEST(Interop, AsteriskAndFreeSwitch) {
  const Opened opened = negotiate(
      "v=0\r\no=- 1234567 1234567 IN IP4 192.0.2.10\r\ns=Asterisk\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
      "m=audio 16732 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 "
      "0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n",
      "v=0\r\no=FreeSWITCH 1700000000 1700000001 IN IP4 203.0.113.5\r\ns=FreeSWITCH\r\nc=IN IP4 "
      "203.0.113.5\r\n"
      "t=0 0\r\nm=audio 27512 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
      "a=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:27513 IN IP4 203.0.113.5\r\n");
  EXPECT_EQ(opened.offered, "audio: rtp 16732, rtcp 16733");
  EXPECT_EQ(opened.to_offerer, "audio: rtp 16732, rtcp 16733");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 27512, rtcp 27513");
}

// A Cisco video endpoint: BFCP over UDP, a second video line, and an application line refused by the other.
TEST(Interop, CiscoVideoWithBfcp) {
  const Opened opened = negotiate(
      "v=0\r\no=CiscoSystemsCCM-SIP 161095 1 IN IP4 192.0.2.2\r\ns=SIP Call\r\nc=IN IP4 "
      "192.0.2.10\r\nb=AS:6000\r\n"
      "t=0 0\r\nm=audio 24578 RTP/AVP 108 9 0 101\r\na=rtpmap:108 MP4A-LATM/90000\r\n"
      "m=video 25466 RTP/AVP 98\r\na=label:11\r\na=content:main\r\n"
      "m=video 25468 RTP/AVP 98\r\na=label:12\r\na=content:slides\r\n"
      "m=application 5070 UDP/BFCP *\r\na=floorctrl:c-s\r\na=confid:1\r\na=floorid:2 "
      "mstrm:12\r\na=userid:4\r\n"
      "m=application 25470 RTP/AVP 125\r\na=rtpmap:125 H224/4800\r\n",
      "v=0\r\no=tandberg 8 3 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n"
      "m=audio 2326 RTP/AVP 108 101\r\nm=video 2328 RTP/AVP 98\r\nm=video 2332 RTP/AVP 98\r\n"
      "m=application 5072 UDP/BFCP *\r\na=floorctrl:c-s\r\nm=application 0 RTP/AVP 125\r\n");
  EXPECT_EQ(opened.to_offerer,
            "audio: rtp 24578, rtcp 24579 | video: rtp 25466, rtcp 25467 | video: rtp 25468, rtcp 25469 | "
            "application: data 5070");
  EXPECT_EQ(opened.to_answerer,
            "audio: rtp 2326, rtcp 2327 | video: rtp 2328, rtcp 2329 | video: rtp 2332, rtcp 2333 | "
            "application: data 5072");
}

// CUCM's music on hold: a re-INVITE with a=sendonly from another machine, answered recvonly.
TEST(Interop, CiscoMusicOnHold) {
  Settings narrow;
  narrow.hold_narrow = true;
  const Opened opened = negotiate(
      "v=0\r\no=CiscoSystemsCCM-SIP 161095 3 IN IP4 192.0.2.2\r\ns=SIP Call\r\nc=IN IP4 192.0.2.3\r\nt=0 "
      "0\r\n"
      "m=audio 4000 RTP/AVP 0\r\na=X-cisco-media:umoh\r\na=ptime:20\r\na=sendonly\r\n",
      "v=0\r\no=x 1 3 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n"
      "m=audio 27512 RTP/AVP 0\r\na=recvonly\r\n",
      narrow);
  EXPECT_EQ(opened.to_offerer, "audio: rtp 192.0.2.3:4000 (held), rtcp 192.0.2.3:4001");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 27512, rtcp 27513") << "the music comes here";
  EXPECT_EQ(opened.senders_to_answerer, "192.0.2.3, 192.0.2.10") << "from the music server";
}

// Teams direct routing: rtcp-mux, candidates of both components, and TCP ones as a draft of RFC 6544 wrote
// them.
TEST(Interop, TeamsDirectRouting) {
  const std::string offer =
      "v=0\r\no=- 61342 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 203.0.113.200\r\nb=CT:10000000\r\nt=0 "
      "0\r\n"
      "m=audio 53320 RTP/SAVP 104 9 111 18 0 8 97 101 13 118\r\na=rtcp:53321\r\na=ice-ufrag:vt0E\r\n"
      "a=ice-pwd:mKTgSXEOBOQpvw8IQnfAGZMQ\r\na=rtcp-mux\r\n"
      "a=candidate:1 1 UDP 2130706431 203.0.113.200 53320 typ srflx raddr 10.0.136.118 rport 53320\r\n"
      "a=candidate:1 2 UDP 2130705918 203.0.113.200 53321 typ srflx raddr 10.0.136.118 rport 53321\r\n"
      "a=candidate:2 1 tcp-act 2121006078 203.0.113.200 49152 typ srflx raddr 10.0.136.118 rport 49152\r\n"
      "a=candidate:2 2 tcp-act 2121006078 203.0.113.200 49152 typ srflx raddr 10.0.136.118 rport 49152\r\n"
      "a=label:main-audio\r\na=mid:1\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x|2^31\r\na=sendrecv\r\n";
  const std::string lite_sbc =
      "v=0\r\no=SBC 1 2 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\na=ice-lite\r\n"
      "m=audio 6000 RTP/SAVP 8 101\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"
      "a=candidate:1 1 UDP 2130706431 203.0.113.5 6000 typ host\r\n"
      "a=candidate:1 2 UDP 2130706430 203.0.113.5 6001 typ host\r\na=rtcp:6001\r\n";
  Settings settings;
  settings.tcp = true;
  Opened opened = negotiate(offer, lite_sbc, settings);
  EXPECT_EQ(opened.offered, "audio: rtp 203.0.113.200:53320, rtcp 203.0.113.200:53321");
  EXPECT_EQ(opened.to_offerer, "audio: rtp 203.0.113.200:53320, rtcp 203.0.113.200:53321");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 6000, rtcp 6001");
  opened = negotiate(offer, lite_sbc + "a=rtcp-mux\r\n", settings);
  EXPECT_EQ(opened.to_offerer, "audio: rtp 203.0.113.200:53320");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 6000");
}

// A browser (JsSIP) calls a gateway without ICE: RTCP shares the port, TCP candidates have no tcptype.
TEST(Interop, JsSipCallsAPlainGateway) {
  Settings settings;
  settings.tcp = true;
  const Opened opened = negotiate(
      sample("sdp-transform/jssip.sdp"),
      dpinholer::test::sdp({"203.0.113.5|audio 40000 RTP/SAVPF 0 101|a=crypto:1 x|a=rtcp-mux"}), settings);
  EXPECT_EQ(opened.offered, "audio: rtp 193.84.77.194:60017, rtp 192.168.34.75:60017");
  EXPECT_EQ(opened.to_offerer, "audio: rtp 193.84.77.194:60017");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 40000");
  EXPECT_EQ(opened.senders_to_answerer, "193.84.77.194, 192.168.34.75, 192.0.2.10");
}

// RFC 8829 (JSEP): the second m-line is bundle-only; the answerer joins the bundle on a trickled transport.
TEST(Interop, JsepOfferWithBundleOnlyVideo) {
  const std::string answer =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a1 v1\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:a1\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"
      "a=setup:active\r\na=rtcp-mux\r\na=candidate:1 1 udp 2113929471 203.0.113.5 50000 typ host\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\na=mid:v1\r\na=rtcp-mux\r\n";
  const Opened opened = negotiate(sample("sdp-transform/jsep.sdp"), answer);
  EXPECT_EQ(opened.offered, "audio: rtp 192.0.2.1:56500, rtcp 192.0.2.1:56501");
  EXPECT_EQ(opened.to_offerer, "audio: rtp 192.0.2.1:56500");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 50000");
}

// Firefox and Opera (Chromium) trickle: their first offers have no port at all.
TEST(Interop, BrowsersThatTrickleOpenNothingYet) {
  for (const char* name : {"firefox-1", "firefox-2", "opera-1", "opera-2"})
    EXPECT_EQ(to_text(offered(
                  announcement(sample("webrtc-fuzz/" + std::string(name) + ".sdp"), offerer_address), {})),
              "")
        << name;
}

// A WebRTC stack of 2012: three networks, components on neighbouring ports, RTCP first in the second m-line.
TEST(Interop, EarlyWebRtcWithoutBundle) {
  const Opened opened = negotiate(sample("webrtc-fuzz/unittest-1.sdp"), sample("webrtc-fuzz/unittest-1.sdp"));
  const std::string audio_muxed = "audio: rtp 74.125.127.126:2345, rtp 192.168.1.5:1234, rtp [::1]:1238";
  const std::string video =
      " | video: rtp 74.125.224.39:3457, rtcp 74.125.224.39:3456, rtcp 192.168.1.5:1236, rtp "
      "192.168.1.5:1237, rtcp "
      "[::1]:1240, rtp [::1]:1241";
  EXPECT_EQ(opened.offered,
            "audio: rtp 74.125.127.126:2345, rtcp 74.125.127.126:2347, rtp 192.168.1.5:1234, rtcp "
            "192.168.1.5:1235, "
            "rtp [::1]:1238, rtcp [::1]:1239" +
                video);
  EXPECT_EQ(opened.to_offerer, audio_muxed + video);
  EXPECT_EQ(opened.to_answerer, audio_muxed + video);
}

TEST(Interop, IceLiteServerAnswersABrowser) {
  const Opened opened = negotiate(
      dpinholer::test::sdp({"0.0.0.0|audio 9 UDP/TLS/RTP/SAVPF 111|a=rtcp-mux|a=mid:0|a=ice-ufrag:x|"
                            "a=candidate:1 1 udp 2113937151 192.0.2.10 60017 typ host|"
                            "a=candidate:2 1 udp 2113937150 3c5c8f20-4c2c.local 60018 typ host"},
                           "a=group:BUNDLE 0\r\n"),
      sample("sdp-transform/icelite.sdp"));
  EXPECT_EQ(opened.offered, "audio: rtp 60017");
  EXPECT_EQ(opened.to_offerer, "audio: rtp 60017");
  EXPECT_EQ(opened.to_answerer, "audio: rtp 192.168.100.100:10018");
}

TEST(Interop, DataChannelAlone) {
  const Opened opened = negotiate(sample("sdp-transform/sctp-dtls-26.sdp") +
                                      "\r\na=candidate:1 1 udp 2113937151 192.0.2.10 60017 typ host\r\n",
                                  sample("sdp-transform/sctp-dtls-26.sdp") +
                                      "\r\na=candidate:1 1 udp 2113937151 203.0.113.5 60018 typ host\r\n");
  EXPECT_EQ(opened.to_offerer, "application: data 60017");
  EXPECT_EQ(opened.to_answerer, "application: data 60018");
}

TEST(Interop, Rfc4145FaxOverTcp) {
  Settings settings;
  settings.tcp = true;
  const Opened opened =
      negotiate(sample("sdp-transform/tcp-passive.sdp"), sample("sdp-transform/tcp-active.sdp"), settings);
  EXPECT_EQ(opened.offered, "image: tcp data 192.0.2.2:54111");
  EXPECT_EQ(opened.to_offerer, "image: tcp data 192.0.2.2:54111");
  EXPECT_EQ(opened.to_answerer, "");
  EXPECT_EQ(opened.senders_to_answerer, "nobody");
}

}  // namespace
}  // namespace dpinholer::negotiation::test
