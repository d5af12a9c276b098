// SPDX-License-Identifier: GPL-2.0-or-later
// calls.md section 5: what is refused whatever the SDP says, and for which of several reasons.
#include "pinhole/policy.h"

#include <gtest/gtest.h>

#include <string>

#include "support/host.h"

namespace dpinholer::pinhole {
namespace {

using negotiation::Cause;
using negotiation::Component;
using negotiation::Transport;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

base::Network network(std::string_view text) {
  return base::Network::parse(text).value();
}

// "" when nothing refuses it.
std::string refusal(const Policy& policy, std::string_view to, std::uint32_t port,
                    std::string_view announced_by) {
  const Transport transport{address(to), port, base::Protocol::udp, Component::rtp};
  const auto cause = policy.refusal(transport, address(announced_by));
  return cause ? std::string(negotiation::name(*cause)) : "";
}

TEST(Policy, AddressClassesThatNoHostElsewhereHas) {
  const Policy policy({});
  const struct {
    const char* to;
    const char* announced_by;
    const char* refused;
  } rows[] = {
      {"192.0.2.10", "203.0.113.5", ""},
      {"10.0.0.1", "203.0.113.5", ""},  // private, not refused by itself
      {"2001:db8::10", "2001:db8::5", ""},
      {"fd00::10", "2001:db8::5", ""},
      // unspecified and "this network" (RFC 6890)
      {"0.0.0.0", "203.0.113.5", "address"},
      {"0.0.0.1", "203.0.113.5", "address"},
      {"::", "2001:db8::5", "address"},
      // multicast
      {"224.0.0.1", "203.0.113.5", "address"},
      {"239.255.255.255", "224.0.0.1", "address"},
      {"ff02::1", "2001:db8::5", "address"},
      // broadcast and reserved
      {"255.255.255.255", "203.0.113.5", "address"},
      {"240.0.0.1", "203.0.113.5", "address"},
      // loopback: only from there
      {"127.0.0.1", "203.0.113.5", "address"},
      {"127.255.255.254", "192.0.2.1", "address"},
      {"127.0.0.1", "127.0.0.1", ""},
      {"::1", "2001:db8::5", "address"},
      {"::1", "::1", ""},
      {"127.0.0.1", "169.254.0.1", "address"},
      // link-local: only from there
      {"169.254.10.1", "203.0.113.5", "address"},
      {"169.254.10.1", "169.254.0.1", ""},
      {"fe80::1", "2001:db8::5", "address"},
      {"febf::1", "fe80::2", ""},
      {"fec0::1", "2001:db8::5", ""},
      {"169.254.10.1", "127.0.0.1", "address"},
      // IPv4 in IPv6: two ways to write one host (attack A16)
      {"::ffff:192.0.2.10", "203.0.113.5", "address"},
      {"::ffff:192.0.2.10", "::ffff:203.0.113.5", "address"},
      {"::192.0.2.10", "2001:db8::5", "address"},
      {"::ffff:127.0.0.1", "::1", "address"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(refusal(policy, row.to, 30000, row.announced_by), row.refused)
        << row.to << " announced by " << row.announced_by;
  }
}

TEST(Policy, PrivilegedPortsAreRefusedWhateverTheSettingsSay) {
  PolicySettings settings;
  settings.ports = {1, 65535};
  const Policy policy(settings);
  const struct {
    std::uint32_t port;
    const char* refused;
  } rows[] = {{0, "port-policy"},
              {9, "port-policy"},
              {53, "port-policy"},
              {1023, "port-policy"},
              {1024, ""},
              {65535, ""},
              {65536, "port-policy"},
              {66560, "port-policy"},  // 66560 = 65536 + 1024
              {4294967295, "port-policy"}};
  for (const auto& row : rows)
    EXPECT_EQ(refusal(policy, "192.0.2.10", row.port, "192.0.2.10"), row.refused) << row.port;
}

TEST(Policy, PortsOutsideMediaPortsAndOnTheListAreRefused) {
  PolicySettings settings;
  settings.ports = {10000, 20000};
  settings.refuse_ports = {{10050, 10050}, {15000, 15010}};
  const Policy policy(settings);
  const struct {
    std::uint32_t port;
    const char* refused;
  } rows[] = {{9999, "port-policy"},
              {10000, ""},
              {10049, ""},
              {10050, "port-policy"},
              {10051, ""},
              {14999, ""},
              {15000, "port-policy"},
              {15010, "port-policy"},
              {15011, ""},
              {20000, ""},
              {20001, "port-policy"},
              {65535, "port-policy"}};
  for (const auto& row : rows)
    EXPECT_EQ(refusal(policy, "192.0.2.10", row.port, "192.0.2.10"), row.refused) << row.port;
}

TEST(Policy, MediaGoesToTheNetworksAndToTheAddressThatAnnouncedIt) {
  PolicySettings settings;
  settings.networks = {network("192.0.2.0/24"), network("2001:db8:2::/48"), network("203.0.113.7")};
  settings.refuse_networks = {network("192.0.2.128/25")};
  const Policy policy(settings);
  const struct {
    const char* to;
    const char* announced_by;
    const char* refused;
  } rows[] = {
      {"192.0.2.10", "203.0.113.5", ""},
      {"203.0.113.7", "203.0.113.5", ""},
      {"203.0.113.5", "203.0.113.5", ""},
      {"203.0.113.6", "203.0.113.5", "networks"},
      {"203.0.113.5", "192.0.2.10", "networks"},
      {"2001:db8:2::1", "2001:db8:9::5", ""},
      {"2001:db8:9::5", "2001:db8:9::5", ""},
      {"2001:db8:9::6", "2001:db8:9::5", "networks"},
      {"2001:db8:9::6", "203.0.113.5", "networks"},
      {"192.0.2.130", "203.0.113.5", "address"},
      {"192.0.2.130", "192.0.2.130", "address"},
      {"127.0.0.1", "203.0.113.5", "address"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(refusal(policy, row.to, 30000, row.announced_by), row.refused)
        << row.to << " announced by " << row.announced_by;
    EXPECT_EQ(policy.admits_source(address(row.to), address(row.announced_by)), *row.refused == '\0')
        << row.to << " as a source, announced by " << row.announced_by;
  }
  EXPECT_EQ(refusal(policy, "203.0.113.6", 22, "203.0.113.5"), "networks") << "ahead of port-policy";
}

TEST(Policy, MediaOverTcpIsOffAheadOfThePorts) {
  PolicySettings settings;
  settings.networks = {network("192.0.2.0/24")};
  const Policy policy(settings);
  const struct {
    const char* to;
    std::uint32_t port;
    bool elsewhere;
    const char* refused;
  } rows[] = {{"192.0.2.10", 2855, false, "tcp-off"},
              {"192.0.2.10", 22, false, "tcp-off"},
              {"198.51.100.7", 2855, false, "networks"},
              {"192.0.2.10", 2855, true, "other-side"},
              {"127.0.0.1", 2855, false, "address"}};
  for (const auto& row : rows) {
    Transport transport{address(row.to), row.port, base::Protocol::tcp, Component::data};
    transport.off = true;
    transport.elsewhere = row.elsewhere;
    const auto cause = policy.refusal(transport, address("203.0.113.5"));
    EXPECT_EQ(cause ? negotiation::name(*cause) : "", row.refused) << row.to << " " << row.port;
  }
}

TEST(Policy, A17OwnAddressesAreRefusedUnlessTheServerIsLocal) {
  PolicySettings settings;
  test::FakeHost host;
  host.own = {address("192.0.2.1"), address("2001:db8::1")};
  for (const bool local : {false, true}) {
    settings.local = local;
    const Policy policy(settings, &host);
    const std::string refused = local ? "" : "address";
    EXPECT_EQ(refusal(policy, "192.0.2.1", 30000, "203.0.113.5"), refused);
    EXPECT_EQ(refusal(policy, "2001:db8::1", 30000, "203.0.113.5"), refused);
    EXPECT_EQ(refusal(policy, "192.0.2.1", 30000, "192.0.2.1"), refused) << "from itself just the same";
    EXPECT_EQ(refusal(policy, "192.0.2.2", 30000, "203.0.113.5"), "");
    EXPECT_EQ(refusal(policy, "192.0.2.1", 22, "203.0.113.5"), local ? "port-policy" : "address")
        << "its services stay closed even then";
  }
}

TEST(Policy, A17AnAddressThatIsNewCounts) {
  test::FakeHost host;
  const Policy policy({}, &host);
  EXPECT_EQ(refusal(policy, "192.0.2.1", 30000, "203.0.113.5"), "");
  host.own = {address("192.0.2.1")};
  EXPECT_EQ(refusal(policy, "192.0.2.1", 30000, "203.0.113.5"), "address");
}

// For media to that address DNAT leads elsewhere; who may announce it is for Sides to say.
TEST(Policy, AnOwnAddressFromWhichDnatLeadsInsideIsNotRefused) {
  PolicySettings settings;
  test::FakeHost host;
  host.own = {address("192.0.2.1"), address("203.0.113.1"), address("2001:db8::1")};
  settings.inside_networks = {network("192.0.2.0/24"), network("203.0.113.1"), network("2001:db8::1/128")};
  const Policy policy(settings, &host);
  EXPECT_EQ(refusal(policy, "203.0.113.1", 30000, "192.0.2.10"), "");
  EXPECT_EQ(refusal(policy, "2001:db8::1", 30000, "192.0.2.10"), "");
  EXPECT_EQ(refusal(policy, "192.0.2.1", 30000, "192.0.2.10"), "address") << "listed with others only";
  settings.same_side = SameSide::off;
  EXPECT_EQ(refusal(Policy(settings, &host), "203.0.113.1", 30000, "192.0.2.10"), "address")
      << "anybody could announce it then";
}

TEST(Policy, AnAddressOfANamedInterfaceIsNotRefused) {
  PolicySettings settings;
  test::FakeHost host;
  const base::Interface uplink{2};
  host.names = {{uplink, "ppp0"}};
  host.own = {address("203.0.113.1"), address("203.0.113.2")};
  host.interfaces = {{address("203.0.113.1"), uplink}};
  settings.inside_addresses_of = {"ppp0"};
  const Policy policy(settings, &host);
  EXPECT_EQ(refusal(policy, "203.0.113.1", 30000, "192.0.2.10"), "");
  EXPECT_EQ(refusal(policy, "203.0.113.2", 30000, "192.0.2.10"), "address") << "of another interface";
  host.interfaces = {{address("203.0.113.2"), uplink}};
  EXPECT_EQ(refusal(policy, "203.0.113.1", 30000, "192.0.2.10"), "address");
  EXPECT_EQ(refusal(policy, "203.0.113.2", 30000, "192.0.2.10"), "");
  settings.same_side = SameSide::off;
  EXPECT_EQ(refusal(Policy(settings, &host), "203.0.113.2", 30000, "192.0.2.10"), "address");
}

TEST(Policy, RefuseNetworks) {
  PolicySettings settings;
  settings.refuse_networks = {network("192.0.2.128/25"), network("2001:db8:bad::/48")};
  const Policy policy(settings);
  EXPECT_EQ(refusal(policy, "192.0.2.127", 30000, "192.0.2.10"), "");
  EXPECT_EQ(refusal(policy, "192.0.2.128", 30000, "192.0.2.10"), "address");
  EXPECT_EQ(refusal(policy, "192.0.2.200", 30000, "192.0.2.200"), "address") << "its own word does not help";
  EXPECT_EQ(refusal(policy, "2001:db8:bad::1", 30000, "2001:db8::5"), "address");
}

// "" when nothing refuses it, announced from another side.
std::string refusal_elsewhere(const Policy& policy, std::string_view to, std::uint32_t port) {
  Transport transport{address(to), port, base::Protocol::udp, Component::rtp};
  transport.elsewhere = true;
  const auto cause = policy.refusal(transport, address("203.0.113.5"));
  return cause ? std::string(negotiation::name(*cause)) : "";
}

TEST(Policy, OfSeveralReasonsTheFirstStands) {
  PolicySettings settings;
  test::FakeHost host;
  host.own = {address("192.0.2.1")};
  settings.refuse_networks = {network("192.0.2.64/26")};
  const Policy policy(settings, &host);
  EXPECT_EQ(refusal_elsewhere(policy, "127.0.0.1", 22), "address");
  EXPECT_EQ(refusal_elsewhere(policy, "192.0.2.1", 22), "address");
  EXPECT_EQ(refusal_elsewhere(policy, "192.0.2.65", 22), "address");
  EXPECT_EQ(refusal_elsewhere(policy, "192.0.2.10", 22), "other-side");
  EXPECT_EQ(refusal(policy, "192.0.2.10", 22, "192.0.2.10"), "port-policy");

  Transport named;
  named.named = true;
  named.port = 22;
  EXPECT_EQ(policy.refusal(named, address("203.0.113.5")), Cause::address);
}

TEST(Policy, ARefusedAddressIsNoSourceEither) {
  PolicySettings settings;
  test::FakeHost host;
  host.own = {address("203.0.113.1")};
  settings.refuse_networks = {network("198.51.100.0/24")};
  const Policy policy(settings, &host);
  const struct {
    const char* source;
    const char* announced_by;
    bool admitted;
  } rows[] = {{"203.0.113.7", "203.0.113.5", true},  {"198.51.100.7", "203.0.113.5", false},
              {"203.0.113.1", "203.0.113.5", false}, {"127.0.0.1", "203.0.113.5", false},
              {"fe80::1", "203.0.113.5", false},     {"::ffff:203.0.113.7", "203.0.113.5", false},
              {"224.0.0.1", "203.0.113.5", false}};
  for (const auto& row : rows)
    EXPECT_EQ(policy.admits_source(address(row.source), address(row.announced_by)), row.admitted)
        << row.source;
}

}  // namespace
}  // namespace dpinholer::pinhole
