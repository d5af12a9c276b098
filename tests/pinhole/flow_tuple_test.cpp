// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/flow_tuple.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace dpinholer::pinhole {
namespace {

Change closed(std::string_view address, std::uint16_t port, std::vector<std::string_view> from = {},
              Component component = Component::rtp, std::string call_id = "a", std::string media = "audio") {
  Change change;
  change.kind = Change::Kind::close;
  change.key = {base::Protocol::udp, {base::Address::parse(address).value(), port}};
  for (std::string_view source : from) change.from.push_back(base::Address::parse(source).value());
  change.label = {std::move(call_id), std::move(media), component};
  return change;
}

std::string transcript(const std::vector<Change>& changes) {
  std::string text;
  for (const auto& flow : likely_flows(changes)) {
    text += to_string(flow.source) + " > " + to_string(flow.destination) + "\n";
  }
  return text;
}

TEST(LikelyFlows, PairTheTwoEndsOfAStream) {
  EXPECT_EQ(
      transcript({closed("192.0.2.1", 4000, {"203.0.113.5"}), closed("203.0.113.5", 5000, {"192.0.2.1"}),
                  closed("192.0.2.1", 4001, {"203.0.113.5"}, Component::rtcp),
                  closed("203.0.113.5", 5001, {"192.0.2.1"}, Component::rtcp)}),
      "192.0.2.1:4000 > 203.0.113.5:5000\n"
      "192.0.2.1:4001 > 203.0.113.5:5001\n"
      "203.0.113.5:5000 > 192.0.2.1:4000\n"
      "203.0.113.5:5001 > 192.0.2.1:4001\n");
}

TEST(LikelyFlows, PairPinholesOpenToAnySource) {
  EXPECT_EQ(transcript({closed("2001:db8::1", 4000), closed("2001:db8:1::5", 5000)}),
            "[2001:db8::1]:4000 > [2001:db8:1::5]:5000\n"
            "[2001:db8:1::5]:5000 > [2001:db8::1]:4000\n");
}

TEST(LikelyFlows, PairNothingElse) {
  const Change phone = closed("192.0.2.1", 4000, {"203.0.113.5"});
  EXPECT_EQ(transcript({phone}), "") << "alone";
  EXPECT_EQ(transcript({phone, phone}), "") << "with itself";
  EXPECT_EQ(transcript({phone, closed("203.0.113.6", 5000)}), "") << "with an address that may not send";
  EXPECT_EQ(transcript({phone, closed("203.0.113.5", 5000, {"192.0.2.9"})}), "") << "that it may not send to";
  EXPECT_EQ(transcript({phone, closed("203.0.113.5", 5000, {}, Component::rtcp)}), "") << "another component";
  EXPECT_EQ(transcript({phone, closed("203.0.113.5", 5000, {}, Component::rtp, "b")}), "") << "another call";
  EXPECT_EQ(transcript({phone, closed("203.0.113.5", 5000, {}, Component::rtp, "a", "video")}), "")
      << "other media";
  EXPECT_EQ(transcript({closed("192.0.2.1", 4000), closed("2001:db8::1", 4000)}), "") << "the other family";
  Change opened = closed("203.0.113.5", 5000);
  opened.kind = Change::Kind::open;
  EXPECT_EQ(transcript({phone, opened}), "") << "what did not close";
}

TEST(LikelyFlows, AreBoundedForEachPinhole) {
  std::vector<Change> changes;
  for (std::uint16_t port = 1024; port < 1024 + 64; ++port) {
    changes.push_back(closed("192.0.2.1", port));
    changes.push_back(closed("203.0.113.5", port));
  }
  EXPECT_LE(likely_flows(changes).size(), changes.size() * base::limits::tuples_per_close);
  EXPECT_GE(likely_flows(changes).size(), changes.size());
}

}  // namespace
}  // namespace dpinholer::pinhole
