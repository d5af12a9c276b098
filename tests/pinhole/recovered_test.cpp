// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/recovered.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dpinholer::pinhole {
namespace {

using negotiation::Media;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

const base::Endpoint phone{address("192.0.2.10"), 30000};
const base::Endpoint phone6{address("2001:db8::10"), 30000};
const base::Address one = address("203.0.113.5");
const base::Address other = address("203.0.113.6");

FoundElement element(Set set, const base::Endpoint& to, std::optional<base::Address> from = {},
                     std::string_view media = "audio", std::uint64_t call = 1) {
  return {{set, from, to}, {std::string(media), Component::rtp, "c", call}, base::seconds{300}};
}

Recovered pinhole(const Key& key, std::vector<base::Address> from = {}, Media media = Media::audio,
                  std::uint64_t call = 1) {
  return {key, std::move(from), media, Component::rtp, "c", call, base::seconds{300}};
}

TEST(Recovered, NothingIsNothing) {
  EXPECT_TRUE(recovered({}).empty());
}

TEST(Recovered, TheElementsOfAPinholeAreItsSources) {
  const std::vector<Recovered> expected{pinhole({base::Protocol::udp, phone}, {one, other})};
  std::vector<FoundElement> elements{element(Set::rtp4_from, phone, one),
                                     element(Set::rtp4_from, phone, other)};
  EXPECT_EQ(recovered(elements), expected);
  std::reverse(elements.begin(), elements.end());
  EXPECT_EQ(recovered(elements), expected) << "in whatever order they come";
  elements.push_back(elements.front());
  EXPECT_EQ(recovered(elements), expected) << "a set that changes while it is read may show one twice";
}

TEST(Recovered, PinholesDifferByProtocolAddressAndPort) {
  const base::Endpoint next{phone.address, 30001};
  EXPECT_EQ(
      recovered({element(Set::tcp4, phone), element(Set::rtp4, next), element(Set::rtp4, phone),
                 element(Set::rtp6, phone6)}),
      (std::vector<Recovered>{pinhole({base::Protocol::tcp, phone}), pinhole({base::Protocol::udp, phone}),
                              pinhole({base::Protocol::udp, next}), pinhole({base::Protocol::udp, phone6})}));
}

// A set that was saved and loaded again has what was open to anybody before the answer.
TEST(Recovered, SourcesStandWhereAnElementForAnybodyIsLeftOver) {
  EXPECT_EQ(recovered({element(Set::rtp4, phone, {}, "audio", 7), element(Set::rtp4_from, phone, one)}),
            std::vector<Recovered>{pinhole({base::Protocol::udp, phone}, {one})});
}

TEST(Recovered, TellsWhatThePinholeIsForAndWhoseItIs) {
  FoundElement rtcp = element(Set::rtp4_from, phone, other, "video", 9);
  rtcp.content.component = Component::rtcp;
  const auto found = recovered({element(Set::rtp4_from, phone, one, "audio", 8), rtcp});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().call_hash, 8U) << "as the element of its first source says";
  EXPECT_EQ(found.front().media, Media::audio);
  EXPECT_EQ(recovered({rtcp}).front().component, Component::rtcp);
  EXPECT_EQ(recovered({element(Set::rtp4, phone, {}, "x-new")}).front().media, Media::other);
}

}  // namespace
}  // namespace dpinholer::pinhole
