// SPDX-License-Identifier: GPL-2.0-or-later
// Sides from the routing table, in the course of a call (calls.md section 5, other-side).
#include <gtest/gtest.h>

#include "pipeline/scenario.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

using base::Interface;

constexpr Interface outside{2};
constexpr Interface inside{3};

const Host phone{"192.0.2.10"};
const Host peer{"203.0.113.5"};

std::string candidate(const std::string& address, int port) {
  return "a=candidate:1 1 UDP 2130706432 " + address + " " + std::to_string(port) + " typ host";
}

class SidesTest : public testing::Test {
 protected:
  void SetUp() override {
    host.own = {*base::Address::parse("203.0.113.1"), *base::Address::parse("192.0.2.1")};
    host.names = {{outside, "eth0"}, {inside, "eth1"}};
    host.route("192.0.2.0/24", {inside});
    host.route("203.0.113.0/24", {outside});
  }

  std::string send(Interface by, const Host& from, const Host& to, const Sip& message) {
    scenario.arrive_by(by);
    return scenario.send(from, to, message);
  }
  // From the inside phone; the answer to it from the peer.
  std::string invite(const std::string& body, int cseq = 1) {
    sent = {.start = "INVITE", .branch = "z9hG4bK" + std::to_string(cseq), .cseq = cseq, .body = body};
    if (cseq > 1) sent.to_tag = "b";
    return send(inside, phone, peer, sent);
  }
  std::string answer(const std::string& body) {
    Sip response = sent;
    response.start = "200 " + sent.start;
    response.to_tag = "b";
    response.body = body;
    return send(outside, peer, phone, response);
  }

  FakeHost host;
  Scenario scenario{PipelineSettings{}, &host};
  Sip sent;
};

const std::string of_phone = sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only"});
const std::string of_peer = sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux"});

