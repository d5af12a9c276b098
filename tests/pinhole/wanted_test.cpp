// SPDX-License-Identifier: GPL-2.0-or-later
// From what was agreed to what a call wants open: policy, binding, and one pinhole that several want.
#include "pinhole/wanted.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace dpinholer::pinhole {
namespace {

using negotiation::Grant;
using negotiation::Phase;
using negotiation::Transport;

constexpr ElementTimeouts timeouts{base::seconds{180}, base::seconds{300}, base::seconds{3600}};

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

Transport transport(std::string_view where, std::uint32_t port, Component component = Component::rtp) {
  return {address(where), port, base::Protocol::udp, component};
}

Grant early(std::vector<Transport> to) {
  Grant grant;
  grant.media = negotiation::Media::audio;
  grant.announced_by = address("192.0.2.10");
  grant.to = std::move(to);
  return grant;
}

Grant bound(std::vector<Transport> to, const std::vector<std::string>& senders,
            std::string_view signalling = "203.0.113.1") {
  Grant grant = early(std::move(to));
  grant.phase = Phase::established;
  grant.bound = true;
  for (const std::string& sender : senders) grant.senders.push_back(address(sender));
  grant.sender_signalling = address(signalling);
  return grant;
}

// "192.0.2.10:30000 rtp any 180\n"
std::string to_text(const std::vector<Want>& wants) {
  std::string text;
  for (const Want& want : wants) {
    text +=
        base::to_string(want.key.destination) + " " + std::string(negotiation::name(want.component)) + " ";
    std::string from;
    for (const base::Address& source : want.from) from += (from.empty() ? "" : ",") + source.to_string();
    text += from.empty() ? "any" : from;
    text += " " + std::to_string(want.timeout.count()) + (want.held ? " held\n" : "\n");
  }
  return text;
}

std::string wanted_text(const std::vector<Grant>& grants, PolicySettings settings = {}) {
  std::vector<const Grant*> pointers;
  for (const Grant& grant : grants) pointers.push_back(&grant);
  return to_text(wanted(pointers, Policy(std::move(settings)), timeouts));
}

TEST(Wanted, EarlyIsOpenToAnybodyEstablishedToThePeer) {
  EXPECT_EQ(wanted_text({early({transport("192.0.2.10", 30000)})}), "192.0.2.10:30000 rtp any 180\n");
  EXPECT_EQ(wanted_text({bound({transport("192.0.2.10", 30000)}, {"203.0.113.5"})}),
            "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.5 300\n")
      << "media addresses and signalling, sorted";
}

TEST(Wanted, OnHoldElementsLiveLonger) {
  Grant grant = bound({transport("192.0.2.10", 30000)}, {});
  grant.phase = Phase::held;
  EXPECT_EQ(wanted_text({grant}), "192.0.2.10:30000 rtp 203.0.113.1 3600\n");
}

PolicySettings with_networks() {
  PolicySettings settings;
  settings.networks = {base::Network::parse("192.0.2.0/28").value(),
                       base::Network::parse("198.51.100.0/24").value()};
  return settings;
}

TEST(Networks, SourcesOutsideThemDoNotCountButTheSignalling) {
  EXPECT_EQ(wanted_text({bound({transport("192.0.2.10", 30000)}, {"203.0.113.5", "198.51.100.7"})},
                        with_networks()),
            "192.0.2.10:30000 rtp 198.51.100.7,203.0.113.1 300\n");
}

// A proxy on this host passes on what a phone at home said about itself.
TEST(Networks, WhatThisHostPassesOnIsJudgedAsItsPartySaidIt) {
  const auto phone = [](std::string_view media) {
    Grant grant = bound({transport(media, 40000)}, {"192.0.2.10"}, "192.0.2.1");
    grant.announced_by = address("203.0.113.5");
    return grant;
  };
  const auto passed_on = [](std::string_view media) {
    Grant grant = bound({transport(media, 40000)}, {}, "192.0.2.10");
    grant.announced_by = address("192.0.2.1");
    grant.announced_by_host = true;
    return grant;
  };
  const auto toward_the_other = [](const std::string& media) {
    Grant grant = bound({transport("192.0.2.10", 30000)}, {media}, "192.0.2.1");
    grant.senders_by_host = true;
    return grant;
  };
  EXPECT_EQ(wanted_text({phone("203.0.113.5"), passed_on("203.0.113.5"), toward_the_other("203.0.113.5")},
                        with_networks()),
            "203.0.113.5:40000 rtp 192.0.2.1,192.0.2.10 300\n"
            "192.0.2.10:30000 rtp 192.0.2.1,203.0.113.5 300\n");
  EXPECT_EQ(wanted_text({phone("203.0.113.6"), passed_on("203.0.113.6"), toward_the_other("203.0.113.6")},
                        with_networks()),
            "192.0.2.10:30000 rtp 192.0.2.1 300\n");
}

// Which of its sources was the signalling's the element does not say.
TEST(Networks, WhatWasFoundOpenKeepsItsSources) {
  Grant grant = bound({transport("203.0.113.9", 40000)}, {"192.0.2.1", "203.0.113.8"}, "192.0.2.1");
  grant.announced_by = address("203.0.113.9");
  grant.recovered = true;
  EXPECT_EQ(wanted_text({grant}, with_networks()), "203.0.113.9:40000 rtp 192.0.2.1,203.0.113.8 300\n");
}

TEST(Wanted, SourceAnyLeavesItOpen) {
  PolicySettings settings;
  settings.bind_to_peer = false;
  EXPECT_EQ(wanted_text({bound({transport("192.0.2.10", 30000)}, {"203.0.113.5"})}, settings),
            "192.0.2.10:30000 rtp any 300\n");
}

TEST(Wanted, SourcesAreOfThePinholesOwnFamily) {
  const auto grant = bound({transport("192.0.2.10", 30000), transport("2001:db8::10", 30002)},
                           {"203.0.113.5", "2001:db8:9::5"});
  EXPECT_EQ(wanted_text({grant}),
            "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.5 300\n"
            "[2001:db8::10]:30002 rtp 2001:db8:9::5 300\n");
}

TEST(Wanted, ARefusedAddressIsNoSourceButSignallingAlwaysIs) {
  PolicySettings settings;
  settings.refuse_networks = {base::Network::parse("203.0.113.0/24").value()};
  EXPECT_EQ(
      wanted_text({bound({transport("192.0.2.10", 30000)}, {"203.0.113.5", "127.0.0.1", "198.51.100.7"})},
                  settings),
      "192.0.2.10:30000 rtp 198.51.100.7,203.0.113.1 300\n");
}

TEST(Wanted, RefusedPinholesAreLeftOutAndTheOthersStay) {
  EXPECT_EQ(
      wanted_text({early({transport("127.0.0.1", 30000), transport("192.0.2.10", 53),
                          transport("192.0.2.10", 65535), transport("192.0.2.10", 65536, Component::rtcp)})}),
      "192.0.2.10:65535 rtp any 180\n");
}

TEST(Wanted, OnePinholeOfSeveralGrants) {
  const auto to = std::vector{transport("192.0.2.10", 30000)};
  EXPECT_EQ(wanted_text({bound(to, {"203.0.113.5"}), bound(to, {"203.0.113.6"}, "203.0.113.2")}),
            "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.2,203.0.113.5,203.0.113.6 300\n")
      << "the sources of all (forks)";
}

TEST(Wanted, A27_AnOfferAddsNothingToWhatIsBound) {
  const auto to = std::vector{transport("192.0.2.10", 30000)};
  const auto of_peer = bound(to, {"203.0.113.5"});
  const std::string expected = "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.5 300\n";
  EXPECT_EQ(wanted_text({of_peer, early(to)}), expected);
  EXPECT_EQ(wanted_text({early(to), of_peer}), expected);
  EXPECT_EQ(wanted_text({early(to), early(to)}), "192.0.2.10:30000 rtp any 180\n");
  // Nor does one whose peer has no address of the pinhole's family.
  EXPECT_EQ(wanted_text({bound(to, {"2001:db8::5"}, "2001:db8::5"), of_peer}), expected);
}

// An IPv4 peer that is answered with candidates of both families: nobody of the other family is its peer.
TEST(Wanted, A14_WhatIsBoundIsOpenToNobodyOfAFamilyThatThePeerDoesNotHave) {
  const std::vector both{transport("192.0.2.10", 30000), transport("2001:db8:2::10", 30000)};
  EXPECT_EQ(wanted_text({bound(both, {"203.0.113.5"})}), "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.5 300\n");
  EXPECT_EQ(wanted_text({early(both)}), "192.0.2.10:30000 rtp any 180\n[2001:db8:2::10]:30000 rtp any 180\n");
}

TEST(Wanted, HeldIsOpenWhenAnotherGrantHasItOpen) {
  Transport held = transport("192.0.2.10", 30000);
  held.held = true;
  const auto on_hold = bound({held}, {"203.0.113.5"});
  const auto open = bound({transport("192.0.2.10", 30000)}, {"203.0.113.6"});
  EXPECT_EQ(wanted_text({on_hold}), "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.5 300 held\n");
  const std::string expected = "192.0.2.10:30000 rtp 203.0.113.1,203.0.113.6 300\n";
  EXPECT_EQ(wanted_text({on_hold, open}), expected);
  EXPECT_EQ(wanted_text({open, on_hold}), expected);
}

// calls.md sections 3 and 7: pinholes of one party's m-line times sources of the other's, signalling
// included.
TEST(Wanted, BindingIsBoundedPerMediaLineAndDirection) {
  auto with = [](std::size_t pinholes, std::size_t sources) {
    std::vector<Transport> to;
    for (std::uint32_t i = 0; i < pinholes; ++i) to.push_back(transport("192.0.2.10", 30000 + i));
    std::vector<std::string> senders;
    for (std::size_t i = 1; i < sources; ++i) senders.push_back("203.0.113." + std::to_string(100 + i));
    return bound(std::move(to), senders);
  };
  const struct {
    std::size_t pinholes;
    std::size_t sources;
    std::size_t count;
  } rows[] = {{2, 64, 64}, {2, 65, 64}, {16, 64, 64}, {17, 64, 60}, {64, 17, 16}, {1024, 2, 1}, {1025, 2, 1}};
  for (const auto& row : rows) {
    const Grant grant = with(row.pinholes, row.sources);
    const Grant* pointer = &grant;
    const auto wants = wanted(std::span(&pointer, 1), Policy({}), timeouts);
    ASSERT_EQ(wants.size(), row.pinholes);
    EXPECT_EQ(wants.front().from.size(), row.count) << row.pinholes << " times " << row.sources;
    const auto& from = wants.front().from;
    EXPECT_NE(std::find(from.begin(), from.end(), grant.sender_signalling), from.end());
  }
  EXPECT_EQ(base::limits::sources_per_binding, 64U);
  EXPECT_EQ(base::limits::elements_per_binding, 1024U);
  // Another m-line of the same call, or the other direction, does not count.
  const Grant one = with(2, 32);
  const Grant more = bound({transport("192.0.2.10", 40000)}, {"203.0.113.5"});
  const Grant* both[] = {&one, &more};
  const auto wants = wanted(both, Policy({}), timeouts);
  EXPECT_EQ(wants.front().from.size(), 32U);
  EXPECT_EQ(wants.back().from.size(), 2U);
}

TEST(Wanted, ManyPinholesAreMergedAsFewAre) {
  std::vector<Grant> grants(2);
  for (Grant& grant : grants) {
    grant = early({});
    for (std::uint32_t i = 0; i < 200; ++i) grant.to.push_back(transport("192.0.2.10", 30000 + i));
  }
  const Grant* both[] = {&grants[0], &grants[1]};
  EXPECT_EQ(wanted(both, Policy({}), timeouts).size(), 200U);
}

TEST(Refusals, NameWhatWasAnnouncedAndWhy) {
  negotiation::Update update;
  update.call_id = "call@pbx";
  Grant grant =
      early({transport("10.0.0.1", 53), transport("192.0.2.10", 30000), transport("127.0.0.1", 30001)});
  Transport named;
  named.named = true;
  named.port = 30002;
  grant.to.push_back(named);
  update.announced = {{grant, "pc33.example.com"}};
  const auto found = refusals(update, Policy({}));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].address, "10.0.0.1");
  EXPECT_EQ(found[0].port, 53U);
  EXPECT_EQ(found[0].cause, Cause::port_policy);
  EXPECT_EQ(found[0].label.call_id, "call@pbx");
  EXPECT_EQ(found[1].cause, Cause::address);
  EXPECT_EQ(found[2].address, "pc33.example.com");
  EXPECT_EQ(found[2].port, 30002U);
}

TEST(Refusals, OfAWholeDescriptionNameEverythingOrAtLeastTheCall) {
  negotiation::Update update;
  update.call_id = "call@pbx";
  update.refused = Cause::limit;
  auto found = refusals(update, Policy({}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].label.call_id, "call@pbx");
  EXPECT_EQ(found[0].cause, Cause::limit);

  update.announced = {{early({transport("192.0.2.10", 30000), transport("127.0.0.1", 53)}), ""}};
  found = refusals(update, Policy({}));
  ASSERT_EQ(found.size(), 2U);
  for (const Refusal& refusal : found) EXPECT_EQ(refusal.cause, Cause::limit);
}

TEST(Refusals, AreBoundedPerMessage) {
  negotiation::Update update;
  Grant grant = early({});
  for (std::uint32_t i = 0; i < 1000; ++i) grant.to.push_back(transport("127.0.0.1", 30000 + i));
  update.announced = {{grant, "pc33.example.com"}};
  EXPECT_EQ(refusals(update, Policy({})).size(), base::limits::refusals_per_message);
}

}  // namespace
}  // namespace dpinholer::pinhole
