// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/installed.h"

#include <gtest/gtest.h>

namespace dpinholer::pinhole {
namespace {

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

const Key phone{base::Protocol::udp, {address("192.0.2.10"), 30000}};
const Key other_phone{base::Protocol::udp, {address("192.0.2.10"), 30002}};

Change change(Change::Kind kind, const Key& key, std::vector<base::Address> from = {}, int timeout = 180) {
  return {kind,         key, {}, std::move(from), base::seconds{timeout}, {"a", "audio", Component::rtp},
          Cause::offer, {}};
}

TEST(Installed, FollowsAPinholeThroughItsLife) {
  Installed installed({});
  EXPECT_TRUE(installed.elements(phone).empty());
  installed.apply(change(Change::Kind::open, phone));
  EXPECT_EQ(installed.elements(phone), (std::vector<ElementKey>{{Set::rtp4, {}, phone.destination}}));
  installed.apply(change(Change::Kind::bind, phone, {address("203.0.113.5"), address("203.0.113.6")}, 300));
  EXPECT_EQ(installed.elements(phone),
            (std::vector<ElementKey>{{Set::rtp4_from, address("203.0.113.5"), phone.destination},
                                     {Set::rtp4_from, address("203.0.113.6"), phone.destination}}));
  EXPECT_EQ(installed.find(phone)->timeout, base::seconds{300});
  EXPECT_EQ(installed.find(phone)->label.call_id, "a");
  installed.apply(change(Change::Kind::close, phone));
  EXPECT_EQ(installed.find(phone), nullptr);
  EXPECT_EQ(installed.size(), 0U);
}

TEST(Installed, OnlyWhatHasThatTimeoutGetsAnotherOne) {
  Installed installed({});
  installed.apply(change(Change::Kind::open, phone, {}, 3600));
  installed.apply(change(Change::Kind::open, other_phone, {}, 300));
  installed.change_timeout(base::seconds{3600}, base::seconds{7200});
  EXPECT_EQ(installed.find(phone)->timeout, base::seconds{7200});
  EXPECT_EQ(installed.find(other_phone)->timeout, base::seconds{300});
}

TEST(Installed, KnowsPinholesByProtocolToo) {
  Installed installed({});
  Key tcp = phone;
  tcp.protocol = base::Protocol::tcp;
  installed.apply(change(Change::Kind::open, phone));
  EXPECT_EQ(installed.find(tcp), nullptr);
  installed.apply(change(Change::Kind::open, tcp));
  EXPECT_EQ(installed.elements(tcp).front().set, Set::tcp4);
}

TEST(Installed, SumsUpWhatItsElementsCounted) {
  Installed installed({});
  installed.apply(change(Change::Kind::open, phone));
  installed.apply(change(Change::Kind::open, other_phone));
  installed.count({Set::rtp4, {}, phone.destination}, 7, true);
  installed.count({Set::rtp4_from, address("203.0.113.5"), phone.destination}, 5, true);
  installed.count({Set::rtp4, {}, {address("192.0.2.10"), 4}}, 9, true);
  EXPECT_EQ(installed.find(phone)->packets, 12U);
  EXPECT_EQ(installed.find(other_phone)->packets, 0U);
}

TEST(Installed, KnowsWhetherTheKernelShowedAllThatThereWas) {
  Installed installed({});
  installed.apply(change(Change::Kind::open, phone));
  installed.count({Set::rtp4, {}, phone.destination}, 0, false);
  EXPECT_FALSE(installed.find(phone)->accounted) << "the element had expired";
  installed.count({Set::rtp4, {}, phone.destination}, 0, true);
  EXPECT_TRUE(installed.find(phone)->accounted);
  installed.apply(change(Change::Kind::bind, phone, {address("203.0.113.5")}));
  EXPECT_FALSE(installed.find(phone)->accounted) << "of its new elements nothing is known yet";
}

TEST(Installed, TakesWhatItDoesNotKnow) {
  Installed installed({});
  installed.apply(change(Change::Kind::refresh, phone));
  installed.apply(change(Change::Kind::close, phone));
  EXPECT_EQ(installed.size(), 0U);
  installed.apply(change(Change::Kind::bind, phone, {address("203.0.113.5")}));
  EXPECT_EQ(installed.size(), 1U);
}

TEST(Installed, KnowsWhichElementsAreWanted) {
  Installed installed({});
  const ElementKey to_anybody{Set::rtp4, {}, phone.destination};
  const ElementKey to_one{Set::rtp4_from, address("203.0.113.5"), phone.destination};
  EXPECT_FALSE(installed.holds(to_anybody));
  installed.apply(change(Change::Kind::open, phone));
  EXPECT_TRUE(installed.holds(to_anybody));
  EXPECT_FALSE(installed.holds(to_one));
  installed.apply(change(Change::Kind::bind, phone, {address("203.0.113.5"), address("203.0.113.7")}));
  EXPECT_FALSE(installed.holds(to_anybody));
  EXPECT_TRUE(installed.holds(to_one));
  EXPECT_FALSE(installed.holds({Set::rtp4_from, address("203.0.113.6"), phone.destination}));
}

TEST(Installed, CountsAreLostWithElementsThatShowedNone) {
  Installed installed({});
  installed.apply(change(Change::Kind::open, phone));
  installed.count_removed({Set::rtp4, std::nullopt, phone.destination}, 9);
  installed.find(phone)->note_missing(1);
  EXPECT_EQ(installed.find(phone)->packets, 9U);
  EXPECT_FALSE(installed.find(phone)->lost);
  installed.note_absent(phone);
  installed.find(phone)->note_missing(1);
  EXPECT_FALSE(installed.find(phone)->lost) << "it was never there";
  installed.find(phone)->note_missing(1);
  EXPECT_TRUE(installed.find(phone)->lost);
}

TEST(PinholeOf, IsTheSameForEveryElementOfAPinhole) {
  for (const base::Protocol protocol : {base::Protocol::udp, base::Protocol::tcp}) {
    for (const std::string_view text : {"192.0.2.10", "2001:db8::10"}) {
      const Key key{protocol, {address(text), 4000}};
      for (const ElementKey& element : element_keys(key, {})) EXPECT_EQ(pinhole_of(element), key);
      for (const ElementKey& element : element_keys(key, {key.destination.address}))
        EXPECT_EQ(pinhole_of(element), key);
    }
  }
}

// Measured with nft/dpinholer.nft: of 1000 packets 1015 are counted.
TEST(Passed, TakesOutWhatIsCountedTwice) {
  EXPECT_EQ(passed(0), 0U);
  EXPECT_EQ(passed(1), 1U);
  EXPECT_EQ(passed(65), 64U);
  EXPECT_EQ(passed(1015), 1000U);
}

}  // namespace
}  // namespace dpinholer::pinhole
