// SPDX-License-Identifier: GPL-2.0-or-later
// The pinholes that the pipeline wants, and those that the guard, which reads no SIP, lets through.
#include <gtest/gtest.h>

#include "ip/packet.h"
#include "pinhole/guard.h"
#include "pipeline/scenario.h"
#include "support/host.h"

namespace dpinholer::test {
namespace {

constexpr base::Interface outside{2};
constexpr base::Interface inside{3};

// The way of a packet through gatekeeper and inspector.
class Guarded {
 public:
  explicit Guarded(PipelineSettings settings)
      : pipeline_(settings, &host_), guard_(pinhole::GuardSettings{}, &host_, {}) {
    host_.own = {base::Address::parse("192.0.2.1").value()};
    host_.names = {{outside, "eth0"}, {inside, "eth1"}};
    host_.route("192.0.2.0/24", {inside});
    host_.route("0.0.0.0/0", {outside});
  }

  // The causes of refusals, then the number of open pinholes.
  std::string send(const Host& from, const Host& to, const Sip& message) {
    const auto packet = udp_packet(from, to, to_text(message));
    heard(packet, from);
    Outcome outcome;
    const Reading reading =
        pipeline_.process(packet, base::TimePoint{base::seconds{0}}, outcome, arrival(from));
    if (reading.of_a_call) {
      guard_.keep(*ip::source_address(packet));
      guard_.keep(*ip::destination_address(packet));
    }
    std::string text;
    for (const auto& refusal : guard_.judge(outcome.changes)) text += std::string(name(refusal.cause)) + " ";
    for (const auto& refusal : outcome.refusals) text += std::string(name(refusal.cause)) + " ";
    return text + std::to_string(guard_.open());
  }

  // Sources of UDP datagrams cost nothing.
  void flood(std::uint32_t sources) {
    for (std::uint32_t i = 0; i < sources; ++i) {
      const std::string from = std::to_string(20 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                               std::to_string(i % 256) + ".9";
      heard(udp_packet(Host{from}, Host{"192.0.2.10"}, "x"), Host{from});
    }
  }

 private:
  static base::Interface arrival(const Host& from) {
    return from.address.rfind("192.0.2.", 0) == 0 ? inside : outside;
  }
  void heard(const std::vector<std::uint8_t>& packet, const Host& from) {
    guard_.heard(*ip::source_address(packet), arrival(from), packet.size());
  }

  FakeHost host_;
  Pipeline pipeline_;
  pinhole::Guard guard_;
};

TEST(Guarded, A29_ForgedSourcesWhileAPhoneRings) {
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  const std::string alices = sdp({"192.0.2.10|audio 30000 RTP/AVP 0"});
  const std::string bobs = sdp({"203.0.113.5|audio 40000 RTP/AVP 0"});
  for (const bool closed : {true, false}) {
    for (const bool caller_is_inside : {true, false}) {
      const Host& caller = caller_is_inside ? alice : bob;
      const Host& callee = caller_is_inside ? bob : alice;
      PipelineSettings settings;
      settings.negotiation.open_before_answer = !closed;
      Guarded gateway(settings);
      gateway.send(caller, callee, {.start = "INVITE", .body = caller_is_inside ? alices : bobs});
      EXPECT_EQ(gateway.send(callee, caller, {.start = "180 INVITE", .to_tag = "b"}), closed ? "0" : "2");
      gateway.flood(132'000);
      EXPECT_EQ(
          gateway.send(callee, caller,
                       {.start = "200 INVITE", .to_tag = "b", .body = caller_is_inside ? bobs : alices}),
          "4");
      // Nor does a call that is up forget its parties.
      gateway.flood(132'000);
      Sip again{.start = "INVITE", .to_tag = "b", .branch = "z9hG4bK2", .cseq = 2};
      again.body =
          sdp({caller_is_inside ? "192.0.2.10|audio 30010 RTP/AVP 0" : "203.0.113.5|audio 40010 RTP/AVP 0"});
      gateway.send(caller, callee, again);
      gateway.flood(132'000);
      again.start = "200 INVITE";
      again.body = caller_is_inside ? bobs : alices;
      EXPECT_EQ(gateway.send(callee, caller, again), "4");
    }
  }
}

TEST(Guarded, A29_AStrangerInACallIsNoDearer) {
  // Sources forged with the Call-ID of a call are none of its parties.
  const Host alice{"192.0.2.10"};
  const Host bob{"203.0.113.5"};
  Pipeline pipeline(PipelineSettings{});
  Outcome outcome;
  auto of_a_call = [&](const Host& from, const Host& to, const Sip& sip) {
    return pipeline.process(udp_packet(from, to, to_text(sip)), base::TimePoint{base::seconds{0}}, outcome)
        .of_a_call;
  };
  EXPECT_FALSE(of_a_call(alice, bob, {.start = "INVITE"})) << "nobody has said anything yet";
  EXPECT_TRUE(of_a_call(bob, alice, {.start = "180 INVITE", .to_tag = "b"}));
  EXPECT_FALSE(
      of_a_call(Host{"198.51.100.66"}, bob, {.start = "UPDATE", .to_tag = "b", .branch = "z9hG4bKm"}));
  EXPECT_FALSE(of_a_call(Host{"198.51.100.66"}, bob, {.start = "INVITE", .branch = "z9hG4bKm"}));
  EXPECT_TRUE(of_a_call(alice, bob, {.start = "OPTIONS", .to_tag = "b", .branch = "z9hG4bK2"}));
  EXPECT_FALSE(of_a_call(alice, bob, {.start = "OPTIONS", .call_id = "other"}));
}

}  // namespace
}  // namespace dpinholer::test
