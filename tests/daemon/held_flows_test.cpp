// SPDX-License-Identifier: GPL-2.0-or-later
#include "held_flows.h"

#include <gtest/gtest.h>

namespace dpinholer {
namespace {

Reading packet(std::string_view from, std::string_view to, Reading::Kind kind = Reading::Kind::sip) {
  return {kind,
          base::Protocol::udp,
          {base::Address::parse(from).value(), 5060},
          {base::Address::parse(to).value(), 5060}};
}

const Reading a_to_b = packet("192.0.2.1", "203.0.113.1");
const Reading b_to_a = packet("203.0.113.1", "192.0.2.1");
const Reading c_to_b = packet("192.0.2.3", "203.0.113.1");
const Reading fragment{Reading::Kind::fragment, {}, {}, {}};
const Reading unreadable{};

TEST(HeldFlows, HoldWhatChangesSomethingAndNothingElse) {
  HeldFlows held;
  EXPECT_FALSE(held.holds(a_to_b, false));
  EXPECT_TRUE(held.holds(a_to_b, true));
  EXPECT_FALSE(held.holds(c_to_b, false));
  EXPECT_FALSE(held.holds(b_to_a, false)) << "the other direction is another flow";
}

TEST(HeldFlows, LetNothingOvertakeInItsFlow) {
  HeldFlows held;
  EXPECT_FALSE(held.holds(a_to_b, false)) << "what came before is on its way";
  EXPECT_TRUE(held.holds(a_to_b, true));
  EXPECT_TRUE(held.holds(a_to_b, false));
  Reading tcp = a_to_b;
  tcp.protocol = base::Protocol::tcp;
  EXPECT_FALSE(held.holds(tcp, false));
  Reading other_port = a_to_b;
  other_port.source.port = 5062;
  EXPECT_FALSE(held.holds(other_port, false));
}

TEST(HeldFlows, TakeAPacketOfUnknownFlowForOneOfAny) {
  for (const Reading& unknown : {fragment, unreadable}) {
    HeldFlows held;
    EXPECT_FALSE(held.holds(unknown, false));
    EXPECT_TRUE(held.holds(a_to_b, true));
    EXPECT_TRUE(held.holds(unknown, false));
    EXPECT_TRUE(held.holds(c_to_b, false));
  }
}

TEST(HeldFlows, HoldWhatFollowsABatchThatStillWaits) {
  HeldFlows held;
  EXPECT_TRUE(held.holds(a_to_b, true));
  held.end_batch();
  EXPECT_TRUE(held.holds(a_to_b, false)) << "its flow waits";
  EXPECT_FALSE(held.holds(c_to_b, false));
  EXPECT_TRUE(held.holds(fragment, false)) << "may be of the flow that waits";
  held.end_batch();
  held.let_go();
  EXPECT_TRUE(held.holds(c_to_b, false)) << "the fragment still waits";
  held.end_batch();
  held.let_go();
  held.let_go();
  EXPECT_FALSE(held.holds(a_to_b, false));
  EXPECT_FALSE(held.holds(c_to_b, false));
}

TEST(HeldFlows, StartAnewWithTheNextBatch) {
  HeldFlows held;
  EXPECT_TRUE(held.holds(a_to_b, true));
  EXPECT_TRUE(held.holds(fragment, false));
  held.end_batch();
  held.let_go();
  EXPECT_FALSE(held.holds(a_to_b, false));
  EXPECT_FALSE(held.holds(fragment, false));
}

}  // namespace
}  // namespace dpinholer
