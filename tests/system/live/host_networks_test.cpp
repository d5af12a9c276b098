// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/host_networks.h"

#include <algorithm>
#include <memory>

#include "system/live/topology.h"

namespace dpinholer::system {
namespace {

using base::Interface;

base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

class HostNetworksTest : public live::LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    net = std::make_unique<live::Topology>();
    net->gateway.inside([&] { networks = std::make_unique<HostNetworks>(); });
    outside = interface("out0");
    inside = interface("in0");
  }

  Interface interface(const std::string& name) const {
    const std::string shown = net->gateway.run("ip -o link show dev " + name);
    return Interface{static_cast<std::uint32_t>(std::stoul(shown))};
  }
  void run(const std::string& command) const { net->gateway.run(command); }
  std::vector<Interface> ways_to(std::string_view where) {
    networks->update();
    return networks->ways_to(address(where), inside);
  }
  bool is_own(std::string_view which) {
    networks->update();
    return networks->is_own(address(which));
  }

  std::unique_ptr<live::Topology> net;
  std::unique_ptr<HostNetworks> networks;
  Interface outside{};
  Interface inside{};
  const std::vector<Interface> none;
};

TEST_F(HostNetworksTest, OwnAddressesAreThoseOfAllInterfaces) {
  for (const char* own : {"127.0.0.1", "192.0.2.1", "203.0.113.1", "::1", "2001:db8::1", "2001:db8:1::1"})
    EXPECT_TRUE(is_own(own)) << own;
  for (const char* other : {"192.0.2.10", "203.0.113.5", "2001:db8::10", "192.0.2.255"})
    EXPECT_FALSE(is_own(other)) << other;
}

TEST_F(HostNetworksTest, AnAddressCountsFromWhenItIsThereUntilItIsGone) {
  EXPECT_FALSE(is_own("192.0.2.99"));
  EXPECT_FALSE(is_own("2001:db8::99"));
  run("ip address add 192.0.2.99/24 dev in0; ip address add 2001:db8::99/64 dev in0 nodad");
  EXPECT_TRUE(is_own("192.0.2.99"));
  EXPECT_TRUE(is_own("2001:db8::99"));
  run("ip address del 192.0.2.99/24 dev in0; ip address del 2001:db8::99/64 dev in0");
  EXPECT_FALSE(is_own("192.0.2.99"));
  EXPECT_FALSE(is_own("2001:db8::99"));
}

TEST_F(HostNetworksTest, AnAddressIsThatOfTheInterfacesThatHaveIt) {
  EXPECT_EQ(networks->owners(address("203.0.113.1")), std::vector{outside});
  EXPECT_EQ(networks->owners(address("2001:db8::1")), std::vector{inside});
  EXPECT_EQ(networks->owners(address("192.0.2.10")), none);
  run("ip address add 203.0.113.1/32 dev in0");
  networks->update();
  auto owners = networks->owners(address("203.0.113.1"));
  std::sort(owners.begin(), owners.end());
  std::vector both{outside, inside};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(owners, both);
}

