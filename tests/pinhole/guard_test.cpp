// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody who has fallen for what strangers wrote may ask for, and what not.
#include "pinhole/guard.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "support/host.h"

namespace dpinholer::pinhole {
namespace {

namespace limits = base::limits;
using base::Interface;
using Kind = Change::Kind;

constexpr Interface outside{2};
constexpr Interface inside{3};

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

test::FakeHost gateway() {
  test::FakeHost host;
  host.own = {address("203.0.113.1"), address("192.0.2.1")};
  host.names = {{Interface::host, "lo"}, {outside, "eth0"}, {inside, "eth1"}};
  host.route("192.0.2.0/24", {inside});
  host.route("0.0.0.0/0", {outside});
  host.route("2001:db8::/32", {outside});
  return host;
}

const base::Address trunk = address("203.0.113.5");
const base::Address phone = address("192.0.2.10");

Change open(std::string_view to, std::uint32_t port, const base::Address& announced_by,
            const std::string& call = "a@b") {
  Change change;
  change.key = {base::Protocol::udp, {address(to), static_cast<std::uint16_t>(port)}};
  change.timeout = base::seconds{180};
  change.label = {call, "audio", Component::rtp};
  change.announced_by = announced_by;
  return change;
}
Change then(Kind kind, Change change) {
  change.kind = kind;
  return change;
}

/// A guard that has heard the trunk outside and the phone inside.
class GuardTest : public ::testing::Test {
 protected:
  explicit GuardTest(const GuardSettings& settings = {}) : guard(settings, &host, {}) {
    guard.heard(trunk, outside, 700);
    guard.heard(phone, inside, 700);
  }

  /// "" when it is let through, else why not.
  std::string judged(const Change& change) {
    std::vector<Change> changes{change};
    const auto refusals = guard.judge(changes);
    if (!changes.empty()) return refusals.empty() ? "" : "let through and refused";
    return refusals.empty() ? "nonsense" : std::string(name(refusals.front().cause));
  }

