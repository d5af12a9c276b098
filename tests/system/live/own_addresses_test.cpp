// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/own_addresses.h"

#include "system/live/topology.h"

namespace dpinholer::system {
namespace {

using OwnAddressesTest = live::LiveTest;

TEST_F(OwnAddressesTest, AreThoseOfAllInterfaces) {
  const live::Topology net;
  std::vector<std::string> found;
  net.gateway.inside([&] {
    const auto addresses = own_addresses().value();
    for (const auto& address : addresses) {
      if (!address.is_link_local()) found.push_back(address.to_string());
    }
  });
  EXPECT_EQ(found, (std::vector<std::string>{"127.0.0.1", "192.0.2.1", "203.0.113.1", "::1", "2001:db8::1",
                                             "2001:db8:1::1"}));
}

}  // namespace
}  // namespace dpinholer::system
