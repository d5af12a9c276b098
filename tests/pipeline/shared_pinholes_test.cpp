// SPDX-License-Identifier: GPL-2.0-or-later
// One pinhole that several calls, dialogs or legs want (calls.md section 2): it opens with the first, closes
// with the last, and is bound to the sources of all.
#include <gtest/gtest.h>

#include "pipeline/flow.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {
namespace {

TEST(SharedPinholes, OfTwoCalls) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    alice > dave   INVITE x call=2 [audio 30000]
    mallory ~> alice:30000
        passes
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    mallory ~> alice:30000
        dropped
    dave > alice   200 INVITE y call=2 [audio 41000]
        bind alice:30000-30001 bob,dave 300 answer
        open dave:41000-41001 alice 300 answer
    mallory ~> alice:30000
        dropped
    bob > alice    BYE b a call=1
    alice > bob    200 BYE call=1
        bind alice:30000-30001 dave 300 bye
        close bob:40000-40001 bye
    bob ~> alice:30000
        dropped
    dave ~> alice:30000
        passes
    alice > dave   BYE x y call=2
    dave > alice   200 BYE call=2
        close alice:30000-30001 bye
        close dave:41000-41001 bye
  )"));
}

TEST(SharedPinholes, A27_AStrangersOfferWidensNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    mallory > proxy  INVITE m call=2 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
    proxy > mallory  183 INVITE n call=2 [audio 50000@proxy]
        bind alice:30000-30001 proxy,bob 300 answer
        open proxy:50000-50001 alice,mallory 300 answer
    mallory ~> alice:30000
        dropped
    proxy > mallory  404 INVITE n call=2
        bind alice:30000-30001 bob 300 rejected
        close proxy:50000-50001 rejected
    bob ~> alice:30000
        passes
  )"));
}

TEST(SharedPinholes, A27_AnOfferThatWasThereBeforeTheAnswer) {
  // Neither is bound: both are open to anybody, until one is answered.
  EXPECT_TRUE(plays(R"(
    mallory > proxy  INVITE m call=2 [audio 30000@alice]
        open alice:30000-30001 any 180 offer
    alice > bob      INVITE a call=1 [audio 30000]
    mallory ~> alice:30000
        passes
    bob > alice      183 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    mallory ~> alice:30000
        dropped
    proxy > mallory  404 INVITE n call=2
    bob ~> alice:30000
        passes
  )"));
}

TEST(SharedPinholes, A27_WhenTheCallThatBindsItEndsTheOfferIsAnOfferLikeAnyOther) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > dave   INVITE x call=2 [audio 30000]
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        bind alice:30000-30001 any 180 bye
        close bob:40000-40001 bye
    dave ~> alice:30000
        passes
    wait 180
        @180 close alice:30000-30001 early-timeout
  )"));
}

TEST(SharedPinholes, A27_AnotherLegsOfferWidensNothing) {
  // A proxy tries a second phone with the same description when the first one has answered: a sequential
  // fork, or a transfer.
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    carol > proxy > alice  183 INVITE b [audio 31000]
        bind alice:30000-30001 carol 300 answer
        open carol:31000-31001 alice,proxy 300 answer
        bind alice:30000-30001 carol,proxy 300 answer
    proxy > dave           INVITE a cseq=1 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
    dave > proxy           183 INVITE d [audio 41000]
        bind alice:30000-30001 carol,proxy,dave 300 answer
        open dave:41000-41001 alice,proxy 300 answer
  )"));
}

TEST(SharedPinholes, A27_AStrangersLegOfTheSameCallWidensNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    mallory > proxy  INVITE a [audio 30000@alice, audio 40000@bob]
    mallory > proxy  INVITE m [audio 30000@alice, audio 40000@bob]
    mallory > proxy  INVITE a b [audio 30000@alice, audio 40000@bob]
    mallory > proxy  UPDATE b a [audio 30000@alice, audio 40000@bob]
    mallory ~> alice:30000
        dropped
    mallory ~> bob:40000
        dropped
  )"));
}

