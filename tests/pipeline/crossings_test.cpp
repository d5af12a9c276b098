// SPDX-License-Identifier: GPL-2.0-or-later
// A proxy inside sends an outsider's description out again: addresses that he was refused at the first
// crossing of the gateway open at none of the others (attack A24; calls.md section 2).
#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "pipeline/scenario.h"
#include "pipeline/tcp.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

using base::Interface;

constexpr Interface outside{2};
constexpr Interface inside{3};

/// The hosts: `eve` and `peer` outside, `proxy`, `phone` and `victim` inside. All of one family.
struct Places {
  Host eve;
  Host accomplice;  ///< of hers, outside
  Host peer;
  Host proxy;
  Host phone;
  std::string victim;
  std::string relay;  ///< inside, beside the proxy
};
const Places ipv4{{"203.0.113.66"}, {"203.0.113.67"}, {"203.0.113.2"}, {"192.0.2.2"},
                  {"192.0.2.10"},   "192.0.2.99",     "192.0.2.9"};
const Places ipv6{{"2001:db8:9::66"}, {"2001:db8:9::67"}, {"2001:db8:9::2"}, {"2001:db8:2::2"},
                  {"2001:db8:2::10"}, "2001:db8:2::99",   "2001:db8:2::9"};

/// The parts of her description that can name the victim.
enum class Naming { connection, rtcp, candidate };
constexpr Naming namings[] = {Naming::connection, Naming::rtcp, Naming::candidate};

std::string family_of(const std::string& address) {
  return address.find(':') == std::string::npos ? "IP4 " : "IP6 ";
}
std::string candidate(const std::string& address, int port) {
  return "a=candidate:1 1 UDP 1 " + address + " " + std::to_string(port) + " typ host";
}
std::string description(const std::string& own, const std::string& victim, Naming naming) {
  switch (naming) {
    case Naming::connection:
      return sdp({victim + "|audio 9100 RTP/AVP 0"});
    case Naming::rtcp:
      return sdp({own + "|audio 40000 RTP/AVP 0|a=rtcp:9100 IN " + family_of(victim) + victim});
    case Naming::candidate:
      return sdp({own + "|audio 40000 RTP/AVP 0|a=ice-ufrag:x|a=mid:1|" + candidate(own, 40000) + "|" +
                  candidate(victim, 9100)});
  }
  return "";
}
std::string with_ice(const std::string& address, int port) {
  return sdp({address + "|audio " + std::to_string(port) + " RTP/AVP 0|a=ice-ufrag:x|a=mid:1|" +
              candidate(address, port)});
}

