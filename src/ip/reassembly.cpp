// SPDX-License-Identifier: GPL-2.0-or-later
#include "ip/reassembly.h"

#include <algorithm>

#include "base/limits.h"

namespace dpinholer::ip {

namespace {

using base::Family;

constexpr std::uint32_t largest_length = 65535;  // of a whole IPv4 packet, and of an IPv6 payload
constexpr std::uint32_t plain_ipv4_header = 20;
constexpr std::uint32_t plain_ipv6_header = 40;

// The memory of a datagram and a piece besides their octets, roughly: list and map nodes, allocator's share.
constexpr std::size_t datagram_cost = 384;
constexpr std::size_t piece_cost = 128;

constexpr base::seconds timeout(Family family) {
  return family == Family::ipv4 ? base::seconds(30) : base::seconds(60);
}

std::uint32_t largest_payload(Family family) {
  return family == Family::ipv4 ? largest_length - plain_ipv4_header : largest_length;
}

void append_u16(std::vector<std::uint8_t>& octets, std::uint32_t value) {
  octets.push_back(static_cast<std::uint8_t>(value >> 8));
  octets.push_back(static_cast<std::uint8_t>(value));
}

void append(std::vector<std::uint8_t>& octets, base::Bytes more) {
  octets.insert(octets.end(), more.begin(), more.end());
}

}  // namespace

std::optional<std::vector<std::uint8_t>> Reassembly::add(const Packet& packet, base::TimePoint now) {
  if (!packet.fragment) return std::nullopt;
  while (!arrivals_.empty() && expired(arrivals_.front(), now)) forget(arrivals_.begin());
  make_room(datagram_cost + piece_cost + packet.payload.size());

  Datagram& datagram = find_or_begin(packet, now);
  if (datagram.given_up || repeats(datagram, packet)) return std::nullopt;
  if (contradicts(datagram, packet)) {
    give_up(datagram);
    return std::nullopt;
  }

  const Fragment& fragment = *packet.fragment;
  const auto size = static_cast<std::uint32_t>(packet.payload.size());
  datagram.pieces.emplace(fragment.offset, std::vector(packet.payload.begin(), packet.payload.end()));
  datagram.octets += size;
  memory_ += size + piece_cost;
  if (fragment.offset == 0) datagram.protocol = packet.protocol;
  if (!fragment.more) datagram.length = fragment.offset + size;
  // Pieces are disjoint and none lies beyond the end: when the sum is right there is no gap.
  if (datagram.octets != datagram.length) return std::nullopt;
  auto whole = whole_packet(datagram);
  forget(datagrams_.at(datagram.key));
  return whole;
}

Reassembly::Datagram& Reassembly::find_or_begin(const Packet& packet, base::TimePoint now) {
  const bool ipv4 = packet.source.family() == Family::ipv4;
  const Key key{packet.source, packet.destination, packet.fragment->identification,
                ipv4 ? packet.protocol : std::uint8_t{0}};
  if (auto known = datagrams_.find(key); known != datagrams_.end()) {
    // An IPv4 datagram may be overdue behind an IPv6 one that is not.
    if (!expired(*known->second, now)) return *known->second;
    forget(known->second);
  }
  arrivals_.push_back({.key = key, .first_seen = now, .pieces = {}, .length = {}});
  datagrams_.emplace(key, std::prev(arrivals_.end()));
  memory_ += datagram_cost;
  return arrivals_.back();
}

bool Reassembly::expired(const Datagram& datagram, base::TimePoint now) {
  return now - datagram.first_seen >= timeout(datagram.key.source.family());
}

bool Reassembly::repeats(const Datagram& datagram, const Packet& packet) {
  const auto same = datagram.pieces.find(packet.fragment->offset);
  if (same == datagram.pieces.end() || !std::ranges::equal(same->second, packet.payload)) return false;
  const bool was_last = datagram.length == same->first + same->second.size();
  return was_last != packet.fragment->more;
}

// The rules of the class comment.
bool Reassembly::contradicts(const Datagram& datagram, const Packet& packet) {
  const Fragment& fragment = *packet.fragment;
  const std::size_t size = packet.payload.size();
  const std::size_t end = fragment.offset + size;
  if (packet.truncated || size == 0 || (fragment.more && size % 8 != 0)) return true;
  if (end > largest_payload(packet.source.family())) return true;
  if (datagram.length && (end > *datagram.length || !fragment.more)) return true;

  const auto next = datagram.pieces.lower_bound(fragment.offset);
  if (next != datagram.pieces.end() && (next->first < end || !fragment.more)) return true;
  if (next == datagram.pieces.begin()) return false;
  const auto& [offset, octets] = *std::prev(next);
  return offset + octets.size() > fragment.offset;
}

std::vector<std::uint8_t> Reassembly::whole_packet(const Datagram& datagram) {
  const bool ipv4 = datagram.key.source.family() == Family::ipv4;
  std::vector<std::uint8_t> packet;
  packet.reserve(plain_ipv6_header + datagram.octets);
  if (ipv4) {
    packet = {0x45, 0};
    append_u16(packet, plain_ipv4_header + datagram.octets);
    append_u16(packet, datagram.key.identification);
    append_u16(packet, 0);                             // flags, offset
    append_u16(packet, 64U << 8 | datagram.protocol);  // time to live
    append_u16(packet, 0);                             // header checksum
  } else {
    packet = {0x60, 0, 0, 0};
    append_u16(packet, datagram.octets);
    append_u16(packet, std::uint32_t{datagram.protocol} << 8 | 64);  // hop limit
  }
  append(packet, datagram.key.source.bytes());
  append(packet, datagram.key.destination.bytes());
  for (const auto& [offset, octets] : datagram.pieces) append(packet, octets);
  return packet;
}

// Stays, empty, until its time is over, so that later fragments do not make a datagram of what is left.
void Reassembly::give_up(Datagram& datagram) {
  memory_ -= datagram.octets + piece_cost * datagram.pieces.size();
  datagram.pieces.clear();
  datagram.octets = 0;
  datagram.given_up = true;
}

void Reassembly::forget(Arrivals::iterator datagram) {
  give_up(*datagram);
  memory_ -= datagram_cost;
  datagrams_.erase(datagram->key);
  arrivals_.erase(datagram);
}

void Reassembly::make_room(std::size_t needed) {
  while (!arrivals_.empty() && memory_ + needed > base::limits::reassembly_octets) forget(arrivals_.begin());
}

}  // namespace dpinholer::ip