TEST(SharedPinholes, A27_AnOfferInAResponseWidensNothing) {
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    proxy > mallory  INVITE p call=2
    mallory > proxy  183 INVITE m call=2 rel=1 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
    mallory > proxy  200 INVITE m call=2 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
  )"));
}

TEST(SharedPinholes, A27_WhatIsRecoveredBoundStaysBound) {
  FlowOptions options;
  options.check_late_copies = false;
  options.check_closed = false;
  options.tags_matter = false;
  EXPECT_TRUE(plays(R"(
    alice > bob      INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice      200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    restart
        open alice:30000-30001 bob 300 recovered
        open bob:40000-40001 alice 300 recovered
    mallory > proxy  INVITE m call=2 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
    mallory > proxy  INVITE m call=1 [audio 30000@alice]
    mallory ~> alice:30000
        dropped
  )",
                    options));
}

// In each message that a stranger's offer may travel in, and each way to name the port.
TEST(SharedPinholes, A27_WhateverAnOfferTravelsIn) {
  struct Places {
    Host phone, peer, stranger, accomplice;
  };
  const Places families[] = {
      {{"192.0.2.10"}, {"203.0.113.5"}, {"198.51.100.66"}, {"198.51.100.67"}},
      {{"2001:db8:2::10"}, {"2001:db8:9::5"}, {"2001:db8:6::66"}, {"2001:db8:6::67"}},
  };
  for (const Places& at : families) {
    const std::string& phone = at.phone.address;
    const std::string& own = at.stranger.address;
    const std::string family = phone.find(':') == std::string::npos ? "IP4 " : "IP6 ";
    const std::string ice = "|a=ice-ufrag:x|a=mid:1|a=candidate:1 1 UDP 1 ";
    const std::string bodies[] = {
        sdp({phone + "|audio 30000 RTP/AVP 0"}),
        sdp({own + "|audio 40000 RTP/AVP 0|a=rtcp:30000 IN " + family + phone}),
        sdp({own + "|audio 40000 RTP/AVP 0" + ice + phone + " 30000 typ host"}),
    };
    for (const std::string& body : bodies) {
      for (int carrier = 0; carrier < 5; ++carrier) {
        Scenario s;
        s.send(at.phone, at.peer, {.start = "INVITE", .body = sdp({phone + "|audio 30000 RTP/AVP 0"})});
        Sip ok{
            .start = "200 INVITE", .to_tag = "b", .body = sdp({at.peer.address + "|audio 41000 RTP/AVP 0"})};
        s.send(at.peer, at.phone, ok);
        const std::string clean = sdp({own + "|audio 40000 RTP/AVP 0" + ice + own + " 40000 typ host"});
        Sip invite{.start = "INVITE", .call_id = "other", .from_tag = "m", .branch = "z9hG4bKm"};
        invite.body = carrier == 0 ? body : carrier == 3 ? "" : clean;
        s.send(at.stranger, at.accomplice, invite);
        Sip answer = invite;
        answer.start = carrier == 4 ? "183 INVITE" : "200 INVITE";
        answer.to_tag = "n";
        answer.headers = "Require: 100rel\r\nRSeq: 1\r\n";
        answer.body = carrier == 3 ? body : sdp({at.accomplice.address + "|audio 42000 RTP/AVP 0"});
        if (carrier != 0) s.send(at.accomplice, at.stranger, answer);
        Sip again{.start = carrier == 1 ? "INVITE" : "UPDATE", .call_id = "other", .from_tag = "m"};
        again.to_tag = "n";
        again.branch = "z9hG4bKn";
        again.cseq = 2;
        again.body = body;
        if (carrier != 0 && carrier != 3) s.send(at.stranger, at.accomplice, again);
        const pinhole::Key key{base::Protocol::udp, {*base::Address::parse(phone), 30000}};
        EXPECT_FALSE(s.pipeline().passes(key, *base::Address::parse(own))) << carrier << body;
        EXPECT_TRUE(s.pipeline().passes(key, *base::Address::parse(at.peer.address))) << carrier << body;
        EXPECT_TRUE(s.pipeline().consistent());
      }
    }
  }
}

