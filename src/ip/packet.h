// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "base/address.h"
#include "base/bytes.h"

namespace dpinholer::ip {

/// Why a packet is no UDP datagram or TCP segment that could be read. None of these is exceptional.
enum class PacketError : std::uint8_t {
  malformed,       ///< lengths that contradict each other, or fewer octets than a header needs
  other_protocol,  ///< neither UDP nor TCP
  encrypted,       ///< an IPv6 extension header that hides the rest (ESP)
};

/// Position of a fragment in its datagram (RFC 791, RFC 8200 section 4.5).
struct Fragment {
  std::uint32_t identification;
  std::uint32_t offset;  ///< octets from the start of the datagram's payload
  bool more;             ///< false for the last fragment
};

/// One IPv4 or IPv6 packet, read in place: the spans point into the octets given to `read_packet`.
struct Packet {
  base::Address source;
  base::Address destination;
  std::uint8_t protocol;             ///< upper-layer protocol number (IANA)
  std::optional<Fragment> fragment;  ///< set unless the packet is a whole datagram
  base::Bytes payload;               ///< from the upper-layer header on, without link padding
  bool truncated;                    ///< the capture or the queue delivered less than the packet's length
};

/// Reads the IP header and IPv6 extension headers (RFC 791, RFC 8200).
/// A packet cut short by a snap length is read as far as it goes and marked `truncated`.
tl::expected<Packet, PacketError> read_packet(base::Bytes octets);

/// The source that the IP header of a packet names; nothing when it has none.
std::optional<base::Address> source_address(base::Bytes octets);
std::optional<base::Address> destination_address(base::Bytes octets);

/// A UDP datagram: what SIP over UDP and media come in.
struct Datagram {
  base::Endpoint source;
  base::Endpoint destination;
  base::Bytes payload;
  bool truncated;
};

/// RFC 768. `packet` must be a whole datagram of protocol 17. Checksums are not looked at: the receiver will.
tl::expected<Datagram, PacketError> read_datagram(const Packet& packet);

/// A TCP segment (RFC 9293 section 3.1). Options are passed over.
struct Segment {
  base::Endpoint source;
  base::Endpoint destination;
  std::uint32_t sequence;
  std::uint32_t acknowledgement;
  bool syn, ack, fin, rst;
  base::Bytes payload;
  bool truncated;
};

tl::expected<Segment, PacketError> read_segment(const Packet& packet);

}  // namespace dpinholer::ip
