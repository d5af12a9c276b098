// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/address.h"

#include <gtest/gtest.h>

namespace dpinholer::base {
namespace {

TEST(Address, ReadsOnlyFormsThatNoTwoReadersCanDisagreeAbout) {
  const char* good[] = {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1"};
  for (const char* text : good) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  // Attack A16: octal, hexadecimal, one number, trailing dot, leading zeros, zone ids, brackets, blanks.
  const char* bad[] = {"",           "1",           "192.0.2",       "192.0.2.1.",  "192.0.2.256", "0300.0.2.1",
                       "192.0.02.1", "0xc0.0.2.1",  "3221225985",    "192.0.2.1 ",  " 192.0.2.1",  "+1.2.3.4",
                       "1..2.3",     "fe80::1%lo",  "[2001:db8::1]", "2001:db8:::1", "12345::",    "::ffff:192.0.2.300",
                       "1.2.3.4.5",  "1.2.3.-4",    "192.0.2.1/24"};
  for (const char* text : bad) EXPECT_FALSE(Address::parse(text)) << text;
  EXPECT_FALSE(Address::parse(std::string_view("::1\0", 4)));
}

TEST(Address, KnowsItsClass) {
  auto is = [](bool (Address::*predicate)() const, const char* text) { return (Address::parse(text).value().*predicate)(); };
  EXPECT_TRUE(is(&Address::is_unspecified, "0.0.0.0"));
  EXPECT_TRUE(is(&Address::is_unspecified, "::"));
  EXPECT_TRUE(is(&Address::is_loopback, "127.255.0.1"));
  EXPECT_TRUE(is(&Address::is_loopback, "::1"));
  EXPECT_FALSE(is(&Address::is_loopback, "128.0.0.1"));
  for (const char* inside : {"10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                             "100.64.0.1", "100.127.255.255", "fc00::1", "fdff::1"}) {
    EXPECT_TRUE(is(&Address::is_private, inside)) << inside;
  }
  for (const char* outside :
       {"9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "100.128.0.1",
        "203.0.113.1", "fbff::1", "fe80::1", "2001:db8::1"}) {
    EXPECT_FALSE(is(&Address::is_private, outside)) << outside;
  }
  EXPECT_TRUE(is(&Address::is_link_local, "169.254.1.1"));
  EXPECT_TRUE(is(&Address::is_link_local, "febf::1"));
  EXPECT_FALSE(is(&Address::is_link_local, "fec0::1"));
  EXPECT_TRUE(is(&Address::is_multicast, "239.1.1.1"));
  EXPECT_TRUE(is(&Address::is_multicast, "ff02::1"));
  EXPECT_FALSE(is(&Address::is_multicast, "240.0.0.1"));
  EXPECT_TRUE(is(&Address::is_broadcast, "255.255.255.255"));
  EXPECT_TRUE(is(&Address::is_reserved, "0.1.2.3"));
  EXPECT_TRUE(is(&Address::is_reserved, "240.0.0.1"));
  EXPECT_FALSE(is(&Address::is_reserved, "223.255.255.255"));
  EXPECT_TRUE(is(&Address::is_ipv4_mapped, "::ffff:192.0.2.1"));
  EXPECT_TRUE(is(&Address::is_ipv4_mapped, "::192.0.2.1"));
  EXPECT_FALSE(is(&Address::is_ipv4_mapped, "::1"));
  EXPECT_FALSE(is(&Address::is_ipv4_mapped, "64:ff9b::192.0.2.1"));
}

TEST(Network, OneSourceIsAnIpv4AddressOrAnIpv6Network) {
  auto source = [](const char* address, std::uint8_t prefix) {
    return Network::source(Address::parse(address).value(), prefix).text();
  };
  EXPECT_EQ(source("203.0.113.5", 64), "203.0.113.5");
  EXPECT_EQ(source("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::/64");
  EXPECT_EQ(source("2001:db8:1:2ff:3:4:5:6", 60), "2001:db8:1:2f0::/60");
  EXPECT_EQ(source("2001:db8:1:2:3:4:5:6", 1), "::/1");
  EXPECT_EQ(source("2001:db8::5", 128), "2001:db8::5");
  const Network network = Network::source(Address::parse("2001:db8::5").value(), 64);
  EXPECT_TRUE(network.overlaps(Network::parse("2001:db8::7/128").value()));
  EXPECT_TRUE(network.overlaps(Network::parse("2001:db8::/32").value()));
  EXPECT_FALSE(network.overlaps(Network::parse("2001:db8:0:1::/64").value()));
}

TEST(Network, ContainsWhatItsPrefixSays) {
  struct Case {
    const char* network;
    const char* address;
    bool contained;
  };
  const Case cases[] = {
      {"192.0.2.0/24", "192.0.2.255", true},  {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.128/25", "192.0.2.127", false}, {"0.0.0.0/0", "8.8.8.8", true},
      {"0.0.0.0/0", "::1", false},            {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::", false}, {"192.0.2.1", "192.0.2.1", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Network::parse(c.network).value().contains(Address::parse(c.address).value()), c.contained)
        << c.network << " " << c.address;
  }
  for (const char* bad : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "::/129", "192.0.2.0/-1", "host"}) {
    EXPECT_FALSE(Network::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace dpinholer::base
