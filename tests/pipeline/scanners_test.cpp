// SPDX-License-Identifier: GPL-2.0-or-later
// Who is to be banned ([scanners]), and that what scanners say changes nothing.
#include <gtest/gtest.h>

#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

const Host scanner{"203.0.113.5"};
const Host trunk{"203.0.113.9"};
const Host pbx{"192.0.2.10"};

PipelineSettings settings(const scanners::Settings& scanners) {
  PipelineSettings settings;
  settings.policy.same_side = pinhole::SameSide::off;
  settings.scanners = scanners;
  return settings;
}

PipelineSettings banning_sipcli() {
  scanners::Settings scanners;
  scanners.user_agents = {"sipcli"};
  return settings(scanners);
}

PipelineSettings bearing(std::uint32_t failures) {
  scanners::Settings scanners;
  scanners.failures = failures;
  return settings(scanners);
}

Sip invite(const std::string& user_agent, const Host& from) {
  return {.start = "INVITE",
          .headers = "User-Agent: " + user_agent + "\r\n",
          .body = sdp({from.address + "|audio 30000 RTP/AVP 0"})};
}

Reading::Kind kind_of(Scenario& scenario, const Host& from, const Host& to, const Sip& message) {
  Outcome outcome;
  return scenario.pipeline().process(udp_packet(from, to, to_text(message)), scenario.now(), outcome).kind;
}

// From INVITE to ACK.
void call(Scenario& scenario, const Host& from, const Host& to) {
  scenario.send(from, to, invite("phone", from));
  scenario.send(to, from,
                {.start = "200 INVITE", .to_tag = "b", .body = sdp({to.address + "|audio 40000 RTP/AVP 0"})});
  scenario.send(from, to, {.start = "ACK", .to_tag = "b", .branch = "z9hG4bKack"});
}

void refuse_register(Scenario& scenario, const Host& from, const Host& to, int number, std::string& told,
                     const std::string& status = "403") {
  const std::string branch = "z9hG4bKr" + std::to_string(number);
  told +=
      scenario.send(from, to, {.start = "REGISTER", .call_id = "register", .branch = branch, .cseq = number});
  told += scenario.send(to, from,
                        {.start = status + " REGISTER",
                         .call_id = "register",
                         .to_tag = "x",
                         .branch = branch,
                         .cseq = number});
}

TEST(Scanners, OpenNothingAndAreToBeBanned) {
  Scenario scenario(banning_sipcli());
  EXPECT_EQ(scenario.send(scanner, pbx, invite("sipcli/v1.8", scanner)),
            "ban 203.0.113.5 user-agent sipcli\n");
  EXPECT_EQ(scenario.open(), "");
  EXPECT_EQ(scenario.pipeline().counters().scanners, 1U);
  EXPECT_EQ(kind_of(scenario, scanner, pbx, invite("sipcli", scanner)), Reading::Kind::scanner);
  EXPECT_EQ(kind_of(scenario, trunk, pbx, invite("phone", trunk)), Reading::Kind::sip);
}

TEST(Scanners, AreMessagesLikeOthersByDefault) {
  Scenario scenario(settings({}));
  EXPECT_NE(scenario.send(scanner, pbx, invite("sipcli/v1.8", scanner)).find("open"), std::string::npos);
  EXPECT_EQ(scenario.pipeline().counters().scanners, 0U);
}

// The server repeats the request's From, and is none for it; nor is it for a Server field.
TEST(Scanners, AreNotThoseWhoAnswerThem) {
  scanners::Settings scanners;
  scanners.user_agents = {"sipcli"};
  scanners.from = {"caller@example.com"};
  Scenario scenario(settings(scanners));
  EXPECT_EQ(scenario.send(pbx, scanner, {.start = "200 OPTIONS", .headers = "User-Agent: sipcli\r\n"}), "");
}