TEST_F(SidesTest, EachPartySpeaksForItsOwnSide) {
  EXPECT_EQ(invite(of_phone), "open 192.0.2.10:30000 any audio rtp 180 offer\n");
  EXPECT_EQ(answer(of_peer),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n");
}

TEST_F(SidesTest, A2AndA3OpenNothingAndAreNoSources) {
  EXPECT_EQ(invite(sdp({"203.0.113.7|audio 30000 RTP/AVP 0|a=rtcp-mux-only"})),
            "refuse 203.0.113.7:30000 audio rtp other-side\n");
  EXPECT_EQ(answer(sdp({"192.0.2.77|audio 40000 RTP/AVP 0|a=rtcp-mux"})),
            "refuse 192.0.2.77:40000 audio rtp other-side\n");
  invite(of_phone, 2);
  EXPECT_EQ(answer(sdp({"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=rtcp:40001 IN IP4 192.0.2.77"})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10 audio rtp 300 answer\n")
      << "what is refused may not send either";
  EXPECT_TRUE(scenario.pipeline().consistent());
}

// The signalling of a call that is up has moved, or its peers have: what was admitted stays.
TEST_F(SidesTest, ARouteThatChangesEndsNoCall) {
  invite(of_phone);
  answer(of_peer);
  const std::string open = scenario.open();
  host.routes.clear();
  EXPECT_EQ(scenario.wait(base::seconds{140}), "") << "refreshed";
  EXPECT_EQ(send(inside, phone, peer, {.start = "OPTIONS", .to_tag = "b", .cseq = 2}), "");
  EXPECT_EQ(scenario.open(), open);
  EXPECT_TRUE(scenario.pipeline().consistent());
  EXPECT_EQ(invite(sdp({"192.0.2.10|audio 30002 RTP/AVP 0|a=rtcp-mux-only"}), 3),
            "refuse 192.0.2.10:30002 audio rtp other-side\n")
      << "what is announced later is judged by the routes of then";
  EXPECT_EQ(scenario.open(), open);
}

TEST_F(SidesTest, A17AnAddressOfTheGatewayThatIsNewCloses) {
  invite(of_phone);
  host.own.insert(*base::Address::parse("192.0.2.10"));
  EXPECT_EQ(scenario.wait(base::seconds{90}), "+90 close 192.0.2.10:30000 audio rtp replaced\n");
}

// The public address that the phone learned is that of an uplink, which gets another one during the call.
TEST_F(SidesTest, AnInterfaceStandsForTheAddressThatItHasAtTheTime) {
  PipelineSettings settings;
  settings.policy.inside_addresses_of = {"eth0"};
  settings.policy.inside_interfaces = {"eth1"};
  scenario = Scenario(settings, &host);
  auto move_to = [&](const char* public_address) {
    host.own = {*base::Address::parse(public_address), *base::Address::parse("192.0.2.1")};
    host.interfaces = {{*base::Address::parse(public_address), outside}};
  };
  move_to("203.0.113.1");
  EXPECT_EQ(invite(sdp({"203.0.113.1|audio 30000 RTP/AVP 0|a=rtcp-mux-only"})),
            "open 203.0.113.1:30000 any audio rtp 180 offer\n");
  answer(of_peer);
  const std::string open = scenario.open();
  move_to("203.0.113.9");
  EXPECT_EQ(scenario.wait(base::seconds{140}), "");
  EXPECT_EQ(scenario.open(), open) << "the call goes on";
  EXPECT_EQ(invite(sdp({"203.0.113.9|audio 30002 RTP/AVP 0|a=rtcp-mux-only"}), 2),
            "open 203.0.113.9:30002 any audio rtp 180 offer\n");
  EXPECT_EQ(answer(of_peer),
            "bind 203.0.113.9:30002 203.0.113.5 audio rtp 300 answer\n"
            "bind 203.0.113.5:40000 192.0.2.10,203.0.113.9 audio rtp 300 answer\n"
            "close 203.0.113.1:30000 audio rtp replaced\n");
  EXPECT_EQ(invite(sdp({"203.0.113.1|audio 30004 RTP/AVP 0|a=rtcp-mux-only"}), 3),
            "refuse 203.0.113.1:30004 audio rtp other-side\n")
      << "it is somebody else's now";
  EXPECT_TRUE(scenario.pipeline().consistent());
}

TEST_F(SidesTest, TrickledCandidatesAreJudgedOneByOne) {
  invite(sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only|a=mid:1|a=ice-ufrag:8hhY"}));
  Sip ringing = sent;
  ringing.start = "180 INVITE";
  ringing.to_tag = "b";
  ringing.body = "";
  send(outside, peer, phone, ringing);
  auto trickle = [&](int cseq, const std::string& candidates) {
    Sip info{.start = "INFO", .to_tag = "b", .cseq = cseq};
    info.body = "a=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n" + candidates;
    info.content_type = "application/trickle-ice-sdpfrag";
    info.headers = "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n";
    return send(inside, phone, peer, info);
  };
  const std::string behind_nat = candidate("10.0.0.5", 30010) + "\r\n";
  const std::string mapped = candidate("203.0.113.1", 30020) + "\r\n";
  const std::string own = candidate("192.0.2.11", 30030) + "\r\n";
  EXPECT_EQ(trickle(2, behind_nat), "refuse 10.0.0.5:30010 audio rtp other-side\n");
  EXPECT_EQ(trickle(3, behind_nat + mapped), "refuse 203.0.113.1:30020 audio rtp address\n");
  EXPECT_EQ(trickle(4, behind_nat + mapped + own), "open 192.0.2.11:30030 any audio rtp 180 candidate\n");
  EXPECT_EQ(answer(sdp(
                {"203.0.113.5|audio 40000 RTP/AVP 0|a=rtcp-mux|a=mid:1|" + candidate("203.0.113.5", 40000)})),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "bind 192.0.2.11:30030 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10,192.0.2.11 audio rtp 300 answer\n");
  EXPECT_EQ(trickle(5, behind_nat + candidate("192.0.2.12", 30040) + "\r\n"),
            "open 192.0.2.12:30040 203.0.113.5 audio rtp 300 candidate\n"
            "bind 203.0.113.5:40000 192.0.2.10,192.0.2.11,192.0.2.12 audio rtp 300 candidate\n");
  EXPECT_TRUE(scenario.pipeline().consistent());
}

// media.local: a proxy on the gateway, of whose messages the gateway sees both the one that comes and the one
// that goes on. Media goes between the parties.
class LocalProxyTest : public SidesTest {
 protected:
  void SetUp() override {
    SidesTest::SetUp();
    PipelineSettings settings;
    settings.policy.local = true;
    scenario = Scenario(settings, &host);
  }
  // A message from one party to the other by way of the proxy.
  std::string pass(const Sip& message, bool to_phone, const std::string& sent_on) {
    Sip onward = message;
    if (!sent_on.empty()) onward.body = sent_on;
    onward.branch += "x";
    const bool response = message.start.find(' ') != std::string::npos;
    std::string text = send(to_phone ? outside : inside, to_phone ? peer : phone,
                            to_phone ? proxy_outside : proxy_inside, response ? onward : message);
    return text + "then\n" +
           send(Interface::host, to_phone ? proxy_inside : proxy_outside, to_phone ? phone : peer,
                response ? message : onward);
  }
  const Host proxy_outside{"203.0.113.1"};
  const Host proxy_inside{"192.0.2.1"};
};

TEST_F(LocalProxyTest, PassesOnWhatItsPartiesSaid) {
  const Sip invite{.start = "INVITE", .body = of_phone};
  EXPECT_EQ(pass(invite, false, ""),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "then\n");
  Sip ok = invite;
  ok.start = "200 INVITE";
  ok.to_tag = "b";
  ok.body = of_peer;
  EXPECT_EQ(pass(ok, true, ""),
            "bind 192.0.2.10:30000 203.0.113.5 audio rtp 300 answer\n"
            "open 203.0.113.5:40000 192.0.2.10,203.0.113.1 audio rtp 300 answer\n"
            "then\n"
            "bind 192.0.2.10:30000 192.0.2.1,203.0.113.5 audio rtp 300 answer\n");
  EXPECT_TRUE(scenario.pipeline().consistent());
}

TEST_F(LocalProxyTest, A2IsNoBetterForComingThroughIt) {
  const Sip invite{.start = "INVITE", .body = sdp({"192.0.2.77|audio 30000 RTP/AVP 0|a=rtcp-mux-only"})};
  EXPECT_EQ(pass(invite, true, ""),
            "refuse 192.0.2.77:30000 audio rtp other-side\n"
            "then\n"
            "refuse 192.0.2.77:30000 audio rtp other-side\n");
  EXPECT_EQ(scenario.open(), "");
}

TEST_F(LocalProxyTest, A17OnlyTheGatewayItselfAnnouncesItsAddresses) {
  const std::string of_gateway = sdp({"203.0.113.1|audio 30000 RTP/AVP 0|a=rtcp-mux-only"});
  EXPECT_EQ(send(outside, peer, proxy_outside, {.start = "INVITE", .call_id = "1", .body = of_gateway}),
            "refuse 203.0.113.1:30000 audio rtp other-side\n");
  EXPECT_EQ(send(inside, phone, proxy_inside, {.start = "INVITE", .call_id = "2", .body = of_gateway}),
            "refuse 203.0.113.1:30000 audio rtp other-side\n");
  EXPECT_EQ(
      send(Interface::host, proxy_outside, peer, {.start = "INVITE", .call_id = "3", .body = of_gateway}),
      "open 203.0.113.1:30000 any audio rtp 180 offer\n");
}

}  // namespace
}  // namespace dpinholer::test
