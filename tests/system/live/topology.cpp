// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/live/topology.h"

namespace dpinholer::live {

namespace {

// A cable between the gateway's interface `name` and eth0 of `host`.
void connect(const Namespace& gateway, const std::string& name, const Namespace& host) {
  gateway.run("ip link add " + name + " type veth peer name eth0 netns " + host.path());
  gateway.run("ip link set " + name + " up");
  host.run("ip link set eth0 up");
}

}  // namespace

Topology::Topology() {
  gateway.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  connect(gateway, "out0", outside);
  connect(gateway, "in0", inside);
  gateway.run("ip addr add 203.0.113.1/24 dev out0; ip addr add 2001:db8:1::1/64 dev out0 nodad");
  gateway.run("ip addr add 192.0.2.1/24 dev in0; ip addr add 2001:db8::1/64 dev in0 nodad");
  outside.run("ip addr add 203.0.113.5/24 dev eth0; ip addr add 2001:db8:1::5/64 dev eth0 nodad");
  inside.run("ip addr add 192.0.2.10/24 dev eth0; ip addr add 2001:db8::10/64 dev eth0 nodad");
  outside.run("ip route add default via 203.0.113.1; ip route add default via 2001:db8:1::1");
  inside.run("ip route add default via 192.0.2.1; ip route add default via 2001:db8::1");
}

}  // namespace dpinholer::live