  test::FakeHost host = gateway();
  Guard guard;
};

TEST_F(GuardTest, OpensWhatPolicyAllowsTowardTheSideOfWhoeverWasHeard) {
  const struct {
    const char* what;
    const char* to;
    std::uint32_t port;
    base::Address announced_by;
    const char* refused;
  } rows[] = {
      {"the phone's own", "192.0.2.10", 30000, phone, ""},
      {"a media server beside the phone", "192.0.2.20", 30000, phone, ""},
      {"the trunk's media", "198.51.100.7", 40000, trunk, ""},
      {"other side: a printer inside, asked for outside", "192.0.2.99", 9100, trunk, "other-side"},
      {"other side: somebody outside, asked for inside", "198.51.100.8", 40000, phone, "other-side"},
      {"a privileged port", "192.0.2.10", 22, phone, "port-policy"},
      {"own address, inside", "192.0.2.1", 30000, phone, "address"},
      {"own address, outside", "203.0.113.1", 30000, trunk, "address"},
      {"loopback", "127.0.0.1", 30000, phone, "address"},
      {"multicast", "239.1.1.1", 30000, phone, "address"},
      {"broadcast", "255.255.255.255", 30000, phone, "address"},
      {"IPv4-mapped", "::ffff:192.0.2.10", 30000, phone, "address"},
      {"in the name of somebody who said nothing", "192.0.2.10", 30002, address("192.0.2.11"), "no-request"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judged(open(row.to, row.port, row.announced_by)), row.refused) << row.what;
  }
}

TEST_F(GuardTest, SourcesAreJudgedToo) {
  Change change = open("192.0.2.10", 30000, phone);
  change.from = {trunk};
  EXPECT_EQ(judged(change), "");
  change = open("192.0.2.10", 30002, phone);
  change.from = {address("224.0.0.1")};
  EXPECT_EQ(judged(change), "address");
  change.from = {address("127.0.0.1")};
  EXPECT_EQ(judged(change), "address");
  change = then(Kind::bind, open("192.0.2.10", 30000, phone));
  change.from = {address("0.0.0.0")};
  EXPECT_EQ(judged(change), "nonsense");
}

GuardSettings with_networks() {
  GuardSettings settings;
  settings.policy.networks = {base::Network::parse("192.0.2.0/28").value(),
                              base::Network::parse("198.51.100.0/24").value()};
  return settings;
}
class GuardedNetworksTest : public GuardTest {
 protected:
  GuardedNetworksTest() : GuardTest(with_networks()) {}
};

// The guard reads no SIP: that the message came from the address itself it takes the inspector's word for,
// but it knows that one came from there.
TEST_F(GuardedNetworksTest, NothingOpensOutsideThemButAtHostsThatWereHeard) {
  const struct {
    const char* what;
    const char* to;
    base::Address announced_by;
    const char* refused;
  } rows[] = {
      {"inside them", "192.0.2.10", phone, ""},
      {"the trunk's relay inside them", "198.51.100.7", trunk, ""},
      {"the trunk's own address", "203.0.113.5", trunk, ""},
      {"another one there", "203.0.113.6", trunk, "networks"},
      {"beside the phone", "192.0.2.99", phone, "networks"},
      {"in the name of a host that was not heard", "192.0.2.99", address("192.0.2.99"), "no-request"},
      {"over IPv6", "2001:db8::5", trunk, "networks"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(judged(open(row.to, 30000, row.announced_by)), row.refused) << row.what;
}

TEST_F(GuardedNetworksTest, NorIsAnythingOutsideThemASource) {
  Change change = open("192.0.2.10", 30000, phone);
  change.from = {address("203.0.113.6")};
  EXPECT_EQ(judged(change), "address");
  change.from = {address("198.51.100.7"), trunk};
  EXPECT_EQ(judged(change), "") << "the relay inside them, and the trunk that was heard";
  change = then(Kind::bind, change);
  change.from = {address("198.51.100.7"), trunk, address("203.0.113.6")};
  EXPECT_EQ(judged(change), "nonsense");
}

TEST_F(GuardedNetworksTest, WhatWasFoundOpenGoesOnAsItWas) {
  const base::Address gone = address("203.0.113.77");
  guard.offer({{{base::Protocol::udp, {address("192.0.2.99"), 30000}},
                {gone},
                negotiation::Media::audio,
                Component::rtp,
                "c",
                7,
                base::seconds{300}}});
  Change claimed = open("192.0.2.99", 30000, phone);
  claimed.from = {gone};
  claimed.cause = Cause::recovered;
  claimed.label.call_hash = 7;
  EXPECT_EQ(judged(claimed), "") << "nobody knows any more who announced it";
  Change bound = then(Kind::bind, claimed);
  bound.from = {gone, address("203.0.113.78")};
  EXPECT_EQ(judged(bound), "nonsense");
  bound.from = {trunk, gone};
  EXPECT_EQ(judged(bound), "");
}

TEST_F(GuardTest, MediaOverTcpIsOffUnlessItIsConfigured) {
  Change change = open("192.0.2.10", 2855, phone);
  change.key.protocol = base::Protocol::tcp;
  EXPECT_EQ(judged(change), "tcp-off");
  Recovered found{change.key, {}, negotiation::Media::message, Component::data, "c", 7, base::seconds{300}};
  guard.offer({found});
  change.cause = Cause::recovered;
  change.label.call_hash = 7;
  EXPECT_EQ(judged(change), "nonsense") << "it was on when the daemon before this one opened it";
  GuardSettings on;
  on.tcp = true;
  guard.reconfigure(on);
  EXPECT_EQ(judged(change), "");
}

TEST_F(GuardTest, WhatWasNotOpenedHereCannotBeNamed) {
  const Change foreign = open("192.0.2.10", 30000, phone);
  EXPECT_EQ(judged(then(Kind::close, foreign)), "nonsense");
  EXPECT_EQ(judged(then(Kind::bind, foreign)), "nonsense");
  EXPECT_EQ(judged(then(Kind::refresh, foreign)), "nonsense");
  EXPECT_EQ(judged(foreign), "");
  EXPECT_EQ(judged(foreign), "nonsense") << "open already";
  EXPECT_EQ(judged(then(Kind::bind, foreign)), "");
  EXPECT_EQ(judged(then(Kind::refresh, foreign)), "");
  EXPECT_EQ(judged(then(Kind::close, foreign)), "");
  EXPECT_EQ(judged(then(Kind::close, foreign)), "nonsense");
  EXPECT_EQ(guard.open(), 0U);
}

TEST_F(GuardTest, TimeoutsAreClamped) {
  std::vector<Change> changes{open("192.0.2.10", 30000, phone), open("192.0.2.10", 30001, phone)};
  changes[0].timeout = std::chrono::years{1};
  changes[1].timeout = base::seconds{-5};
  EXPECT_TRUE(guard.judge(changes).empty());
  EXPECT_EQ(changes[0].timeout, base::seconds{300});
  EXPECT_EQ(changes[1].timeout, base::seconds{1});
}

TEST_F(GuardTest, OnlyWhatAPeerIsBoundToMayHaveTheTimeoutOfACallOnHold) {
  Change change = open("192.0.2.10", 30000, phone);
  change.timeout = base::seconds{3600};
  const auto timeout = [&](Kind kind, std::vector<base::Address> from) {
    change.kind = kind;
    change.from = std::move(from);
    std::vector<Change> changes{change};
    EXPECT_TRUE(guard.judge(changes).empty());
    return changes.empty() ? base::seconds{0} : changes.front().timeout;
  };
  EXPECT_EQ(timeout(Kind::open, {}), base::seconds{300});
  EXPECT_EQ(timeout(Kind::refresh, {trunk}), base::seconds{300}) << "whatever it says it is bound to";
  EXPECT_EQ(timeout(Kind::bind, {trunk}), base::seconds{3600});
  EXPECT_EQ(timeout(Kind::refresh, {trunk}), base::seconds{3600});
  GuardSettings any;
  any.policy.bind_to_peer = false;
  guard.reconfigure(any);
  EXPECT_EQ(timeout(Kind::bind, {}), base::seconds{3600});
}

TEST_F(GuardTest, ACallHasItsBoundAndGetsRoomWhenItCloses) {
  for (std::uint32_t port = 30000; port < 30256; ++port)
    EXPECT_EQ(judged(open("192.0.2.10", port, phone)), "");
  EXPECT_EQ(judged(open("192.0.2.10", 30256, phone)), "limit");
  EXPECT_EQ(judged(open("192.0.2.10", 30256, phone, "another@b")), "");
  EXPECT_EQ(judged(then(Kind::close, open("192.0.2.10", 30000, phone))), "");
  EXPECT_EQ(judged(open("192.0.2.10", 30257, phone)), "");
}

// One packet of 700 octets has room for three messages with a description.
TEST_F(GuardTest, AHostGetsNoMoreThanItsMessagesCouldHaveAskedFor) {
  const std::size_t credit = 3 * 256;
  std::size_t opened = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    opened += judged(open("192.0.2.10", 30000 + i, phone, std::to_string(i) + "@b")).empty() ? 1 : 0;
  }
  EXPECT_EQ(opened, credit);
  EXPECT_EQ(judged(open("198.51.100.7", 40000, trunk)), "") << "others are not concerned";
  guard.heard(phone, inside, 10);
  EXPECT_EQ(judged(open("192.0.2.20", 30000, phone)), "");
}

TEST_F(GuardTest, AWayThatWasUsedBeforeStillCounts) {
  guard.heard(trunk, Interface{9}, 700);
  EXPECT_EQ(judged(open("198.51.100.7", 40000, trunk)), "");
}

class LocalGuard : public GuardTest {
 protected:
  static GuardSettings settings() {
    GuardSettings settings;
    settings.policy.local = true;
    return settings;
  }
  LocalGuard() : GuardTest(settings()) { guard.heard(address("192.0.2.1"), Interface::host, 700); }
};

TEST_F(LocalGuard, AServerOnTheHostSpeaksForTheHost) {
  EXPECT_EQ(judged(open("192.0.2.1", 30000, address("192.0.2.1"))), "");
  EXPECT_EQ(judged(open("192.0.2.10", 30000, address("192.0.2.1"))), "other-side");
}

// ---- Attacks
// ------------------------------------------------------------------------------------------------

std::vector<base::Address> many_sources(std::size_t count) {
  std::vector<base::Address> from;
  for (std::size_t i = 0; i < count; ++i) {
    from.push_back(base::Address::v4({100, static_cast<std::uint8_t>(64 + i / 65536),
                                      static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i)}));
  }
  return from;
}

// 22 octets of an IPv6 source became the key of an IPv4 element: any host, any port.
TEST_F(GuardTest, A23_SourcesAreOfThePinholesOwnFamily) {
  Change change = open("192.0.2.10", 30000, phone);
  change.from = {address("2001:db8::5")};
  EXPECT_EQ(judged(change), "address");
  change = open("2001:db8::10", 30000, trunk);
  change.from = {address("198.51.100.7")};
  EXPECT_EQ(judged(change), "address");
  const Change admitted = open("192.0.2.10", 30000, phone);
  EXPECT_EQ(judged(admitted), "");
  change = then(Kind::bind, admitted);
  change.from = {address("198.51.100.7"), address("2001:db8::5")};
  EXPECT_EQ(judged(change), "nonsense");
}

TEST_F(GuardTest, A23_SourcesAreAddressesOfHosts) {
  EXPECT_EQ(judged(open("192.0.2.10", 30000, phone)), "");
  for (const char* source :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "203.0.113.1"}) {
    Change bind = then(Kind::bind, open("192.0.2.10", 30000, phone));
    bind.from = {address(source)};
    EXPECT_EQ(judged(bind), "nonsense") << source;
  }
  EXPECT_EQ(judged(open("2001:db8::10", 30000, trunk)), "");
  for (const char* source : {"::", "::1", "ff02::1", "::ffff:192.0.2.10", "::192.0.2.10"}) {
    Change bind = then(Kind::bind, open("2001:db8::10", 30000, trunk));
    bind.from = {address(source)};
    EXPECT_EQ(judged(bind), "nonsense") << source;
  }
}

TEST_F(GuardTest, A23_TcpOpensOnlyWhereItIsAllowed) {
  Change change = open("192.0.2.10", 30000, phone);
  change.key.protocol = base::Protocol::tcp;
  EXPECT_EQ(judged(change), "tcp-off");
}

TEST_F(GuardTest, A25_OnlyWhatWasTakenOverCarriesAHash) {
  Change change = open("192.0.2.10", 30000, phone);
  change.label = {"\x1b[2J\"", "audio", Component::rtp, 7};
  EXPECT_EQ(judged(change), "nonsense");
}

// The guard fills each change from its own record of `open`, `bind` and so on.
TEST_F(GuardTest, A26_WhatIsBoundRefreshedAndClosedIsWhatIsOpen) {
  std::vector<Change> changes{open("192.0.2.10", 30000, phone)};
  changes.front().from = {trunk};
  EXPECT_TRUE(guard.judge(changes).empty());
  Change lie = open("192.0.2.10", 30000, phone, "somebody@else");
  lie.from_before = {address("198.51.100.99")};
  lie.from = {address("198.51.100.7")};
  changes = {then(Kind::refresh, lie), then(Kind::bind, lie), then(Kind::close, lie)};
  changes.back().from = {address("198.51.100.98")};
  EXPECT_TRUE(guard.judge(changes).empty());
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].from, std::vector{trunk});
  EXPECT_EQ(changes[1].from_before, std::vector{trunk});
  EXPECT_EQ(changes[1].from, std::vector{address("198.51.100.7")});
  EXPECT_EQ(changes[2].from, std::vector{address("198.51.100.7")});
  for (const Change& change : changes) EXPECT_EQ(change.label.call_id, "a@b");
}

