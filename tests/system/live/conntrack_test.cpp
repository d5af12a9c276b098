// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/conntrack.h"

#include <algorithm>

#include "system/conntrack_sweeper.h"
#include "system/live/sockets.h"
#include "system/live/topology.h"

namespace dpinholer::system {
namespace {

using live::endpoint;
using live::UdpSocket;
using pinhole::FlowTuple;
using pinhole::Key;

FlowTuple flow(std::string_view from, std::string_view to) {
  return {base::Protocol::udp, endpoint(from), endpoint(to)};
}
Key udp(std::string_view to) {
  return {base::Protocol::udp, endpoint(to)};
}

std::vector<Closing> closings(const std::vector<Key>& keys) {
  std::vector<Closing> all;
  for (const Key& key : keys) all.push_back({key, {}});
  return all;
}

class ConntrackTest : public live::LiveTest {
 protected:
  void SetUp() override {
    live::LiveTest::SetUp();
    if (IsSkipped()) return;
    net_.emplace();
    // A rule that looks at the state turns tracking on.
    live::load(net_->gateway,
               "table inet t { chain f { type filter hook forward priority 0; ct state invalid drop; }; }");
    net_->gateway.inside([&] { table_.emplace(); });
  }

  // One datagram from an endpoint of one host to one of the other, and its way through the gateway seen.
  void talk(const live::Namespace& from_host, std::string_view from, std::string_view to) {
    const std::size_t before = entries();
    from_host.inside([&] { UdpSocket(from).send(to, "media"); });
    ASSERT_TRUE(live::eventually([&] { return entries() > before; })) << from << " > " << to;
  }
  void talk(std::string_view from, std::string_view to) { talk(net_->outside, from, to); }
  // One line for each UDP entry of the gateway.
  std::string list() {
    return net_->gateway.run("for family in ipv4 ipv6; do conntrack -L -f $family -p udp 2>/dev/null; done");
  }
  std::size_t entries() {
    const std::string text = list();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  std::size_t forget(std::vector<FlowTuple> flows) { return table_->forget_flows(flows).value(); }
  std::size_t forget(std::vector<Key> keys) { return table_->forget(closings(keys)).value(); }

  std::optional<live::Topology> net_;
  std::optional<Conntrack> table_;
};

TEST_F(ConntrackTest, ForgetsAFlowByEitherDirection) {
  for (const auto& [out, in] : {std::pair{"203.0.113.5:5000", "192.0.2.10:4000"},
                                std::pair{"[2001:db8:1::5]:5000", "[2001:db8::10]:4000"}}) {
    talk(out, in);
    EXPECT_EQ(forget({flow(out, in)}), 1U);
    EXPECT_EQ(entries(), 0U);
    talk(out, in);
    EXPECT_EQ(forget({flow(in, out)}), 1U);
    EXPECT_EQ(entries(), 0U);
  }
}

TEST_F(ConntrackTest, ForgetsNoOtherFlow) {
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  talk("203.0.113.5:5002", "192.0.2.10:4000");
  EXPECT_EQ(forget({flow("203.0.113.5:5004", "192.0.2.10:4000")}), 0U);
  EXPECT_EQ(entries(), 2U) << list();
  EXPECT_EQ(forget({flow("203.0.113.5:5000", "192.0.2.10:4000")}), 1U);
  EXPECT_NE(list().find("sport=5002"), std::string::npos);
}

TEST_F(ConntrackTest, ForgetsAFlowOnlyOnceAndWithoutComplaint) {
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  const FlowTuple it = flow("203.0.113.5:5000", "192.0.2.10:4000");
  EXPECT_EQ(forget({it, it, flow("192.0.2.10:4000", "203.0.113.5:5000")}), 1U);
  EXPECT_EQ(forget({it}), 0U);
  EXPECT_EQ(forget(std::vector<FlowTuple>{}), 0U);
}

TEST_F(ConntrackTest, ForgetsAllFlowsToAnEndpoint) {
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  talk("203.0.113.5:5002", "192.0.2.10:4000");
  talk("203.0.113.5:5000", "192.0.2.10:4002");
  talk("[2001:db8:1::5]:5000", "[2001:db8::10]:4000");
  EXPECT_EQ(forget({udp("192.0.2.10:4000")}), 2U);
  EXPECT_EQ(entries(), 2U) << list();
  EXPECT_EQ(forget({udp("[2001:db8::10]:4000")}), 1U);
  EXPECT_EQ(forget({udp("192.0.2.10:4002"), udp("[2001:db8::10]:4000")}), 1U) << "both families in one walk";
  EXPECT_EQ(entries(), 0U);
}

TEST_F(ConntrackTest, ForgetsFlowsThatTheEndpointBegan) {
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  EXPECT_EQ(forget({udp("192.0.2.10:4000")}), 1U);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(ConntrackTest, ForgetsNoOtherProtocolOrPortOrAddress) {
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  EXPECT_EQ(forget({Key{base::Protocol::tcp, endpoint("192.0.2.10:4000")}}), 0U);
  EXPECT_EQ(forget({udp("192.0.2.10:4001"), udp("192.0.2.11:4000"), udp("203.0.113.5:4000"),
                    Key{base::Protocol::tcp, endpoint("192.0.2.10:4000")}}),
            0U);
  EXPECT_EQ(forget(std::vector<Key>{}), 0U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(ConntrackTest, ForgetsAFlowThatIsTranslatedToTheEndpoint) {
  live::load(net_->gateway,
             "table inet n { chain p { type nat hook prerouting priority dstnat;"
             " ip daddr 203.0.113.1 udp dport 6000 dnat ip to 192.0.2.10:4000; }; }");
  talk("203.0.113.5:5000", "203.0.113.1:6000");
  EXPECT_EQ(forget({udp("192.0.2.10:4000")}), 1U) << "named as after DNAT";
  talk("203.0.113.5:5000", "203.0.113.1:6000");
  EXPECT_EQ(forget({udp("203.0.113.1:6000")}), 1U) << "named as before DNAT";
  EXPECT_EQ(entries(), 0U);
}

TEST_F(ConntrackTest, ForgetsAMasqueradedFlow) {
  live::load(net_->gateway,
             "table inet n { chain p { type nat hook postrouting priority srcnat;"
             " oifname out0 udp sport 4000 snat ip to 203.0.113.1:6000; }; }");
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  EXPECT_EQ(forget({flow("203.0.113.5:5000", "192.0.2.10:4000")}), 0U) << "no packet of it looks like that";
  EXPECT_EQ(forget({flow("192.0.2.10:4000", "203.0.113.5:5000")}), 1U);
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  EXPECT_EQ(forget({udp("192.0.2.10:4000")}), 1U);
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  EXPECT_EQ(forget({udp("203.0.113.1:6000")}), 1U);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(ConntrackTest, ReadsWhatFlowsHaveCounted) {
  live::load(net_->gateway,
             "table inet n { chain p { type nat hook postrouting priority srcnat;"
             " oifname out0 udp sport 4000 snat ip to 203.0.113.1:6000; }; }");
  talk("203.0.113.5:5001", "192.0.2.10:4001");  // before anything counts
  net_->gateway.run("sysctl -q net.netfilter.nf_conntrack_acct=1");
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  talk("[2001:db8:1::5]:5002", "[2001:db8::10]:4002");
  net_->outside.inside([] { UdpSocket("203.0.113.5:5000").send("203.0.113.1:6000", "media"); });
  net_->outside.inside([] { UdpSocket("[2001:db8:1::5]:5002").send("[2001:db8::10]:4002", "media"); });

  std::vector<TrackedFlow> read;
  const auto keep = [&](const TrackedFlow& flow) { read.push_back(flow); };
  const std::vector asked{flow("203.0.113.5:5000", "203.0.113.1:6000"),
                          flow("203.0.113.9:5000", "192.0.2.10:4000")};
  EXPECT_TRUE(live::eventually([&] {
    read.clear();
    return table_->read_flows(asked, keep).has_value() && read.size() == 1 && read[0].reply_packets == 1;
  })) << "by either direction; one that is not there is none";
  EXPECT_EQ(read.at(0).original, flow("192.0.2.10:4000", "203.0.113.5:5000"));
  EXPECT_EQ(read[0].reply, flow("203.0.113.5:5000", "203.0.113.1:6000"));
  EXPECT_EQ(read[0].original_packets, 1U);
  EXPECT_TRUE(read[0].counted);

  read.clear();
  std::optional<ConntrackWalk> walk;
  net_->gateway.inside([&] { walk.emplace(); });
  ASSERT_TRUE(walk->begin());
  for (bool more = true; more;) more = walk->go_on(keep).value();
  ASSERT_EQ(read.size(), 3U) << list();
  for (const TrackedFlow& one : read) {
    EXPECT_EQ(one.counted, one.original.source.port != 5001);
    if (one.original.source.port == 5002) {
      EXPECT_EQ(one.original_packets, 2U);
    }
  }
  EXPECT_FALSE(walk->go_on(keep).value()) << "it is through";
}

TEST_F(ConntrackTest, ForgetsFlowsInAnyZone) {
  live::load(net_->gateway,
             "table inet z { chain p { type filter hook prerouting priority raw; udp dport 4000 ct zone set "
             "5; }; }");
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  EXPECT_EQ(forget({udp("192.0.2.10:4000")}), 1U);
  EXPECT_EQ(entries(), 0U);
}

// An answer binds the pinhole to the peer: whoever else came first has to go.
TEST_F(ConntrackTest, KeepsTheFlowsOfWhoMayGoOn) {
  net_->outside.run("ip addr add 203.0.113.66/24 dev eth0");
  const std::vector peer{endpoint("203.0.113.5:1").address};
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  talk("203.0.113.66:5000", "192.0.2.10:4000");
  EXPECT_EQ(table_->forget({{udp("192.0.2.10:4000"), peer}}).value(), 1U);
  EXPECT_EQ(list().find("203.0.113.66"), std::string::npos);
  table_->forget({{udp("192.0.2.10:4000"), {}}}).value();
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.5:5000");
  talk(net_->inside, "192.0.2.10:4000", "203.0.113.66:5000");
  EXPECT_EQ(table_->forget({{udp("192.0.2.10:4000"), peer}}).value(), 1U) << "begun from inside";
  EXPECT_EQ(list().find("203.0.113.66"), std::string::npos);
  EXPECT_EQ(table_->forget({{udp("192.0.2.10:4000"), peer}, {udp("192.0.2.10:4000"), {}}}).value(), 1U)
      << "bound first, closed then";
}

TEST_F(ConntrackTest, ForgetsManyAmongMany) {
  constexpr std::uint16_t count = 2000;
  std::vector<Key> keys;
  net_->outside.inside([&] {
    const UdpSocket sender("203.0.113.5:5000");
    for (std::uint16_t port = 10000; port < 10000 + count; ++port) {
      const std::string to = "192.0.2.10:" + std::to_string(port);
      sender.send(to, "media");
      if (port % 2 == 0) keys.push_back(udp(to));
    }
  });
  ASSERT_TRUE(live::eventually([&] { return entries() == count; }));
  EXPECT_EQ(forget(keys), keys.size());
  EXPECT_EQ(entries(), count - keys.size());
}

TEST_F(ConntrackTest, SweeperForgetsInTheBackground) {
  std::optional<ConntrackSweeper> sweeper;
  net_->gateway.inside([&] { sweeper.emplace(); });
  EXPECT_TRUE(sweeper->report().idle);
  for (int port = 4000; port < 4010; ++port) talk("203.0.113.5:5000", "192.0.2.10:" + std::to_string(port));
  for (int port = 4000; port < 4009; ++port) {
    sweeper->forget(closings({udp("192.0.2.10:" + std::to_string(port))}), {});
  }
  ASSERT_TRUE(live::eventually([&] { return sweeper->report().idle; }));
  EXPECT_EQ(sweeper->report().deleted, 9U);
  EXPECT_EQ(sweeper->report().failed, 0U);
  EXPECT_LE(sweeper->report().walks, 9U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(ConntrackTest, SweeperForgetsNamedFlowsWithoutAWalk) {
  std::optional<ConntrackSweeper> sweeper;
  net_->gateway.inside([&] { sweeper.emplace(); });
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  talk("[2001:db8:1::5]:5000", "[2001:db8::10]:4000");
  sweeper->forget({}, std::vector{flow("203.0.113.5:5000", "192.0.2.10:4000"),
                                  flow("[2001:db8::10]:4000", "[2001:db8:1::5]:5000")});
  ASSERT_TRUE(live::eventually([&] { return sweeper->report().idle; }));
  EXPECT_EQ(sweeper->report().deleted, 2U);
  EXPECT_EQ(sweeper->report().walks, 0U);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(ConntrackTest, SweeperFinishesBeforeItEnds) {
  talk("203.0.113.5:5000", "192.0.2.10:4000");
  net_->gateway.inside([&] {
    ConntrackSweeper sweeper;
    sweeper.forget(closings({udp("192.0.2.10:4000")}), {});
  });
  EXPECT_EQ(entries(), 0U);
}

}  // namespace
}  // namespace dpinholer::system