/// One call between `eve`, tag e, and `peer`, tag x, by way of the proxy; either may begin it.
class Crossings : public testing::Test {
 public:
  void begin(const Places& at, bool by_routes = false) {
    where = at;
    PipelineSettings settings;
    if (!by_routes) {
      settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24"),
                                         *base::Network::parse("2001:db8:2::/48")};
    } else {
      host.names = {{outside, "eth0"}, {inside, "eth1"}};
      for (const char* network : {"192.0.2.0/24", "2001:db8:2::/48"}) host.route(network, {inside});
      for (const char* network : {"203.0.113.0/24", "2001:db8:9::/48"}) host.route(network, {outside});
    }
    s = Scenario(settings, by_routes ? &host : nullptr);
  }
  std::string send(const Host& from, const Host& to, const Sip& message) {
    const bool is_inside = from.address.starts_with("192.0.2.") || from.address.starts_with("2001:db8:2:");
    s.arrive_by(is_inside ? inside : outside);
    return s.send(from, to, message);
  }
  /// From one end to the other, through the proxy. The branch of the request's second crossing ends in "p".
  std::string pass(const Host& from, const Host& to, Sip message, const std::string& sent_on = "") {
    Sip onward = message;
    if (!sent_on.empty()) onward.body = sent_on;
    const bool response = message.start.find(' ') != std::string::npos;
    (response ? message : onward).branch += "p";
    std::string done = send(from, where.proxy, message);
    return done += send(where.proxy, to, onward);
  }
  std::string request(const std::string& start, const std::string& body, bool by_eve = true, int cseq = 1) {
    sent = {.start = start, .branch = "z9hG4bK" + std::to_string(cseq), .cseq = cseq, .body = body};
    sent.from_tag = by_eve ? "e" : "x";
    if (cseq > 1) sent.to_tag = by_eve ? "x" : "e";
    sent.headers = "RAck: 1 1 INVITE\r\n";
    eve_asked = by_eve;
    return by_eve ? pass(where.eve, where.peer, sent) : pass(where.peer, where.eve, sent);
  }
  std::string respond(const std::string& status, const std::string& body) {
    Sip response = sent;
    response.start = status + " " + sent.start;
    response.to_tag = eve_asked ? "x" : "e";
    response.body = body;
    response.headers = "Require: 100rel\r\nRSeq: 1\r\n";
    return eve_asked ? pass(where.peer, where.eve, response) : pass(where.eve, where.peer, response);
  }
  std::string trickle(const std::string& address) {
    Sip info{.start = "INFO", .from_tag = "e", .to_tag = "x", .branch = "z9hG4bK9", .cseq = 9};
    info.body = "a=ice-ufrag:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n" + candidate(address, 9100) + "\r\n";
    info.content_type = "application/trickle-ice-sdpfrag";
    info.headers = "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n";
    return pass(where.eve, where.peer, info);
  }
  std::string evil(Naming naming) { return description(where.eve.address, where.victim, naming); }
  std::string evil() { return evil(Naming::connection); }
  std::string of_eve() { return with_ice(where.eve.address, 40000); }
  std::string of_peer() { return with_ice(where.peer.address, 31000); }

  bool reaches(const std::string& address, std::uint16_t port, const std::string& source) {
    return s.pipeline().passes({base::Protocol::udp, {*base::Address::parse(address), port}},
                               *base::Address::parse(source));
  }
  void expect_no_way_to_the_victim(const std::string& what) {
    EXPECT_EQ(s.open().find(where.victim), std::string::npos) << what << "\n" << s.open();
    EXPECT_TRUE(s.pipeline().consistent()) << what;
  }

  Places where = ipv4;
  FakeHost host;
  Scenario s;
  Sip sent;
  bool eve_asked = true;
};

/// Each way in which her description travels.
class A24Crossings : public Crossings {
 public:
  void establish() {
    request("INVITE", of_eve());
    respond("200", of_peer());
  }
  using Send = std::function<void(A24Crossings&, const std::string&)>;
  static const std::vector<std::pair<std::string, Send>>& carriers() {
    static const std::vector<std::pair<std::string, Send>> all{
        {"INVITE", [](auto& c, const auto& body) { c.request("INVITE", body); }},
        {"re-INVITE",
         [](auto& c, const auto& body) {
           c.establish();
           c.request("INVITE", body, true, 2);
         }},
        {"re-INVITE of the callee",
         [](auto& c, const auto& body) {
           c.request("INVITE", c.of_peer(), false);
           c.respond("200", c.of_eve());
           c.request("INVITE", body, true, 2);
         }},
        {"UPDATE",
         [](auto& c, const auto& body) {
           c.establish();
           c.request("UPDATE", body, true, 2);
         }},
        {"183",
         [](auto& c, const auto& body) {
           c.request("INVITE", c.of_peer(), false);
           c.respond("183", body);
         }},
        {"200",
         [](auto& c, const auto& body) {
           c.request("INVITE", c.of_peer(), false);
           c.respond("180", "");
           c.respond("200", body);
         }},
        {"200 with an offer",
         [](auto& c, const auto& body) {
           c.request("INVITE", "", false);
           c.respond("200", body);
         }},
        {"200 to a re-INVITE",
         [](auto& c, const auto& body) {
           c.establish();
           c.request("INVITE", c.of_peer(), false, 2);
           c.respond("200", body);
         }},
        {"200 to an UPDATE",
         [](auto& c, const auto& body) {
           c.establish();
           c.request("UPDATE", c.of_peer(), false, 2);
           c.respond("200", body);
         }},
        {"PRACK with an answer",
         [](auto& c, const auto& body) {
           c.request("INVITE", "");
           c.respond("183", c.of_peer());
           c.request("PRACK", body, true, 2);
         }},
        {"PRACK with an offer",
         [](auto& c, const auto& body) {
           c.request("INVITE", c.of_eve());
           c.respond("183", c.of_peer());
           c.request("PRACK", body, true, 2);
         }},
        {"200 to a PRACK",
         [](auto& c, const auto& body) {
           c.request("INVITE", c.of_peer(), false);
           c.respond("183", c.of_eve());
           c.request("PRACK", c.of_peer(), false, 2);
           c.respond("200", body);
         }},
        {"ACK",
         [](auto& c, const auto& body) {
           c.request("INVITE", "");
           c.respond("200", c.of_peer());
           Sip ack{.start = "ACK", .from_tag = "e", .to_tag = "x", .branch = "z9hG4bK3", .body = body};
           c.pass(c.where.eve, c.where.peer, ack);
         }},
    };
    return all;
  }
  void expect_refused_everywhere(const Places& at, bool by_routes) {
    for (const auto& [name, send] : carriers()) {
      for (const Naming naming : namings) {
        begin(at, by_routes);
        send(*this, evil(naming));
        expect_no_way_to_the_victim(name + " " + std::to_string(static_cast<int>(naming)));
      }
    }
  }
};

