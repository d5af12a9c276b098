// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "ip/packet.h"

namespace dpinholer::ip {

/// Puts fragmented IPv4 (RFC 791) and IPv6 (RFC 8200 section 4.5) datagrams together again, in any order of
/// arrival.
///
/// A datagram is given up, with all its fragments to come, when two readers could see two things in it:
/// fragments that overlap (RFC 5722; in IPv4 too), two different ends, a fragment cut short, one that is not
/// the last and no multiple of 8 octets long, more octets than an IP packet can hold. Only a fragment that is
/// there already, octet for octet, is let pass as a duplicate.
///
/// Incomplete datagrams are forgotten 30 s (IPv4) or 60 s (IPv6) after their first fragment, as Linux does,
/// and the oldest first when all together pass limits::reassembly_octets.
class Reassembly {
 public:
  /// Takes a packet whose `fragment` is set; `now` does not go backwards. Returns, when it was the missing
  /// one, the octets of an equal packet that was never fragmented: a plain IP header (no options, no
  /// checksum, and no extension headers but those that were fragmented themselves) and the payload, for
  /// `read_packet`.
  std::optional<std::vector<std::uint8_t>> add(const Packet& packet, base::TimePoint now);

  /// Incomplete datagrams, given up ones included.
  std::size_t pending() const { return arrivals_.size(); }
  /// The memory that `limits::reassembly_octets` bounds.
  std::size_t memory() const { return memory_; }

 private:
  struct Key {
    base::Address source;
    base::Address destination;
    std::uint32_t identification;
    std::uint8_t protocol;  // IPv6: 0, only the first fragment's counts

    friend auto operator<=>(const Key&, const Key&) = default;
  };

  struct Datagram {
    Key key;
    base::TimePoint first_seen;
    std::map<std::uint32_t, std::vector<std::uint8_t>> pieces;  // by offset; disjoint
    std::uint32_t octets = 0;                                   // in all pieces
    std::optional<std::uint32_t> length;                        // known from the last fragment on
    std::uint8_t protocol = 0;                                  // of the first fragment
    bool given_up = false;
  };

  using Arrivals = std::list<Datagram>;

  static bool expired(const Datagram& datagram, base::TimePoint now);
  static bool repeats(const Datagram& datagram, const Packet& packet);
  static bool contradicts(const Datagram& datagram, const Packet& packet);
  static std::vector<std::uint8_t> whole_packet(const Datagram& datagram);

  Datagram& find_or_begin(const Packet& packet, base::TimePoint now);
  void give_up(Datagram& datagram);
  void forget(Arrivals::iterator datagram);
  void make_room(std::size_t needed);

  Arrivals arrivals_;  // oldest first
  std::map<Key, Arrivals::iterator> datagrams_;
  std::size_t memory_ = 0;
};

}  // namespace dpinholer::ip