TEST_F(GuardTest, A26_SourcesAreBoundedAndEachCounts) {
  Change change = open("192.0.2.10", 30000, phone);
  change.from = many_sources(limits::sources_per_binding + 1);
  EXPECT_EQ(judged(change), "limit");
  change.from.pop_back();
  EXPECT_EQ(judged(change), "");
  change = then(Kind::bind, change);
  change.from = many_sources(limits::sources_per_pinhole + 1);
  EXPECT_EQ(judged(change), "nonsense");
  // Two packets of 700 octets were heard: with them, six messages.
  std::size_t bound = 0;
  for (std::uint32_t port = 30000; port < 30100; ++port) {
    (void)judged(open("192.0.2.10", port, phone));
    change = then(Kind::bind, open("192.0.2.10", port, phone));
    change.from = many_sources(256);
    bound += judged(change).empty() ? 1 : 0;
  }
  EXPECT_GT(bound, 0U);
  EXPECT_LE(bound, 6U);
}

TEST_F(GuardTest, A26_OneRefreshOfAPinholeIsEnough) {
  EXPECT_EQ(judged(open("192.0.2.10", 30000, phone)), "");
  std::vector<Change> changes(1000, then(Kind::refresh, open("192.0.2.10", 30000, phone)));
  EXPECT_TRUE(guard.judge(changes).empty());
  EXPECT_EQ(changes.size(), 1U);
  EXPECT_EQ(judged(then(Kind::refresh, open("192.0.2.10", 30000, phone))), "") << "next time again";
}