TEST_F(A24Crossings, WhatEveWasRefusedOpensAtNoOtherCrossing) {
  expect_refused_everywhere(ipv4, false);
}
TEST_F(A24Crossings, NorWithIpv6) {
  expect_refused_everywhere(ipv6, false);
}
TEST_F(A24Crossings, NorWithSidesFromRoutes) {
  expect_refused_everywhere(ipv4, true);
}

TEST_F(A24Crossings, ItIsToldAtEachCrossing) {
  begin(ipv4);
  const std::string refused =
      "refuse 192.0.2.99:9100 audio rtp other-side\n"
      "refuse 192.0.2.99:9101 audio rtcp other-side\n";
  EXPECT_EQ(request("INVITE", evil()), refused + refused);
}

TEST_F(A24Crossings, Trickled) {
  for (const Places& at : {ipv4, ipv6}) {
    begin(at);
    establish();
    trickle(where.victim);
    expect_no_way_to_the_victim("INFO");
  }
}

TEST_F(A24Crossings, TheJudgementStaysForTheCall) {
  begin(ipv4);
  establish();
  request("INVITE", evil(), true, 2);
  respond("488", "");
  s.wait(base::seconds{100});
  const std::string open = s.open();
  Sip later{.start = "INVITE", .from_tag = "e", .to_tag = "x", .branch = "z9hG4bKq", .cseq = 7};
  later.body = sdp({where.victim + "|audio 9200 RTP/AVP 0"});
  EXPECT_EQ(send(where.proxy, where.peer, later),
            "refuse 192.0.2.99:9200 audio rtp other-side\n"
            "refuse 192.0.2.99:9201 audio rtcp other-side\n")
      << "another port, another transaction, long after";
  later.to_tag = "";
  later.branch = "z9hG4bKr";
  send(where.proxy, where.peer, later);
  EXPECT_EQ(s.open(), open);
}

TEST_F(A24Crossings, AfterARestartThePartiesAreJudgedAnew) {
  begin(ipv4);
  establish();
  s.restart();
  request("INVITE", evil(), true, 2);
  expect_no_way_to_the_victim("re-INVITE after a restart");
}

TEST_F(A24Crossings, FromAnotherAddressOfHers) {
  begin(ipv4);
  establish();
  Sip again{.start = "INVITE", .from_tag = "e", .to_tag = "x", .branch = "z9hG4bK5", .cseq = 5};
  again.body = evil();
  pass(where.accomplice, where.peer, again);
  expect_no_way_to_the_victim("re-INVITE from another address");
  // A response that comes from elsewhere than its request went: the gateway does not know it, but the proxy
  // may take it.
  request("INVITE", of_peer(), false, 6);
  Sip ok{.start = "200 INVITE", .from_tag = "x", .to_tag = "e", .branch = "z9hG4bK6", .cseq = 6};
  ok.body = evil();
  pass(where.accomplice, where.peer, ok);
  expect_no_way_to_the_victim("200 from another address");
}

TEST_F(A24Crossings, InTheNameOfAPartyInside) {
  // She is in a call with the phone and has its tag: her requests in its name are no better.
  begin(ipv4);
  Sip invite{.start = "INVITE", .from_tag = "e", .body = of_eve()};
  send(where.eve, where.proxy, invite);
  Sip ok{.start = "200 INVITE", .from_tag = "e", .to_tag = "p", .body = with_ice(where.phone.address, 30000)};
  send(where.proxy, where.eve, ok);
  for (const std::string& named : {where.victim, where.phone.address}) {
    Sip forged{.start = "INVITE", .from_tag = "p", .branch = "z9hG4bK8", .cseq = 8};
    forged.body = sdp({named + "|audio 9100 RTP/AVP 0"});
    pass(where.eve, where.peer, forged);
    EXPECT_FALSE(reaches(named, 9100, where.eve.address)) << named;
    EXPECT_FALSE(reaches(named, 9101, where.eve.address)) << named;
  }
  EXPECT_TRUE(reaches(where.phone.address, 30000, where.eve.address)) << "the call goes on";
}

