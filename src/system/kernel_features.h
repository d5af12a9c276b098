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
/// Packets of others, of IPv4 or IPv6 (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding).
bool forwards();
bool has_interface(const std::string& name);

}  // namespace dpinholer::system
