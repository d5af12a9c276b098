// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the Ethernet type (network byte order) and the packet lie:
//
//   Ethernet         type at 12, packet at 14
//   LINUX_SLL        type at 14, packet at 16
//   LINUX_SLL2       type at 0,  packet at 20
//   802.1Q, 802.1ad  in place of a packet: tag (2 octets), type at 2, packet at 4; several may follow each
//   other NULL, LOOP       address family (4 octets) of the host that captured, packet at 4
#include "system/link_layer.h"

#include <pcap/dlt.h>

namespace dpinholer::system {

namespace {

using base::Bytes;
using base::read_u16;
using base::read_u32;

constexpr unsigned ipv4 = 4;
constexpr unsigned ipv6 = 6;

std::optional<Bytes> if_version(unsigned version, Bytes packet) {
  if (packet.empty() || packet[0] >> 4 != version) return std::nullopt;
  return packet;
}

std::optional<Bytes> behind_pppoe(Bytes frame) {
  if (frame.size() < 8) return std::nullopt;
  const std::uint16_t protocol = read_u16(frame.data() + 6);
  if (protocol == 0x0021) return if_version(ipv4, frame.subspan(8));
  if (protocol == 0x0057) return if_version(ipv6, frame.subspan(8));
  return std::nullopt;
}

std::optional<Bytes> behind_ethernet_type(std::size_t type_at, std::size_t packet_at, Bytes frame) {
  if (frame.size() < packet_at) return std::nullopt;
  std::uint16_t type = read_u16(frame.data() + type_at);
  frame = frame.subspan(packet_at);
  while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
    if (frame.size() < 4) return std::nullopt;
    type = read_u16(frame.data() + 2);
    frame = frame.subspan(4);
  }
  if (type == 0x0800) return if_version(ipv4, frame);
  if (type == 0x86dd) return if_version(ipv6, frame);
  if (type == 0x8864) return behind_pppoe(frame);
  return std::nullopt;
}

// NULL has the byte order of the host that captured, LOOP the network's; no family is meant by both readings.
std::optional<Bytes> behind_family(Bytes frame) {
  if (frame.size() < 4) return std::nullopt;
  std::uint32_t family = read_u32(frame.data());
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:
      return if_version(ipv4, frame.subspan(4));
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // macOS
      return if_version(ipv6, frame.subspan(4));
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<LinkType> link_type(int data_link) {
  constexpr int bsd_os_raw = 14;  // DLT_RAW of BSD/OS, found in old files
  switch (data_link) {
    case DLT_EN10MB:
      return LinkType::ethernet;
    case DLT_LINUX_SLL:
      return LinkType::linux_cooked;
    case DLT_LINUX_SLL2:
      return LinkType::linux_cooked_v2;
    case DLT_RAW:
    case bsd_os_raw:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkType::raw;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::loopback;
    default:
      return std::nullopt;
  }
}

std::optional<Bytes> ip_packet(LinkType type, Bytes frame) {
  switch (type) {
    case LinkType::ethernet:
      return behind_ethernet_type(12, 14, frame);
    case LinkType::linux_cooked:
      return behind_ethernet_type(14, 16, frame);
    case LinkType::linux_cooked_v2:
      return behind_ethernet_type(0, 20, frame);
    case LinkType::raw:
      if (auto packet = if_version(ipv4, frame)) return packet;
      return if_version(ipv6, frame);
    case LinkType::loopback:
      return behind_family(frame);
  }
  return std::nullopt;
}

}  // namespace dpinholer::system
