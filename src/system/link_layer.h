// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace dpinholer::system {

/// What precedes the IP header of a captured frame.
enum class LinkType : std::uint8_t {
  ethernet,         ///< 802.1Q and 802.1ad tags and PPPoE may follow
  linux_cooked,     ///< LINUX_SLL: what `tcpdump -i any` wrote
  linux_cooked_v2,  ///< LINUX_SLL2: what it writes now
  raw,              ///< nothing
  loopback,         ///< NULL and LOOP: an address family, in either byte order
};

/// The link type of libpcap's DLT_ value; nothing for those that can't be read.
std::optional<LinkType> link_type(int data_link);

/// The frame from its IP header on, link padding included; nothing when it carries no IPv4 or IPv6 (ARP,
/// LLDP, an IP version that is not the announced one, a frame cut within the link header).
std::optional<base::Bytes> ip_packet(LinkType type, base::Bytes frame);

}  // namespace dpinholer::system