TEST(SharedPinholes, OfTwoLegsWithTheSameSdp) {
  EXPECT_TRUE(plays(R"(
    alice > proxy > carol  INVITE a [audio 30000]
        open alice:30000-30001 any 180 offer
    carol > proxy          200 INVITE b [audio 31000]
        bind alice:30000-30001 carol 300 answer
        open carol:31000-31001 alice,proxy 300 answer
    proxy > alice          200 INVITE b [audio 31000@carol]
        bind alice:30000-30001 carol,proxy 300 answer
    alice > proxy          BYE a b
    proxy > alice          200 BYE
        bind alice:30000-30001 carol 300 bye
    proxy > carol          BYE a b cseq=2
    carol > proxy          200 BYE
        close alice:30000-30001 bye
        close carol:31000-31001 bye
  )"));
}

TEST(SharedPinholes, OfTwoSectionsOfOneDescription) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a [audio 30000, audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b [audio 40000, audio 0]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    INVITE a b [audio 30000, audio 30000]
    bob > alice    200 INVITE [audio 0, audio 40000]
    alice > bob    BYE a b
    bob > alice    200 BYE
        close alice:30000-30001 bye
        close bob:40000-40001 bye
  )"));
}

TEST(SharedPinholes, OfTwoDialogsAfterATransfer) {
  // The transfer target calls the same port that the first call still holds.
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    dave > alice   INVITE d call=2 [audio 41000]
        open dave:41000-41001 any 180 offer
    alice > dave   200 INVITE e call=2 [audio 30000]
        bind dave:41000-41001 alice 300 answer
        bind alice:30000-30001 bob,dave 300 answer
    alice > bob    BYE a b call=1
    bob > alice    200 BYE call=1
        bind alice:30000-30001 dave 300 bye
        close bob:40000-40001 bye
    dave ~> alice:30000
        passes
    bob ~> alice:30000
        dropped
  )"));
}

// Two phones talk to one port of a server. Carol's vanishes without a BYE; Alice's media is no sign of life
// of Carol's call.
TEST(SharedPinholes, A15MediaOfOneCallDoesNotKeepAnother) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    carol > bob    INVITE c call=2 [audio 31000]
        open carol:31000-31001 any 180 offer
    bob > carol    200 INVITE d call=2 [audio 40000]
        bind carol:31000-31001 bob 300 answer
        bind bob:40000-40001 alice,carol 300 answer
    wait 200
    alice ~> bob:40000
        passes
    wait 99
    alice ~> bob:40000
        passes
    wait 1
        @300 bind bob:40000-40001 alice 300 idle
        @300 close carol:31000-31001 idle
    carol ~> bob:40000
        dropped
    alice ~> bob:40000
        passes
  )"));
}

// Bob sends to a port of the relay that both calls have, and an address cannot tell for which.
TEST(SharedPinholes, MediaFromASourceOfTwoCallsIsLifeOfBoth) {
  EXPECT_TRUE(plays(R"(
    alice > bob    INVITE a call=1 [audio 30000]
        open alice:30000-30001 any 180 offer
    bob > alice    200 INVITE b call=1 [audio 40000]
        bind alice:30000-30001 bob 300 answer
        open bob:40000-40001 alice 300 answer
    alice > bob    INVITE c call=2 [audio 31000]
        open alice:31000-31001 any 180 offer
    bob > alice    200 INVITE d call=2 [audio 40000]
        bind alice:31000-31001 bob 300 answer
    wait 200
    alice ~> bob:40000
        passes
    wait 200
  )"));
}

}  // namespace
}  // namespace dpinholer::test