TEST_F(A24Crossings, AStrangerCantHaveAPartysAddressRefused) {
  for (const bool by_routes : {false, true}) {
    begin(ipv4, by_routes);
    const std::string moved = "192.0.2.11";
    Sip invite{.start = "INVITE", .from_tag = "p", .body = with_ice(where.phone.address, 30000)};
    send(where.phone, where.peer, invite);
    auto strangers_try = [&](const std::string& start, const std::string& from_tag, const std::string& to_tag,
                             const std::string& address, int port) {
      for (const Host& from : {where.eve, where.peer}) {
        for (const Host& to : {where.phone, where.proxy, where.eve}) {
          Sip forged{.start = start, .from_tag = from_tag, .to_tag = to_tag, .branch = "z9hG4bKf", .cseq = 2};
          forged.body = with_ice(address, port);
          send(from, to, forged);
        }
      }
    };
    for (const std::string& address : {where.phone.address, moved}) {
      strangers_try("INVITE", "p", "", address, 5000);
      strangers_try("UPDATE", "p", "x", address, 5000);
      strangers_try("INVITE", "p", "x", address, 30000);
      strangers_try("200 INVITE", "x", "p", address, 5000);
    }
    Sip ok{.start = "200 INVITE", .from_tag = "p", .to_tag = "x", .body = of_peer()};
    send(where.peer, where.phone, ok);
    EXPECT_TRUE(reaches(where.phone.address, 30000, where.peer.address));
    // A session refresh with the same port, then one with another, then from another address.
    int cseq = 2;
    for (const auto& [address, port] : {std::pair(where.phone.address, 30000),
                                        std::pair(where.phone.address, 30010), std::pair(moved, 30020)}) {
      Sip again{.start = "INVITE", .from_tag = "p", .to_tag = "x", .branch = "z9hG4bK", .cseq = ++cseq};
      again.branch += std::to_string(cseq);
      again.body = with_ice(address, port);
      send(where.phone, where.peer, again);
      again.start = "200 INVITE";
      again.body = of_peer();
      send(where.peer, where.phone, again);
      EXPECT_TRUE(reaches(address, static_cast<std::uint16_t>(port), where.peer.address)) << address << port;
    }
    EXPECT_TRUE(s.pipeline().consistent());
  }
}

TEST_F(A24Crossings, ARelayInsideStillWorks) {
  // The proxy replaces what both say by its own relay, in each direction: an rtpengine.
  for (const bool by_routes : {false, true}) {
    begin(ipv4, by_routes);
    const Sip invite{.start = "INVITE", .from_tag = "e", .body = evil()};
    pass(where.eve, where.peer, invite, with_ice(where.relay, 50000));
    Sip ok{.start = "200 INVITE", .from_tag = "e", .to_tag = "x", .body = of_peer()};
    pass(where.peer, where.eve, ok, with_ice(where.relay, 50010));
    EXPECT_TRUE(reaches(where.relay, 50000, where.peer.address));
    EXPECT_TRUE(reaches(where.relay, 50010, where.eve.address));
    EXPECT_FALSE(reaches(where.relay, 50010, where.peer.address));
    expect_no_way_to_the_victim("relayed");
    // A stranger names the relay in their names: nothing of it closes, and a refresh goes through.
    for (const char* tag : {"e", "x"}) {
      for (int port : {50000, 50010, 50020}) {
        Sip forged{.start = "INVITE", .from_tag = tag, .branch = "z9hG4bKf", .cseq = 2};
        forged.branch += std::to_string(port);
        forged.body = with_ice(where.relay, port);
        send(where.accomplice, where.proxy, forged);
      }
    }
    Sip again{.start = "INVITE", .from_tag = "e", .to_tag = "x", .branch = "z9hG4bK2", .cseq = 2};
    again.body = of_eve();
    pass(where.eve, where.peer, again, with_ice(where.relay, 50000));
    again.start = "200 INVITE";
    again.body = of_peer();
    pass(where.peer, where.eve, again, with_ice(where.relay, 50010));
    EXPECT_TRUE(reaches(where.relay, 50000, where.peer.address));
    EXPECT_TRUE(reaches(where.relay, 50010, where.eve.address));
  }
}