// Nor is its network, which would be banned with it.
TEST(Scanners, TheNetworkOfWhoTalksIsNeverBanned) {
  Scenario scenario(banning_sipcli());
  const Host phone{"2001:db8:1::5"};
  const Host neighbour{"2001:db8:1::6"};
  const Host stranger{"2001:db8:3::6"};
  const Host server{"2001:db8:2::1"};
  call(scenario, phone, server);
  const Sip options{.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"};
  EXPECT_EQ(scenario.send(neighbour, server, options), "");
  EXPECT_NE(scenario.send(stranger, server, options), "");
}

TEST(Scanners, WhoTalksIsNeverBanned) {
  Scenario scenario(banning_sipcli());
  call(scenario, trunk, pbx);
  for (const Host& party : {trunk, pbx})
    EXPECT_EQ(scenario.send(party, scanner,
                            {.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"}),
              "");
  // And is heard: its messages count.
  EXPECT_EQ(kind_of(scenario, trunk, pbx,
                    {.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"}),
            Reading::Kind::sip);
  scenario.send(trunk, pbx, {.start = "BYE", .to_tag = "b", .branch = "z9hG4bKbye", .cseq = 2});
  scenario.send(pbx, trunk, {.start = "200 BYE", .to_tag = "b", .branch = "z9hG4bKbye", .cseq = 2});
  EXPECT_EQ(
      scenario.send(trunk, pbx, {.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"}),
      "ban 203.0.113.9 user-agent sipcli\n");
}

// An offer that nobody answers protects nobody: scanners make them, too.
TEST(Scanners, WhoOnlyCallsIsBanned) {
  Scenario scenario(banning_sipcli());
  scenario.send(scanner, pbx, invite("phone", scanner));
  scenario.send(pbx, scanner, {.start = "180 INVITE", .to_tag = "b"});
  EXPECT_EQ(
      scenario.send(scanner, pbx, {.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"}),
      "ban 203.0.113.5 user-agent sipcli\n");
}

TEST(Scanners, WhoTalkedBeforeARestartIsNeverBanned) {
  Scenario scenario(banning_sipcli());
  call(scenario, trunk, pbx);
  scenario.restart();
  EXPECT_EQ(
      scenario.send(trunk, pbx, {.start = "OPTIONS", .call_id = "o", .headers = "User-Agent: sipcli\r\n"}),
      "");
}

TEST(Scanners, WhoIsSparedAndThisHostAreHeard) {
  scanners::Settings scanners;
  scanners.user_agents = {"sipcli"};
  scanners.never = {*base::Network::parse("203.0.113.5")};
  FakeHost host;
  host.own = {*base::Address::parse("203.0.113.1")};
  Scenario scenario(settings(scanners), &host);
  for (const Host& one : {scanner, Host{"203.0.113.1"}})
    EXPECT_EQ(kind_of(scenario, one, pbx, {.start = "OPTIONS", .headers = "User-Agent: sipcli\r\n"}),
              Reading::Kind::sip);
  EXPECT_EQ(kind_of(scenario, trunk, pbx, {.start = "OPTIONS", .headers = "User-Agent: sipcli\r\n"}),
            Reading::Kind::scanner);
}

TEST(Scanners, OverTcp) {
  Scenario scenario(banning_sipcli());
  TcpPair connection(scanner, pbx);
  scenario.send_packets(connection.handshake());
  EXPECT_EQ(scenario.send_packets(connection.from_client(to_text(invite("sipcli", scanner)))),
            "ban 203.0.113.5 user-agent sipcli\n");
}

TEST(Scanners, RefusedRequestsOfOneSource) {
  Scenario scenario(bearing(5));
  std::string told;
  for (int i = 1; i <= 5; ++i) refuse_register(scenario, scanner, pbx, i, told);
  EXPECT_EQ(told, "");
  refuse_register(scenario, scanner, pbx, 6, told);
  EXPECT_EQ(told, "ban 203.0.113.5 failures 6/min\n");
}

TEST(Scanners, ChallengesThatNobodyMeets) {
  Scenario scenario(bearing(5));
  std::string told;
  for (int i = 1; i <= 6; ++i) refuse_register(scenario, scanner, pbx, i, told, "401");
  EXPECT_EQ(told, "");
  EXPECT_EQ(scenario.pipeline().next_deadline(), scenario.now() + base::seconds{2});
  EXPECT_EQ(scenario.wait(base::seconds{2}), "+2 ban 203.0.113.5 failures 6/min\n");
}

// A PBX whose registrations its provider refuses goes on with its calls.
TEST(Scanners, WhoTalksMayFail) {
  Scenario scenario(bearing(5));
  call(scenario, pbx, trunk);
  std::string told;
  for (int i = 1; i <= 50; ++i) refuse_register(scenario, pbx, trunk, i, told);
  EXPECT_EQ(told, "");
}

}  // namespace
}  // namespace dpinholer::test
