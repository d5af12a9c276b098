// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "gatekeeper.h"
#include "system/host_networks.h"
#include "system/live/live.h"

namespace dpinholer {
namespace {

using live::Namespace;
using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;
using pinhole::Key;
using pinhole::Recovered;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

const Key phone{base::Protocol::udp, {address("192.0.2.10"), 30000}};
const Key trunk{base::Protocol::tcp, {address("2001:db8::10"), 2855}};
const base::Address peer = address("203.0.113.5");
const base::Address relay = address("203.0.113.6");

Change open(const Key& key, std::vector<base::Address> from, const std::string& call) {
  return {Change::Kind::open, key, {}, std::move(from), base::seconds{180}, {call, "audio", Component::rtp},
          Cause::offer,       {}};
}

// As a daemon that starts again opens it: it knows the call by what its comment says.
Change again(const Recovered& found) {
  Change change = open(found.key, found.from, found.call);
  change.label.call_hash = found.call_hash;
  change.cause = Cause::recovered;
  return change;
}

class RecoverTest : public live::LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (!IsSkipped()) live::load(home_, live::sets_ruleset());
  }

  Gatekeeper& start() {
    keeper_.reset();
    home_.inside([&] { keeper_.emplace(system::Config{}, networks_.emplace(), base::HashKey{}); });
    return *keeper_;
  }
  void apply(Gatekeeper& keeper, const std::vector<Change>& changes) {
    keeper.write(changes);
    keeper.finish({changes, {}, {}}, {});
    while (keeper.busy()) keeper.settle({}, std::chrono::seconds{1});
  }
  std::string list(const std::string& set) { return home_.run("nft list set inet filter " + set); }

  Namespace home_;
  std::optional<system::HostNetworks> networks_;
  std::optional<Gatekeeper> keeper_;
};

TEST_F(RecoverTest, EmptySetsHoldNothing) {
  EXPECT_TRUE(start().recover({}).empty());
}

TEST_F(RecoverTest, WhatOneDaemonOpenedTheNextOneFinds) {
  apply(start(), {open(trunk, {}, "b@example.com"), open(phone, {peer, relay}, "a@example.com")});
  const std::uint64_t a = base::stable_hash("a@example.com");
  const std::uint64_t b = base::stable_hash("b@example.com");
  EXPECT_EQ(
      start().recover({}),
      (std::vector<Recovered>{
          {trunk, {}, negotiation::Media::audio, Component::rtp, "b@example.com", b, base::seconds{180}},
          {phone,
           {peer, relay},
           negotiation::Media::audio,
           Component::rtp,
           "a@example.com",
           a,
           base::seconds{180}}}));
}

TEST_F(RecoverTest, ElementsOfOthersAreLeftAlone) {
  home_.run(
      "nft 'add element inet filter sip_rtp4 { 192.0.2.10 . 4000 }';"
      "nft 'add element inet filter sip_rtp4 { 192.0.2.10 . 4002 comment \"door phone, id=12\" }'");
  EXPECT_TRUE(start().recover({}).empty());
  EXPECT_NE(list("sip_rtp4").find("4000"), std::string::npos);
  EXPECT_NE(list("sip_rtp4").find("door phone"), std::string::npos);
}

TEST_F(RecoverTest, APinholeTakenOverKeepsTheNameOfItsCall) {
  apply(start(), {open(phone, {peer}, "a@example.com")});
  Gatekeeper& next = start();
  const auto found = next.recover({});
  ASSERT_EQ(found.size(), 1U);
  home_.run("nft flush set inet filter sip_rtp4_from");  // it expired before it was taken over
  apply(next, {again(found.front())});
  EXPECT_NE(list("sip_rtp4_from").find("call=a@example.com"), std::string::npos);

  home_.run("nft flush set inet filter sip_rtp4_from");
  Change refresh = again(found.front());
  refresh.kind = Change::Kind::refresh;
  apply(next, {refresh});
  EXPECT_FALSE(next.refresh_some([](const Key&, const auto&) {}));
  EXPECT_NE(list("sip_rtp4_from").find("call=a@example.com"), std::string::npos) << "renewed";
}

TEST_F(RecoverTest, MediaOfBeforeIsNoSignOfLife) {
  apply(start(), {open(phone, {}, "a@example.com")});
  home_.run(
      "nft add chain inet filter out '{ type filter hook output priority 0; }';"
      "nft add rule inet filter out ip daddr . udp dport @sip_rtp4 accept;"
      "ip addr add 192.0.2.10/32 dev lo; bash -c 'echo -n hello >/dev/udp/192.0.2.10/30000'");
  Gatekeeper& next = start();
  const auto found = next.recover({});
  ASSERT_EQ(found.size(), 1U);
  apply(next, {again(found.front())});
  EXPECT_TRUE(next.has_media({phone, {std::nullopt}}).empty());
  home_.run("bash -c 'echo -n hello >/dev/udp/192.0.2.10/30000'");
  EXPECT_EQ(next.has_media({phone, {std::nullopt}}).size(), 1U);
  EXPECT_TRUE(next.has_media({phone, {std::nullopt}}).empty());
}

}  // namespace
}  // namespace dpinholer