// ---- Taking over
// -------------------------------------------------------------------------------------------

Recovered recovered(std::string_view to, std::uint16_t port, std::vector<base::Address> from) {
  Recovered pinhole;
  pinhole.key = {base::Protocol::udp, {address(to), port}};
  pinhole.from = std::move(from);
  pinhole.call = "a@b";
  pinhole.call_hash = base::stable_hash("a@b");
  return pinhole;
}
Change again(const Recovered& pinhole) {
  Change change;
  change.key = pinhole.key;
  change.from = pinhole.from;
  change.label = {pinhole.call, "audio", Component::rtp, pinhole.call_hash};
  change.cause = Cause::recovered;
  return change;
}

TEST_F(GuardTest, WhatIsOfferedIsClaimedAsItIsAndOnce) {
  const Recovered found = recovered("192.0.2.10", 30000, {trunk});
  EXPECT_EQ(judged(again(found)), "nonsense") << "nothing was offered";
  guard.offer({found, recovered("192.0.2.10", 30001, {trunk})});
  Change change = again(found);
  change.from.clear();
  EXPECT_EQ(judged(change), "nonsense") << "to anybody";
  change = again(found);
  change.label.call_hash = 1;
  EXPECT_EQ(judged(change), "nonsense") << "for another call";
  change = again(found);
  change.key.destination.port = 30002;
  EXPECT_EQ(judged(change), "nonsense") << "another pinhole";
  EXPECT_EQ(judged(open("192.0.2.10", 30000, phone)), "nonsense") << "as if it were not open";
  EXPECT_EQ(judged(again(found)), "");
  EXPECT_EQ(judged(again(found)), "nonsense") << "twice";
  const auto closings = guard.take_unclaimed({});
  ASSERT_EQ(closings.size(), 1U);
  EXPECT_EQ(closings.front().key.destination.port, 30001);
  EXPECT_EQ(closings.front().kind, Kind::close);
  EXPECT_TRUE(guard.take_unclaimed({}).empty());
}

TEST_F(GuardTest, A25_WhatIsClaimedKeepsItsOwnLabel) {
  const Recovered found = recovered("192.0.2.10", 30000, {trunk});
  guard.offer({found});
  std::vector<Change> changes{again(found)};
  changes.front().label.call_id = "\x1b[2J\"";
  changes.front().label.media = "\n";
  EXPECT_TRUE(guard.judge(changes).empty());
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes.front().label.call_id, "a@b");
  EXPECT_EQ(changes.front().label.media, "other");
}

TEST_F(GuardTest, A23_WhatWasFoundIsClaimedOnlyWherePolicyAllowsIt) {
  for (const char* to : {"203.0.113.1", "127.0.0.1", "224.0.0.1"}) {
    const Recovered found = recovered(to, 30000, {});
    guard.offer({found});
    EXPECT_EQ(judged(again(found)), to == std::string("127.0.0.1") ? "" : "nonsense") << to;
  }
  const Recovered found = recovered("192.0.2.10", 22, {});
  guard.offer({found});
  EXPECT_EQ(judged(again(found)), "nonsense");
}

}  // namespace
}  // namespace dpinholer::pinhole
