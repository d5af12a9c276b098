// SPDX-License-Identifier: GPL-2.0-or-later
// Parties behind a NAT that is not the gateway's (calls.md section 3, sources of a party).
#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/two_parties.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

using Party = TwoParties::Party;

const std::string of_server = sdp({"192.0.2.10|audio 30000 RTP/AVP 0|a=rtcp-mux-only"});

std::string at(const std::string& address, const std::string& attributes = "") {
  return sdp({address + "|audio 40000 RTP/AVP 0|a=rtcp-mux-only" + attributes});
}

std::string candidate(const std::string& address) {
  return "|a=candidate:1 1 UDP 2130706432 " + address + " 40000 typ host";
}

// The caller is 203.0.113.20 where messages come from.
class FarNatTest : public testing::Test {
 protected:
  std::string call(const std::string& offer, const std::string& answer = of_server) {
    const std::string told = nats(parties.offer(offer));
    return told + nats(parties.answer(answer));
  }
  // The lines on parties behind a NAT.
  static std::string nats(const std::string& told) {
    const auto at = told.find("nat ");
    return at == std::string::npos ? "" : told.substr(at);
  }
  static PipelineSettings without_sides() {
    PipelineSettings settings;
    settings.policy.same_side = pinhole::SameSide::off;
    return settings;
  }
  static TwoParties made(const PipelineSettings& settings, pinhole::Host* host = nullptr) {
    TwoParties parties(settings, host);
    parties.caller = {"203.0.113.20"};
    parties.callee = {"192.0.2.10"};
    return parties;
  }

  TwoParties parties = made(without_sides());
};

TEST_F(FarNatTest, IsToldOnceWhenTheCallIsAnswered) {
  EXPECT_EQ(nats(parties.offer(at("10.0.0.5"))), "");
  EXPECT_EQ(parties.answer(of_server),
            "bind 10.0.0.5:40000 192.0.2.10 audio rtp 300 answer\n"
            "open 192.0.2.10:30000 10.0.0.5,203.0.113.20 audio rtp 300 answer\n"
            "nat 10.0.0.5 from 203.0.113.20 call@pbx\n");
  EXPECT_EQ(nats(parties.answer(of_server)), "");
  EXPECT_EQ(call(at("10.0.0.5")), "") << "a re-INVITE";
  EXPECT_EQ(call(at("10.0.0.6")), "nat 10.0.0.6 from 203.0.113.20 call@pbx\n");
  EXPECT_TRUE(parties.scenario.pipeline().consistent());
  parties.bye();
  parties.scenario.wait(base::seconds{40});
  EXPECT_TRUE(parties.scenario.pipeline().consistent()) << "nothing of it is left";
}

TEST_F(FarNatTest, IsToldOfBothParties) {
  parties.callee = {"198.51.100.9"};
  EXPECT_EQ(call(at("10.0.0.5"), at("100.64.0.7")),
            "nat 10.0.0.5 from 203.0.113.20 call@pbx\nnat 100.64.0.7 from 198.51.100.9 call@pbx\n");
}

TEST_F(FarNatTest, WhatIsRefusedIsTold) {
  FakeHost host;
  host.own = {*base::Address::parse("203.0.113.1"), *base::Address::parse("192.0.2.1")};
  host.route("192.0.2.0/24", {base::Interface{3}});
  host.route("203.0.113.0/24", {base::Interface{2}});
  parties = made(PipelineSettings{}, &host);
  parties.scenario.arrive_by(base::Interface{2});
  EXPECT_EQ(parties.offer(at("10.0.0.5")), "refuse 10.0.0.5:40000 audio rtp other-side\n");
  parties.scenario.arrive_by(base::Interface{3});
  EXPECT_EQ(parties.answer(of_server),
            "open 192.0.2.10:30000 203.0.113.20 audio rtp 300 answer\n"
            "nat 10.0.0.5 from 203.0.113.20 call@pbx\n");
}

TEST_F(FarNatTest, OverIPv6) {
  parties.caller = {"2001:db8:1::20"};
  parties.callee = {"2001:db8:2::2"};
  EXPECT_EQ(call(sdp({"fd00::5|audio 40000 RTP/AVP 0|a=rtcp-mux-only"}),
                 sdp({"2001:db8:2::2|audio 30000 RTP/AVP 0|a=rtcp-mux-only"})),
            "nat fd00::5 from 2001:db8:1::20 call@pbx\n");
}

TEST_F(FarNatTest, WhatOthersCanReachIsNone) {
  EXPECT_EQ(call(at("203.0.113.20")), "");
  EXPECT_EQ(call(at("198.51.100.4")), "");
  EXPECT_EQ(call(at("0.0.0.0")), "") << "on hold";
  EXPECT_EQ(call(at("host.example")), "");
  EXPECT_EQ(call(at("10.0.0.5", candidate("10.0.0.5") + candidate("198.51.100.4")),
                 at("192.0.2.10", candidate("192.0.2.10"))),
            "")
      << "ICE: one candidate is enough";
}

TEST_F(FarNatTest, APrivateSourceIsBehindNoNatHere) {
  parties.caller = {"10.0.0.5"};
  EXPECT_EQ(call(at("10.0.0.6")), "");
}

// A proxy inside with a public address, and phones with private ones beside it.
TEST_F(FarNatTest, WhoIsListedAsInsideIsBehindNone) {
  PipelineSettings settings;
  settings.policy.same_side = pinhole::SameSide::configured;
  settings.policy.inside_networks = {base::Network::parse("203.0.113.16/28").value(),
                                     base::Network::parse("10.0.0.0/8").value()};
  parties = made(settings);
  EXPECT_EQ(call(at("10.0.0.5")), "");
  settings.policy.inside_networks = {base::Network::parse("192.0.2.0/24").value(),
                                     base::Network::parse("10.0.0.0/8").value()};
  parties = made(settings);
  EXPECT_EQ(call(at("10.0.0.5")), "nat 10.0.0.5 from 203.0.113.20 call@pbx\n")
      << "the same network there and here";
}

TEST_F(FarNatTest, ByTheInterfaceTheProxyIsInside) {
  FakeHost host;
  host.names = {{base::Interface{2}, "eth0"}, {base::Interface{3}, "eth1"}};
  host.route("10.0.0.0/8", {base::Interface{3}});
  host.route("203.0.113.0/24", {base::Interface{3}});
  host.route("0.0.0.0/0", {base::Interface{2}});
  PipelineSettings settings;
  settings.policy.inside_interfaces = {"eth1"};
  parties = made(settings, &host);
  parties.callee = {"198.51.100.9"};
  parties.scenario.arrive_by(base::Interface{3});
  parties.offer(at("10.0.0.5"));
  parties.scenario.arrive_by(base::Interface{2});
  EXPECT_EQ(nats(parties.answer(sdp({"198.51.100.9|audio 30000 RTP/AVP 0|a=rtcp-mux-only"}))), "");
}

TEST_F(FarNatTest, ACallHasABound) {
  std::string all = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\n";
  std::string answer = all;
  for (int i = 0; i < 16; ++i) {
    all += "m=audio " + std::to_string(40000 + 2 * i) + " RTP/AVP 0\r\nc=IN IP4 10.0.0." +
           std::to_string(i + 1) + "\r\n";
    answer += "m=audio " + std::to_string(30000 + 2 * i) + " RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n";
  }
  const std::string told = call(all, answer);
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 8) << told;
  EXPECT_EQ(call(all, answer), "");
}

}  // namespace
}  // namespace dpinholer::test
