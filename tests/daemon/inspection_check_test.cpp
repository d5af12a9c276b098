// SPDX-License-Identifier: GPL-2.0-or-later
// An inspector's answers about the packets that it was given.
#include "inspection_check.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "inspection_codec.h"
#include "inspector.h"
#include "pipeline/scenario.h"
#include "support/sdp.h"

namespace dpinholer {
namespace {

namespace limits = base::limits;
using test::Host;

const Host caller{"203.0.113.5"};
const Host callee{"192.0.2.10"};

base::Endpoint endpoint(const Host& host) {
  return {base::Address::parse(host.address).value(), host.port};
}

class InspectionCheck : public testing::Test {
 protected:
  InspectionCheck() : packet_(test::udp_packet(caller, callee, "hello")) {
    batch_.packets.push_back({packet_, base::Interface{2}});
    batch_.close.push_back("call");
    findings_.packets.push_back(
        {{Reading::Kind::other, base::Protocol::udp, endpoint(caller), endpoint(callee)}, false});
  }

  bool with(auto change) const {
    Findings changed = findings_;
    change(changed);
    return answers(changed, batch_);
  }

  std::vector<std::uint8_t> packet_;
  Batch batch_;
  Findings findings_;
};

TEST_F(InspectionCheck, A23_AFlowIsTheOneOfItsPacket) {
  EXPECT_TRUE(with([](Findings&) {}));
  EXPECT_TRUE(with([](Findings& f) { f.packets[0].reading = {}; }));
  EXPECT_FALSE(with([](Findings& f) { f.packets[0].reading.source = endpoint(callee); }));
  EXPECT_FALSE(with([](Findings& f) { ++f.packets[0].reading.destination.port; }));
  EXPECT_FALSE(with([](Findings& f) { f.packets[0].reading.protocol = base::Protocol::tcp; }));
}

TEST_F(InspectionCheck, A23_AConnectionIsOneOfThePackets) {
  const Connection connection{{endpoint(caller), endpoint(callee), 1, 1}, false};
  EXPECT_TRUE(with([&](Findings& f) { f.connections.push_back({1, std::nullopt}); }));
  EXPECT_FALSE(with([&](Findings& f) { f.connections.push_back({1, connection}); }));
  batch_.connections.push_back(connection);
  EXPECT_TRUE(with([&](Findings& f) { f.connections.push_back({1, connection}); }));
}

TEST_F(InspectionCheck, A26_NoMoreThanWasGiven) {
  EXPECT_FALSE(with([](Findings& f) { f.packets.clear(); }));
  EXPECT_FALSE(with([](Findings& f) { f.packets.resize(2); }));
  EXPECT_TRUE(with([](Findings& f) { f.closed = 1; }));
  EXPECT_FALSE(with([](Findings& f) { f.closed = 2; }));
  Counters less;
  Counters more;
  ++more.messages.back().back();
  EXPECT_TRUE(goes_on(more, less));
  EXPECT_TRUE(goes_on(less, less));
  EXPECT_FALSE(goes_on(less, more));
}

struct NoQuestions : Questions {
  std::vector<base::Interface> owners(const base::Address&) override { return {}; }
  std::vector<base::Interface> ways_to(const base::Address&, base::Interface arrival) override {
    return {arrival};
  }
  std::string name(base::Interface) override { return ""; }
  pinhole::Sources has_media(const pinhole::Senders&) override { return {}; }
};

// Each asks for as many pinholes as it may. All are read, in several answers, none of which is too large.
TEST(InspectorAnswers, A26_AFloodOfTheLargestOffersIsReadInPieces) {
  Inspector inspector{PipelineSettings{}};
  inspector.start({});
  NoQuestions questions;
  std::vector<std::vector<std::uint8_t>> packets;
  for (int i = 0; i < 300; ++i) {
    const std::string address = "192.0.2." + std::to_string(i % 250 + 1);
    packets.push_back(test::udp_packet(
        {address}, caller,
        test::to_text({.start = "INVITE",
                       .call_id = std::to_string(i),
                       .body = test::sdp({address + "|audio " + std::to_string(2000 + 256 * (i / 250)) +
                                          "/128 RTP/AVP 0"})})));
  }
  std::size_t read = 0;
  std::size_t opened = 0;
  int answered = 0;
  while (read < packets.size()) {
    Batch batch;
    for (std::size_t i = read; i < packets.size(); ++i)
      batch.packets.push_back({packets[i], base::Interface{3}});
    const auto findings = inspector.inspect(batch, questions);
    ASSERT_TRUE(answers(*findings, batch));
    codec::Buffer frame;
    codec::encode(*findings, frame);
    ASSERT_LE(frame.size(), limits::inspection_octets);
    ASSERT_TRUE(codec::decode_findings(frame));
    read += findings->packets.size();
    opened += findings->outcome.changes.size();
    ++answered;
  }
  EXPECT_GT(answered, 1);
  EXPECT_EQ(opened, packets.size() * 256);
}

}  // namespace
}  // namespace dpinholer
