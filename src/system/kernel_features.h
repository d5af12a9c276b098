// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace dpinholer::system {

/// What this kernel can do, and what of it is in use in this thread's network namespace. Modules that the
/// kernel can load by itself get loaded.

/// Connection tracking entries can be read and deleted over netlink (nf_conntrack_netlink).
bool has_conntrack_netlink();
/// Queues can be read (nfnetlink_queue).
bool has_queue_netlink();
/// The kernel looks for SIP by itself: nf_conntrack_sip is loaded, and net.netfilter.nf_conntrack_helper is 1
/// (kernels before 6.0).
bool attaches_sip_helper();
/// Rules of the older iptables, which nftables does not show.
bool has_legacy_iptables();
/// It routes for others (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding).
bool forwards_ipv4();
bool forwards_ipv6();
/// br_netfilter is loaded.
bool has_br_netfilter();
/// Packets that a bridge passes on come to the hooks of IP (net.bridge.bridge-nf-call-iptables,
/// ...-ip6tables).
bool filters_bridged_ipv4();
bool filters_bridged_ipv6();
/// Connection tracking counts the packets of each flow that begins (net.netfilter.nf_conntrack_acct).
bool counts_flows();
/// Interface of the default route for IPv4 in the main table, the first one; empty: none.
std::string default_route();
bool has_interface(const std::string& name);

}  // namespace dpinholer::system
