// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 5, other-side: who may speak for which addresses. Attacks A2, A3 and A17.
#include "pinhole/sides.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "support/host.h"

namespace dpinholer::pinhole {
namespace {

using base::Interface;

constexpr Interface eth0{2};   // an uplink
constexpr Interface eth1{3};   // another
constexpr Interface lan10{4};  // two VLANs
constexpr Interface lan20{5};

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

// A gateway with two uplinks and two VLANs; 198.18.0.0/15 can be reached over either uplink, 203.0.113.99
// over none, and 192.0.2.255 is a broadcast address.
test::FakeHost gateway() {
  test::FakeHost host;
  host.own = {address("203.0.113.1"), address("192.0.2.1"), address("2001:db8:2::1")};
  host.names = {
      {Interface::host, "lo"}, {eth0, "eth0"}, {eth1, "eth1"}, {lan10, "lan.10"}, {lan20, "lan.20"}};
  host.route("203.0.113.99", {});
  host.route("192.0.2.255", {});
  host.route("192.0.2.0/25", {lan10});
  host.route("192.0.2.128/25", {lan20});
  host.route("2001:db8:2::/48", {lan10});
  host.route("198.51.100.0/24", {eth1});
  host.route("198.18.0.0/15", {eth0, eth1});
  host.route("127.1.2.3", {Interface::host});
  host.route("0.0.0.0/0", {eth0});
  host.route("2001:db8::/32", {eth0});
  return host;
}

struct Row {
  const char* what;
  const char* named;   // the address in the SDP
  const char* source;  // of the message
  Interface arrival;
  bool speaks;
};

template <std::size_t n>
void check(const Row (&rows)[n], const PolicySettings& settings, Host* host) {
  const Sides sides(settings, host);
  for (const Row& row : rows)
    EXPECT_EQ(sides.speaks_for(address(row.named), address(row.source), row.arrival), row.speaks)
        << row.what << ": " << row.named << " by " << row.source;
}

TEST(Sides, FromTheRoutingTable) {
  test::FakeHost host = gateway();
  const Row rows[] = {
      {"a phone, its own address", "192.0.2.10", "192.0.2.10", lan10, true},
      {"a server, for a phone beside it", "192.0.2.10", "192.0.2.2", lan10, true},
      {"an outside proxy, for an outside peer", "203.0.113.77", "203.0.113.5", eth0, true},
      {"one-armed: all goes through one interface", "203.0.113.5", "203.0.113.77", eth0, true},
      {"a route with two ways, by either", "198.18.0.1", "198.18.0.1", eth0, true},
      {"a route with two ways, by either", "198.18.0.1", "198.18.0.1", eth1, true},
      {"a route with two ways, by a third", "198.18.0.1", "192.0.2.10", lan10, false},
      {"A2: an outside peer names an inside host", "192.0.2.77", "203.0.113.5", eth0, false},
      {"A2, under the inside host's own address", "192.0.2.77", "192.0.2.77", eth0, false},
      {"A3: a phone names a third party outside", "203.0.113.5", "192.0.2.10", lan10, false},
      {"another VLAN is another side", "192.0.2.200", "192.0.2.10", lan10, false},
      {"another uplink is another side", "198.51.100.7", "203.0.113.5", eth0, false},
      {"the other family, a phone", "2001:db8:2::10", "192.0.2.10", lan10, true},
      {"the other family, A2", "2001:db8:2::10", "203.0.113.5", eth0, false},
      {"no way there", "203.0.113.99", "203.0.113.5", eth0, false},
      {"a broadcast address", "192.0.2.255", "192.0.2.10", lan10, false},
      {"A17: the gateway itself, by others", "203.0.113.1", "203.0.113.5", eth0, false},
      {"A17: the gateway itself, by others", "192.0.2.1", "192.0.2.10", lan10, false},
      {"a local route without an address", "127.1.2.3", "203.0.113.5", eth0, false},
      {"the gateway, its own address", "203.0.113.1", "203.0.113.1", Interface::host, true},
      {"the gateway, another of its own", "192.0.2.1", "203.0.113.1", Interface::host, true},
      {"the gateway, somebody else's", "192.0.2.10", "203.0.113.1", Interface::host, false},
      {"of the link that it came by", "fe80::10", "fe80::10", lan20, true},
      {"from where is not known", "192.0.2.77", "203.0.113.5", Interface::unknown, true},
  };
  check(rows, {}, &host);
}

TEST(Sides, InsideInterfacesAreOneSideAndAllOthersTheOther) {
  test::FakeHost host = gateway();
  PolicySettings settings;
  settings.inside_interfaces = {"lan.10", "lan.20", "wg0"};
  const Row rows[] = {
      {"a phone, its own address", "192.0.2.10", "192.0.2.10", lan10, true},
      {"a PBX, for a phone in another VLAN", "192.0.2.200", "192.0.2.2", lan10, true},
      {"a peer that answers by the other uplink", "198.51.100.7", "198.51.100.7", eth0, true},
      {"A2: an outside peer names an inside host", "192.0.2.77", "203.0.113.5", eth0, false},
      {"A2, under the inside host's own address", "192.0.2.77", "192.0.2.77", eth1, false},
      {"A3: a phone names a third party outside", "203.0.113.5", "192.0.2.10", lan20, false},
      {"no way there", "203.0.113.99", "203.0.113.5", eth0, false},
      {"A17: the gateway itself is neither", "203.0.113.1", "203.0.113.5", eth0, false},
      {"A17: the gateway itself is neither", "192.0.2.1", "192.0.2.10", lan10, false},
      {"the gateway, its own address", "192.0.2.1", "192.0.2.1", Interface::host, true},
      {"the gateway, somebody else's", "203.0.113.5", "203.0.113.1", Interface::host, false},
  };
  for (const SameSide judged : {SameSide::routes, SameSide::configured}) {
    settings.same_side = judged;
    check(rows, settings, &host);
  }
}

TEST(Sides, InsideNetworks) {
  test::FakeHost host = gateway();
  PolicySettings settings;
  settings.inside_networks = {network("192.0.2.0/24"), network("2001:db8:2::/48")};
  const Row rows[] = {
      {"inside phone, its own address", "192.0.2.10", "192.0.2.10", lan10, true},
      {"inside server, for a phone in another VLAN", "192.0.2.200", "192.0.2.2", lan10, true},
      {"outside peer, its own address", "203.0.113.5", "203.0.113.5", eth0, true},
      {"outside proxy for a peer by another uplink", "198.51.100.7", "203.0.113.5", eth0, true},
      {"A2: outside peer names an inside host", "192.0.2.77", "203.0.113.5", eth0, false},
      {"A3: inside phone names a third party outside", "198.51.100.7", "192.0.2.10", lan10, false},
      {"A2 over IPv6", "2001:db8:2::77", "2001:db8:9::5", eth0, false},
      {"A3 over IPv6", "2001:db8:9::7", "2001:db8:2::10", lan10, false},
      {"mixed: an inside phone's other family", "2001:db8:2::10", "192.0.2.10", lan10, true},
      {"mixed: an outside peer's other family", "2001:db8:9::5", "203.0.113.5", eth0, true},
      {"mixed: A2 in the other family", "2001:db8:2::77", "203.0.113.5", eth0, false},
      {"mixed: A3 in the other family", "2001:db8:9::7", "192.0.2.10", lan10, false},
  };
  for (const SameSide judged : {SameSide::routes, SameSide::configured}) {
    settings.same_side = judged;
    check(rows, settings, &host);
    check(rows, settings, nullptr);  // as in a replay
  }
  const Row nowhere[] = {{"no way there", "203.0.113.99", "203.0.113.5", eth0, false}};
  settings.same_side = SameSide::routes;
  check(nowhere, settings, &host);
  const Row not_asked[] = {{"no way there", "203.0.113.99", "203.0.113.5", eth0, true}};
  settings.same_side = SameSide::configured;
  host.questions = 0;
  check(not_asked, settings, &host);
  EXPECT_EQ(host.questions, 0U) << "the configuration says it all";
}

// The gateway's public address stands for a PBX inside.
TEST(Sides, AnAddressThatDnatLeadsInsideFromIsInside) {
  test::FakeHost host = gateway();
  PolicySettings settings;
  settings.inside_networks = {network("203.0.113.1"), network("192.0.2.0/24")};
  const Row rows[] = {
      {"the PBX names it", "203.0.113.1", "192.0.2.10", lan10, true},
      {"an outside peer names it", "203.0.113.1", "203.0.113.5", eth0, false},
      {"the gateway names it", "203.0.113.1", "203.0.113.1", Interface::host, true},
      {"an address of the gateway that is in a network only", "192.0.2.1", "192.0.2.10", lan10, false},
  };
  check(rows, settings, &host);
  settings.inside_networks = {network("203.0.113.1")};
  settings.inside_interfaces = {"lan.10"};
  check(rows, settings, &host);
}

// The same, with an address that changes.
TEST(Sides, AnInterfaceThatIsNamedStandsForTheAddressesThatItHas) {
  test::FakeHost host = gateway();
  host.interfaces = {{address("192.0.2.1"), lan10}, {address("203.0.113.1"), eth0}};
  PolicySettings settings;
  settings.inside_addresses_of = {"eth0"};
  settings.inside_networks = {network("192.0.2.0/24")};
  const Row before[] = {
      {"the PBX names it", "203.0.113.1", "192.0.2.10", lan10, true},
      {"an outside peer names it", "203.0.113.1", "203.0.113.5", eth0, false},
      {"the gateway names it", "203.0.113.1", "203.0.113.1", Interface::host, true},
      {"the address of another interface", "192.0.2.1", "192.0.2.10", lan10, false},
      {"an address to come", "203.0.113.200", "192.0.2.10", lan10, false},
      {"an outside peer beside it", "203.0.113.5", "203.0.113.5", eth0, true},
      {"A2", "192.0.2.77", "203.0.113.5", eth0, false},
  };
  check(before, settings, &host);
  for (const char* now : {"203.0.113.200", "2001:db8:1::200"}) {
    host.interfaces.emplace(address(now), eth0);
    host.own.insert(address(now));
  }
  host.own.erase(address("203.0.113.1"));
  const Row after[] = {
      {"the PBX names it", "203.0.113.200", "192.0.2.10", lan10, true},
      {"the PBX names that of IPv6", "2001:db8:1::200", "192.0.2.10", lan10, true},
      {"an outside peer names it", "203.0.113.200", "203.0.113.5", eth0, false},
      {"the PBX names one that is somebody else's now", "203.0.113.1", "192.0.2.10", lan10, false},
      {"somebody outside names his own", "203.0.113.1", "203.0.113.1", eth0, true},
  };
  check(after, settings, &host);
  settings.inside_addresses_of = {"ppp0", "eth0"};
  check(after, settings, &host);
  settings.inside_networks.clear();
  settings.inside_interfaces = {"lan.10"};
  for (const SameSide judged : {SameSide::routes, SameSide::configured}) {
    settings.same_side = judged;
    check(after, settings, &host);
  }
}

TEST(Sides, AnInterfaceThatIsNotThereStandsForNothing) {
  test::FakeHost host = gateway();
  PolicySettings settings;
  settings.inside_addresses_of = {"ppp0"};
  const Row rows[] = {
      {"an address of the gateway", "203.0.113.1", "192.0.2.10", lan10, false},
      {"all are outside", "192.0.2.10", "192.0.2.10", lan10, true},
      {"all are outside", "203.0.113.5", "192.0.2.10", lan10, true},
  };
  for (const SameSide judged : {SameSide::routes, SameSide::configured}) {
    settings.same_side = judged;
    check(rows, settings, &host);
  }
  const Row no_check[] = {{"nobody to ask", "203.0.113.5", "192.0.2.10", lan10, true}};
  check(no_check, settings, nullptr);
}

// They lead nowhere else.
TEST(Sides, AddressesOfALinkOrOfTheLoopbackAreNotMeantByAnInterface) {
  test::FakeHost host = gateway();
  PolicySettings settings;
  settings.inside_addresses_of = {"eth0", "lo"};
  settings.inside_interfaces = {"lan.10"};
  for (const char* own : {"fe80::1", "169.254.0.1", "127.0.0.1", "::1"}) {
    host.own.insert(address(own));
    host.interfaces.emplace(address(own), address(own).is_loopback() ? Interface::host : eth0);
    EXPECT_FALSE(leads_inside(address(own), settings, &host)) << own;
    EXPECT_FALSE(Sides(settings, &host).speaks_for(address(own), address("192.0.2.10"), lan10)) << own;
  }
}

TEST(Sides, NoCheckIsMade) {
  test::FakeHost host = gateway();
  const Row rows[] = {{"A2", "192.0.2.77", "203.0.113.5", eth0, true},
                      {"A3", "203.0.113.5", "192.0.2.10", lan10, true},
                      {"no way there", "203.0.113.99", "203.0.113.5", eth0, true}};
  PolicySettings settings;
  settings.same_side = SameSide::configured;
  check(rows, settings, &host);  // nothing configured
  message::SipMessage message;
  message.method = message::Method::invite;
  EXPECT_FALSE(Sides(settings, &host).origin(message, address("203.0.113.1"), Interface::host).own);
  settings.same_side = SameSide::routes;
  check(rows, settings, nullptr);  // nobody to ask
  settings.same_side = SameSide::off;
  settings.inside_networks = {network("192.0.2.0/24")};
  check(rows, settings, &host);
}

message::SipMessage invite_with(std::size_t addresses) {
  message::SipMessage message;
  message.method = message::Method::invite;
  message.session.emplace().media.emplace_back();
  message::MediaDescription& section = message.session->media.front();
  section.connection = {message::Connection::Kind::address, address("192.0.2.10"), ""};
  section.rtcp = message::RtcpAttribute{30001, address("203.0.113.7")};
  for (std::size_t i = 0; i < addresses; ++i) {
    message::Candidate candidate;
    candidate.address = address("192.0.2." + std::to_string(20 + i));
    section.candidates.push_back(candidate);
  }
  return message;
}

TEST(Sides, AnOriginSaysWhichAddressesItCantSpeakFor) {
  test::FakeHost host = gateway();
  const Sides sides({}, &host);
  auto message = invite_with(2);
  auto origin = sides.origin(message, address("192.0.2.10"), lan10);
  EXPECT_EQ(origin.address, address("192.0.2.10"));
  EXPECT_FALSE(origin.own);
  EXPECT_EQ(origin.elsewhere, std::vector{address("203.0.113.7")});
  origin = sides.origin(message, address("203.0.113.5"), eth0);
  EXPECT_EQ(origin.elsewhere,
            (std::vector{address("192.0.2.10"), address("192.0.2.20"), address("192.0.2.21")}));
  EXPECT_TRUE(sides.origin(message, address("203.0.113.1"), Interface::host).own);

  host.questions = 0;
  message.method = message::Method::options;
  EXPECT_TRUE(sides.origin(message, address("203.0.113.5"), eth0).elsewhere.empty()) << "it opens nothing";
  EXPECT_EQ(host.questions, 0U);
}

TEST(Sides, AnOriginSaysWhenItsOwnAddressIsElsewhere) {
  test::FakeHost host = gateway();
  const Sides sides({}, &host);
  const auto message = invite_with(2);
  EXPECT_FALSE(sides.origin(message, address("203.0.113.5"), eth0).forged);
  EXPECT_TRUE(sides.origin(message, address("192.0.2.10"), eth0).forged);
  EXPECT_FALSE(sides.origin(invite_with(0), address("203.0.113.7"), eth0).forged);
}

TEST(Sides, AsksAboutSoManyAddressesOfAMessageAndNoMore) {
  test::FakeHost host = gateway();
  const Sides sides({}, &host);
  const auto origin = sides.origin(invite_with(62), address("192.0.2.10"), lan10);
  EXPECT_EQ(host.questions, base::limits::judged_addresses + 1) << "and about where it came from";
  EXPECT_EQ(origin.elsewhere.size(), 64 - base::limits::judged_addresses) << "the rest is not believed";
}

}  // namespace
}  // namespace dpinholer::pinhole