TEST_F(A24Crossings, WhatWasAdmittedIsASourceAtEveryLaterCrossing) {
  // Two phones inside, by way of a proxy outside: each is heard inside first.
  begin(ipv4);
  const Host carol{"192.0.2.20"};
  auto hairpin = [&](const Host& from, const Host& to, Sip message) {
    Sip onward = message;
    const bool response = message.start.find(' ') != std::string::npos;
    (response ? message : onward).branch += "p";
    std::string done = send(from, where.peer, message);
    return done += send(where.peer, to, onward);
  };
  const std::string port = "|audio 30000 RTP/AVP 0|a=rtcp-mux|a=rtcp-mux-only";
  EXPECT_EQ(hairpin(where.phone, carol, {.start = "INVITE", .body = sdp({"192.0.2.10" + port})}),
            "open 192.0.2.10:30000 any audio rtp 180 offer\n"
            "refuse 192.0.2.10:30000 audio rtp other-side\n")
      << "of a proxy elsewhere it opens nothing more";
  EXPECT_EQ(
      hairpin(carol, where.phone, {.start = "200 INVITE", .to_tag = "b", .body = sdp({"192.0.2.20" + port})}),
      "open 192.0.2.20:30000 192.0.2.10,203.0.113.2 audio rtp 300 answer\n"
      "bind 192.0.2.10:30000 192.0.2.20,203.0.113.2 audio rtp 300 answer\n"
      "refuse 192.0.2.20:30000 audio rtp other-side\n");
  EXPECT_TRUE(s.pipeline().consistent());
}

TEST_F(A24Crossings, WhenThereIsNoRoomForMoreNothingNewOpensElsewhere) {
  begin(ipv4);
  establish();
  for (int i = 0; i < 40; ++i) {
    std::vector<std::string> sections;
    for (int k = 0; k < 10; ++k)
      sections.push_back("192.0.2.99|audio " + std::to_string(10000 + 100 * i + 2 * k) + " RTP/AVP 0");
    Sip flood{.start = "INVITE", .from_tag = "m", .branch = "z9hG4bKm" + std::to_string(i), .cseq = i + 1};
    flood.body = i == 0 ? of_eve() : sdp(sections);
    send(i == 0 ? where.eve : where.accomplice, where.proxy, flood);
  }
  const std::string open = s.open();
  Sip more{.start = "INVITE", .from_tag = "m", .branch = "z9hG4bKlast", .cseq = 99};
  more.body = sdp({"192.0.2.98|audio 20000 RTP/AVP 0"});
  pass(where.accomplice, where.peer, more);
  EXPECT_EQ(s.open(), open) << "it could not be remembered, and does not open all the same";
  // The parties' own refresh goes through.
  request("INVITE", of_eve(), true, 2);
  respond("200", of_peer());
  EXPECT_EQ(s.open(), open);
}

TEST_F(A24Crossings, ACallThatWasRefusedForWantOfRoomBeginsAtNoOtherCrossing) {
  begin(ipv4);
  PipelineSettings settings;
  settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24")};
  settings.negotiation.calls_per_source = 1;
  s = Scenario(settings);
  Sip one{.start = "INVITE", .call_id = "1", .from_tag = "e", .body = of_eve()};
  EXPECT_NE(send(where.eve, where.proxy, one), "");
  Sip two{.start = "INVITE", .call_id = "2", .from_tag = "e", .body = evil()};
  const std::string refused =
      "refuse 192.0.2.99:9100 audio rtp limit\n"
      "refuse 192.0.2.99:9101 audio rtcp limit\n";
  EXPECT_EQ(pass(where.eve, where.peer, two), refused + refused);
  two.call_id = "3";
  two.body = with_ice(where.proxy.address, 30000);
  EXPECT_EQ(send(where.proxy, where.peer, two).substr(0, 27), "open 192.0.2.2:30000 any au") << "others do";
}

// The proxy removes the Via that could not be read.
TEST_F(A24Crossings, FromAMessageThatIsAmbiguousAtTheFirstCrossing) {
  const std::string long_branch(base::limits::branch_length + 1, 'x');
  for (const std::string& more : {std::string(";branch=z9hG4bK2"), long_branch}) {
    for (const bool answers : {false, true}) {
      begin(ipv4);
      Sip message{.start = "INVITE", .from_tag = "e", .body = evil()};
      if (answers) {
        request("INVITE", of_peer(), false);
        message = sent;
        message.start = "200 INVITE";
        message.to_tag = "e";
        message.body = evil();
      }
      Sip onward = message;
      (answers ? message : onward).branch += "p";
      message.branch += more;
      EXPECT_EQ(send(where.eve, where.proxy, message).find("open"), std::string::npos);
      EXPECT_NE(send(where.proxy, where.peer, onward).find("refuse"), std::string::npos);
      expect_no_way_to_the_victim(more);
    }
  }
}

