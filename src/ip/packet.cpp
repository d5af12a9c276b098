// SPDX-License-Identifier: GPL-2.0-or-later
//
// IPv4 (RFC 791 section 3.1), all fields in network byte order:
//
//    0      version (4), header length in 32-bit words (4)
//    2..3   total length in octets, header included
//    4..5   identification
//    6..7   flags: 0x2000 more fragments; 0x1fff fragment offset in units of 8 octets
//    9      protocol
//   12..15  source   16..19  destination   20..  options
//
// IPv6 (RFC 8200 sections 3 to 4.6, RFC 4302):
//
//    0      version (4), traffic class
//    4..5   payload length in octets, this header not included
//    6      next header
//    8..23  source   24..39  destination
//
//   extension = hop-by-hop (0) | routing (43) | destination options (60):
//                 next header, length in units of 8 octets less the first 8, ...
//             | authentication (51): next header, length in units of 4 octets less 2, ...
//             | fragment (44): next header, reserved, offset (13) reserved (2) more (1), identification (32)
#include "ip/packet.h"

#include <algorithm>

namespace dpinholer::ip {

namespace {

using base::Address;
using base::Bytes;
using base::Family;
using base::read_u16;
using base::read_u32;

constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::size_t udp_header = 8;
constexpr std::size_t tcp_header = 20;

namespace number {
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t encrypted = 50;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t destination_options = 60;
}  // namespace number

tl::unexpected<PacketError> malformed() {
  return tl::unexpected(PacketError::malformed);
}

tl::expected<Packet, PacketError> read_ipv4(Bytes octets) {
  if (octets.size() < ipv4_header) return malformed();
  const std::uint8_t* at = octets.data();
  const std::size_t header = std::size_t{4} * (at[0] & 0x0f);
  const std::size_t total = read_u16(at + 2);
  if (header < ipv4_header || header > octets.size() || total < header) return malformed();

  Packet packet{};
  packet.source = Address::from_bytes(Family::ipv4, at + 12);
  packet.destination = Address::from_bytes(Family::ipv4, at + 16);
  packet.protocol = at[9];
  packet.truncated = octets.size() < total;
  packet.payload = octets.subspan(header, std::min(total, octets.size()) - header);
  const unsigned flags_and_offset = read_u16(at + 6);
  const bool more = (flags_and_offset & 0x2000) != 0;
  const std::uint32_t offset = 8 * (flags_and_offset & 0x1fff);
  if (more || offset != 0) packet.fragment = Fragment{read_u16(at + 4), offset, more};
  return packet;
}

// Octets of the extension header `type` whose first two octets are at `at`; 0 when it is none.
std::size_t extension_length(std::uint8_t type, const std::uint8_t* at) {
  switch (type) {
    case number::hop_by_hop:
    case number::routing:
    case number::destination_options:
      return 8 * (std::size_t{at[1]} + 1);
    case number::authentication:
      return 4 * (std::size_t{at[1]} + 2);
    case number::fragment:
      return 8;
    default:
      return 0;
  }
}

bool is_extension(std::uint8_t type) {
  constexpr std::uint8_t shortest[2] = {};
  return extension_length(type, shortest) > 0;
}

// Goes over the extension headers at the beginning of packet.payload. Those behind a fragment header belong
// to what was fragmented: they are read when it is whole.
tl::expected<Packet, PacketError> skip_extensions(Packet packet) {
  while (is_extension(packet.protocol)) {
    if (packet.payload.size() < 2) return malformed();
    const std::uint8_t* at = packet.payload.data();
    const std::size_t length = extension_length(packet.protocol, at);
    if (length > packet.payload.size()) return malformed();
    const bool is_fragment = packet.protocol == number::fragment;
    packet.protocol = at[0];
    packet.payload = packet.payload.subspan(length);
    if (!is_fragment) continue;
    const unsigned offset_and_flags = read_u16(at + 2);
    const bool more = (offset_and_flags & 1) != 0;
    const std::uint32_t offset = offset_and_flags & 0xfff8;
    if (!more && offset == 0) continue;  // an atomic fragment is a whole datagram (RFC 6946)
    packet.fragment = Fragment{read_u32(at + 4), offset, more};
    return packet;
  }
  if (packet.protocol == number::encrypted) return tl::unexpected(PacketError::encrypted);
  return packet;
}

tl::expected<Packet, PacketError> read_ipv6(Bytes octets) {
  if (octets.size() < ipv6_header) return malformed();
  const std::uint8_t* at = octets.data();
  const std::size_t length = read_u16(at + 4);
  const Bytes rest = octets.subspan(ipv6_header);
  Packet packet{};
  packet.source = Address::from_bytes(Family::ipv6, at + 8);
  packet.destination = Address::from_bytes(Family::ipv6, at + 24);
  packet.protocol = at[6];
  packet.truncated = rest.size() < length;
  packet.payload = rest.first(std::min(length, rest.size()));
  return skip_extensions(packet);
}

}  // namespace

tl::expected<Packet, PacketError> read_packet(Bytes octets) {
  if (octets.empty()) return malformed();
  switch (octets[0] >> 4) {
    case 4:
      return read_ipv4(octets);
    case 6:
      return read_ipv6(octets);
    default:
      return malformed();
  }
}

std::optional<Address> source_address(Bytes octets) {
  if (octets.size() >= ipv4_header && octets[0] >> 4 == 4)
    return Address::from_bytes(Family::ipv4, octets.data() + 12);
  if (octets.size() >= ipv6_header && octets[0] >> 4 == 6)
    return Address::from_bytes(Family::ipv6, octets.data() + 8);
  return std::nullopt;
}

std::optional<Address> destination_address(Bytes octets) {
  if (octets.size() >= ipv4_header && octets[0] >> 4 == 4)
    return Address::from_bytes(Family::ipv4, octets.data() + 16);
  if (octets.size() >= ipv6_header && octets[0] >> 4 == 6)
    return Address::from_bytes(Family::ipv6, octets.data() + 24);
  return std::nullopt;
}

tl::expected<Datagram, PacketError> read_datagram(const Packet& packet) {
  if (packet.fragment) return malformed();
  if (packet.protocol != number::udp) return tl::unexpected(PacketError::other_protocol);
  if (packet.payload.size() < udp_header) return malformed();
  const std::uint8_t* at = packet.payload.data();
  const std::size_t length = read_u16(at + 4);
  const bool cut = length > packet.payload.size();
  if (length < udp_header || (cut && !packet.truncated)) return malformed();
  // Octets behind the UDP length belong to nobody: the receiver does not see them either.
  const std::size_t end = std::min(length, packet.payload.size());
  return Datagram{{packet.source, read_u16(at)},
                  {packet.destination, read_u16(at + 2)},
                  packet.payload.subspan(udp_header, end - udp_header),
                  cut};
}

tl::expected<Segment, PacketError> read_segment(const Packet& packet) {
  if (packet.fragment) return malformed();
  if (packet.protocol != number::tcp) return tl::unexpected(PacketError::other_protocol);
  if (packet.payload.size() < tcp_header) return malformed();
  const std::uint8_t* at = packet.payload.data();
  const std::size_t header = std::size_t{4} * (at[12] >> 4);
  if (header < tcp_header || header > packet.payload.size()) return malformed();
  const std::uint8_t flags = at[13];
  return Segment{
      .source = {packet.source, read_u16(at)},
      .destination = {packet.destination, read_u16(at + 2)},
      .sequence = read_u32(at + 4),
      .acknowledgement = read_u32(at + 8),
      .syn = (flags & 0x02) != 0,
      .ack = (flags & 0x10) != 0,
      .fin = (flags & 0x01) != 0,
      .rst = (flags & 0x04) != 0,
      .payload = packet.payload.subspan(header),
      .truncated = packet.truncated,
  };
}

}  // namespace dpinholer::ip
