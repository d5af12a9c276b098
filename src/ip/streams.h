// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "ip/octet_run.h"
#include "ip/packet.h"

namespace dpinholer::ip {

/// One TCP connection, both directions. Never used again for another; 0 is none.
using StreamId = std::uint64_t;

/// The ends of a connection: who sent the SYN, and who answered it.
enum class End : std::uint8_t { initiator, responder };

inline End other(End end) {
  return end == End::initiator ? End::responder : End::initiator;
}

/// Why a connection is not read any more. For good: nothing in it is taken for a message again.
enum class GivenUp : std::uint8_t {
  foreign,     ///< its bytes are no SIP (said by the reader)
  encrypted,   ///< it begins as TLS (said by the reader)
  conflict,    ///< the same sequence numbers came with other bytes: endpoints may read either
  gap,         ///< bytes that were never seen here were acknowledged
  over_bound,  ///< more unread bytes than one connection, or all together, may keep
  evicted,     ///< the oldest, when there were too many
};
inline constexpr std::size_t given_up_reasons = 6;

struct StreamSettings {
  std::size_t flows = 10000;   ///< limits.tcp-flows: connections that are followed
  std::size_t buffer = 65536;  ///< limits.tcp-buffer: octets kept for one direction of a connection

  friend bool operator==(const StreamSettings&, const StreamSettings&) = default;
};

/// The result of a segment.
struct Delivery {
  StreamId stream = 0;  ///< 0: nothing to read: not followed, given up, or no new byte in order
  End sender = End::initiator;
  base::Bytes unread;  ///< all bytes in order that `consume` has not taken; valid until the next call
  /// It has bytes of a connection that is not followed: its SYN was not seen, or it was given up before.
  bool unfollowed = false;
};

/// A connection that ended, or was given up.
struct Ended {
  StreamId stream = 0;
  base::Endpoint initiator;
  base::Endpoint responder;
  std::optional<GivenUp> reason;  ///< nothing: it ended
  bool carried_sip = false;       ///< a SIP message was read from it
};

/// A connection between two messages, for a daemon that takes over from this one. Positions are those of the
/// next byte of each end.
struct StreamPosition {
  base::Endpoint initiator;
  base::Endpoint responder;
  std::uint32_t initiator_next = 0;
  std::uint32_t responder_next = 0;

  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
};

struct StreamCounters {
  std::uint64_t opened = 0;               ///< connections followed from their SYN on
  std::uint64_t unfollowed_segments = 0;  ///< with data, of connections that are not followed
  std::array<std::uint64_t, given_up_reasons> given_up{};  ///< by GivenUp
};

/// The work that segments cost: linear in their number and octets, for all sizes and orders (attack A28).
struct StreamWork {
  std::uint64_t octets_copied = 0;
  std::uint64_t pieces_walked = 0;  ///< that wait beyond a gap, and were looked at
};

/// Puts the bytes of TCP connections in order, from the SYN on (RFC 9293). It holds no segments: the
/// bytes that wait beyond a gap are a copy, one for all that are in a row.
///
/// The first copy of a byte counts; another byte in its place gives the connection up, as long as the byte is
/// remembered, which is until it is both consumed and acknowledged. A connection whose SYN was not seen is
/// not followed, however its bytes look (NAT slipstreaming, attack A1). Bounded in connections, and in octets
/// and gaps per connection (limits::waiting_pieces) and in all (limits::stream_octets), at what they really
/// cost.
class Streams {
 public:
  Streams(StreamSettings settings, base::HashKey hash_key);

  Delivery add(const Segment& segment);

  /// The first `octets` of what `sender` has unread were read.
  void consume(StreamId stream, End sender, std::size_t octets);
  /// Not to be read again.
  void give_up(StreamId stream, GivenUp reason);
  /// A SIP message was read from it: it is forgotten after those of which that is not known.
  void prove(StreamId stream);

  /// The octets that the reader keeps for a connection; they count like those that are kept here. False:
  /// there is no room for them, and it is given up.
  bool note_reader(StreamId stream, std::size_t octets);