TEST_F(HostNetworksTest, AnInterfaceHasTheAddressesThatItHasNow) {
  auto of = [&](const std::string& name) {
    networks->update();
    std::vector<std::string> texts;
    for (const auto& one : networks->addresses_of(name)) {
      if (!one.is_link_local()) texts.push_back(one.to_string());
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(of("out0"), (Texts{"203.0.113.1", "2001:db8:1::1"}));
  EXPECT_EQ(of("ppp0"), Texts());
  run("ip address del 203.0.113.1/24 dev out0; ip address add 203.0.113.9/24 dev out0");
  EXPECT_EQ(of("out0"), (Texts{"203.0.113.9", "2001:db8:1::1"}));
  run("ip link add ppp0 type bridge");
  EXPECT_EQ(of("ppp0"), Texts());
  run("ip address add 198.51.100.7 peer 198.51.100.1 dev ppp0");
  EXPECT_EQ(of("ppp0"), Texts{"198.51.100.7"});
  run("ip link del ppp0");
  EXPECT_EQ(of("ppp0"), Texts());
}

TEST_F(HostNetworksTest, OfALinkWithTwoEndsTheNearOneIsOwn) {
  run("ip address add 192.0.2.98 peer 192.0.2.97 dev in0");
  EXPECT_TRUE(is_own("192.0.2.98"));
  EXPECT_FALSE(is_own("192.0.2.97"));
}

TEST_F(HostNetworksTest, WaysAreThoseOfTheRoutes) {
  EXPECT_EQ(ways_to("192.0.2.10"), std::vector{inside});
  EXPECT_EQ(ways_to("203.0.113.5"), std::vector{outside});
  EXPECT_EQ(ways_to("2001:db8::10"), std::vector{inside});
  EXPECT_EQ(ways_to("2001:db8:1::5"), std::vector{outside});
  EXPECT_EQ(ways_to("192.0.2.1"), std::vector{Interface::host});
  EXPECT_EQ(ways_to("2001:db8::1"), std::vector{Interface::host});
  EXPECT_EQ(ways_to("192.0.2.255"), none) << "broadcast";
  EXPECT_EQ(ways_to("198.51.100.1"), none) << "no route";
  EXPECT_EQ(ways_to("2001:db8:9::1"), none) << "no route";
}

TEST_F(HostNetworksTest, ARouteCountsFromWhenItIsThereUntilItIsGone) {
  for (const char* where : {"198.51.100.1", "2001:db8:9::1"}) {
    const std::string ip = address(where).family() == base::Family::ipv4 ? "ip " : "ip -6 ";
    const std::string via = ip == "ip " ? " via 203.0.113.5" : " via 2001:db8:1::5";
    EXPECT_EQ(ways_to(where), none);
    run(ip + "route add " + where + via);
    EXPECT_EQ(ways_to(where), std::vector{outside}) << where;
    run(ip + "route replace " + where + " dev in0");
    EXPECT_EQ(ways_to(where), std::vector{inside}) << where;
    run(ip + "route del " + where);
    EXPECT_EQ(ways_to(where), none) << where;
    for (const char* type : {"unreachable", "blackhole", "prohibit", "throw"}) {
      run(ip + "route add " + type + " " + where);
      EXPECT_EQ(ways_to(where), none) << type << " " << where;
      run(ip + "route del " + type + " " + where);
    }
  }
}

TEST_F(HostNetworksTest, ARouteWithSeveralWaysHasThemAll) {
  run("ip route add 198.51.100.0/24 nexthop via 203.0.113.5 nexthop via 192.0.2.10");
  EXPECT_EQ(ways_to("198.51.100.1"), (std::vector{outside, inside}));
  run("ip -6 route add 2001:db8:9::/48 nexthop via 2001:db8:1::5 nexthop via 2001:db8::10");
  auto ways = ways_to("2001:db8:9::1");
  std::sort(ways.begin(), ways.end());
  std::vector both{outside, inside};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(ways, both);
}

TEST_F(HostNetworksTest, RulesCount) {
  run("ip route add 198.51.100.0/24 via 203.0.113.5; ip route add 198.51.100.0/24 via 192.0.2.10 table 7");
  EXPECT_EQ(ways_to("198.51.100.1"), std::vector{outside});
  run("ip rule add to 198.51.100.0/25 table 7");
  EXPECT_EQ(ways_to("198.51.100.1"), std::vector{inside});
  EXPECT_EQ(ways_to("198.51.100.200"), std::vector{outside});
  run("ip rule del to 198.51.100.0/25 table 7");
  EXPECT_EQ(ways_to("198.51.100.1"), std::vector{outside});
}

TEST_F(HostNetworksTest, ALinkThatGoesDownTakesItsRoutesAlong) {
  EXPECT_EQ(ways_to("192.0.2.10"), std::vector{inside});
  run("ip link set in0 down");
  EXPECT_EQ(ways_to("192.0.2.10"), none);
  EXPECT_EQ(ways_to("2001:db8::10"), none);
}

TEST_F(HostNetworksTest, InterfacesHaveTheNameThatTheyHaveNow) {
  EXPECT_EQ(networks->name(inside), "in0");
  EXPECT_EQ(networks->name(Interface::host), "lo");
  EXPECT_EQ(networks->name(Interface{12345}), "");
  EXPECT_EQ(networks->name(Interface::unknown), "");
  run("ip link set in0 down; ip link set in0 name lan");
  networks->update();
  EXPECT_EQ(networks->name(inside), "lan");
}

// More than the socket's buffer holds: the kernel says only that something was lost.
TEST_F(HostNetworksTest, ChangesThatWereLostCountToo) {
  EXPECT_EQ(ways_to("198.51.100.1"), none);
  EXPECT_FALSE(is_own("192.0.2.99"));
  run("for i in $(seq 0 9); do for j in $(seq 1 250); do echo address add 10.1.$i.$j/32 dev in0; done; done "
      "| "
      "ip -batch -");
  run("ip address add 192.0.2.99/24 dev in0; ip route add 198.51.100.1 via 203.0.113.5");
  EXPECT_TRUE(is_own("192.0.2.99"));
  EXPECT_TRUE(is_own("10.1.9.250"));
  EXPECT_EQ(ways_to("198.51.100.1"), std::vector{outside});
}

}  // namespace
}  // namespace dpinholer::system