TEST_F(A24Crossings, FromAScannerThatIsNotDropped) {
  begin(ipv4);
  PipelineSettings settings;
  settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24")};
  settings.scanners.user_agents = {"sipcli"};
  s = Scenario(settings);
  send(where.eve, where.proxy,
       {.start = "INVITE", .from_tag = "e", .headers = "User-Agent: sipcli\r\n", .body = evil()});
  send(where.proxy, where.peer, {.start = "INVITE", .from_tag = "e", .branch = "z9hG4bK1p", .body = evil()});
  expect_no_way_to_the_victim("scanner");
}

TEST_F(A24Crossings, OfACallThatGaveWayToOthers) {
  begin(ipv4);
  PipelineSettings settings;
  settings.policy.inside_networks = {*base::Network::parse("192.0.2.0/24")};
  settings.negotiation.calls = 1;
  s = Scenario(settings);
  send(where.eve, where.proxy, {.start = "INVITE", .from_tag = "e", .body = evil()});
  send(where.accomplice, where.proxy, {.start = "INVITE", .call_id = "another", .from_tag = "f"});
  send(where.accomplice, where.proxy, {.start = "486 INVITE", .call_id = "another", .from_tag = "f"});
  s.wait(base::seconds{240});
  send(where.proxy, where.peer, {.start = "INVITE", .from_tag = "e", .branch = "z9hG4bK1p", .body = evil()});
  expect_no_way_to_the_victim("evicted");
}

TEST_F(A24Crossings, OverTcp) {
  begin(ipv4);
  TcpPair in({"203.0.113.66", 40000}, {"192.0.2.2", 5060});
  TcpPair out({"192.0.2.2", 40001}, {"203.0.113.2", 5060});
  s.send_packets(in.handshake());
  s.send_packets(out.handshake());
  Sip invite{.start = "INVITE", .from_tag = "e", .body = evil()};
  EXPECT_NE(s.send_packets(in.from_client(to_text(invite), 100)), "") << "refused";
  invite.branch += "p";
  s.send_packets(out.from_client(to_text(invite), 100));
  expect_no_way_to_the_victim("TCP");
}

// media.local: the parties' own messages decide about those that the gateway's own proxy passes on. That the
// phone it leads to is one of them does not help her.
TEST_F(A24Crossings, ThroughAProxyOnTheGateway) {
  begin(ipv4, true);
  host.own = {*base::Address::parse("203.0.113.1"), *base::Address::parse("192.0.2.1")};
  PipelineSettings settings;
  settings.policy.local = true;
  s = Scenario(settings, &host);
  const Host proxy_outside{"203.0.113.1"};
  const Host proxy_inside{"192.0.2.1"};
  Sip invite{.start = "INVITE", .from_tag = "e", .body = sdp({where.eve.address + "|audio 40000 RTP/AVP 0"})};
  auto by_host = [&](const Host& from, const Host& to, Sip message) {
    s.arrive_by(Interface::host);
    return s.send(from, to, message);
  };
  send(where.eve, proxy_outside, invite);
  by_host(proxy_inside, where.phone, invite);
  Sip ok{.start = "200 INVITE",
         .from_tag = "e",
         .to_tag = "p",
         .body = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"})};
  send(where.phone, proxy_inside, ok);
  by_host(proxy_outside, where.eve, ok);
  EXPECT_TRUE(reaches("192.0.2.10", 30000, where.eve.address));
  Sip again{.start = "INVITE", .from_tag = "e", .to_tag = "p", .branch = "z9hG4bK2", .cseq = 2};
  again.body = sdp({"192.0.2.10|audio 9100 RTP/AVP 0"});
  send(where.eve, proxy_outside, again);
  by_host(proxy_inside, where.phone, again);
  EXPECT_FALSE(reaches("192.0.2.10", 9100, where.eve.address));
  EXPECT_TRUE(reaches("192.0.2.10", 30000, where.eve.address));
}

}  // namespace
}  // namespace dpinholer::test