  /// Whether a SIP message was read from the connection that `segment` is part of.
  bool carries_sip(const Segment& segment);

  /// Where a connection is, if it carries SIP and has nothing unread and no gap; nothing else could be taken
  /// over without guessing.
  std::optional<StreamPosition> position(StreamId stream) const;
  /// Follows a connection from such a position on; 0 when there is no room, or it is followed already. If
  /// bytes went by in the meantime, it is given up for the gap as soon as that shows.
  StreamId resume(const StreamPosition& position);

  /// Connections that ended, or were given up, since the last call: what is kept for them elsewhere can go.
  std::vector<Ended> take_ended();

  std::size_t size() const { return connections_.size(); }
  /// Octets kept for all connections, bookkeeping included; limits::stream_octets bounds them.
  std::size_t memory() const { return memory_; }
  const StreamWork& work() const { return work_; }
  const StreamCounters& counters() const { return counters_; }

 private:
  // Sequence numbers are kept in 64 bits, so that they never wrap around.
  using Sequence = std::uint64_t;

  struct Direction {
    bool synchronised = false;  // its SYN was seen
    Sequence next = 0;          // of the first byte not seen in order
    Sequence acknowledged = 0;
    std::optional<Sequence> fin;  // where its bytes end
    OctetRun kept;                // bytes before `next`; the first `consumed` of them were read
    std::size_t consumed = 0;
    std::map<Sequence, OctetRun> waiting;  // beyond a gap; neither touch nor overlap
    std::size_t waiting_octets = 0;
    std::size_t waiting_capacity = 0;

    std::size_t cost() const;
    bool finished() const { return fin && next >= *fin; }
  };

  struct Key {
    base::Endpoint initiator;
    base::Endpoint responder;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    base::HashKey hash_key;
    std::size_t operator()(const Key& key) const;
  };

  struct Connection {
    Key key;
    StreamId id = 0;
    std::array<Direction, 2> directions;
    std::uint32_t isn = 0;                 // of the initiator
    std::optional<std::uint32_t> new_isn;  // of a SYN that came in the middle: a new connection, or forged
    bool proven = false;
    std::size_t reader = 0;                  // octets that the reader keeps
    std::size_t charged = 0;                 // of memory_
    std::list<StreamId>::iterator position;  // in by_age_[proven]
  };

  static Sequence unwrap(const Direction& direction, std::uint32_t sequence);
  static Direction& direction(Connection& connection, End end);
  static void synchronise(Direction& direction, std::uint32_t next);

  Connection* find(const Segment& segment, End& sender);
  Connection* open(const Key& key, std::uint32_t isn);
  void take_syn(const Segment& segment, Connection* connection);
  void take_syn_ack(const Segment& segment, Connection& connection);
  void acknowledge(Connection& connection, End receiver, std::uint32_t acknowledgement);
  void reset(const Segment& segment, Connection& connection, End sender);
  bool take_data(Connection& connection, End sender, const Segment& segment);
  bool take_ahead(Connection& connection, Direction& ours, Sequence at, base::Bytes octets);
  bool conflicts(const Direction& direction, Sequence at, base::Bytes octets);
  void keep(Direction& direction, base::Bytes octets);
  void wait(Direction& direction, Sequence at, base::Bytes octets);
  void join(Direction& direction);
  void trim(Direction& direction);
  void charge(Connection& connection);
  bool make_room(Connection& connection);
  void forget(Connection& connection, std::optional<GivenUp> reason = std::nullopt);

  StreamSettings settings_;
  std::unordered_map<Key, Connection, KeyHash> connections_;
  std::unordered_map<StreamId, Connection*> by_id_;
  std::array<std::list<StreamId>, 2> by_age_;  // not proven, proven; oldest first
  std::vector<Ended> ended_;
  StreamId last_id_ = 0;
  std::size_t memory_ = 0;
  StreamWork work_;
  StreamCounters counters_;
};

}  // namespace dpinholer::ip
