// SPDX-License-Identifier: GPL-2.0-or-later
#include "ip/streams.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"

namespace dpinholer::ip {

namespace limits = base::limits;

namespace {

constexpr std::uint64_t far_from_zero = std::uint64_t{1} << 32;  // so that nothing before the SYN is negative

}  // namespace

Streams::Streams(StreamSettings settings, base::HashKey hash_key)
    : settings_(settings), connections_(0, KeyHash{hash_key}) {}

std::size_t Streams::KeyHash::operator()(const Key& key) const {
  std::array<std::uint8_t, 36> octets{};
  auto at = octets.begin();
  for (const base::Endpoint& end : {key.initiator, key.responder}) {
    at = std::copy(end.address.bytes().begin(), end.address.bytes().end(), at);
    *at++ = static_cast<std::uint8_t>(end.port >> 8);
    *at++ = static_cast<std::uint8_t>(end.port & 0xff);
  }
  return base::keyed_hash(hash_key, octets);
}

Delivery Streams::add(const Segment& segment) {
  End sender = End::initiator;
  Connection* connection = find(segment, sender);
  if (segment.syn && !segment.ack) {
    if (sender == End::responder) return {};  // both at once (RFC 9293 figure 7): nobody's phone does that
    take_syn(segment, connection);
    connection = find(segment, sender);
  } else if (segment.syn && connection != nullptr && sender == End::responder) {
    take_syn_ack(segment, *connection);
    connection = find(segment, sender);
  }
  if (connection == nullptr) {
    const bool data = !segment.payload.empty();
    if (data) ++counters_.unfollowed_segments;
    return {0, sender, {}, data};
  }
  if (segment.rst) {
    reset(segment, *connection, sender);
    return {};
  }
  if (segment.ack) acknowledge(*connection, other(sender), segment.acknowledgement);
  const StreamId id = connection->id;
  if (take_data(*connection, sender, segment)) {
    const Direction& ours = direction(*connection, sender);
    return {id, sender, ours.kept.octets().subspan(ours.consumed), false};
  }
  // The last bytes may still be read; the connection goes with the first segment after.
  const bool over = by_id_.contains(id) && direction(*connection, End::initiator).finished() &&
                    direction(*connection, End::responder).finished();
  if (over) forget(*connection);
  return {};
}

Streams::Connection* Streams::find(const Segment& segment, End& sender) {
  sender = End::initiator;
  auto found = connections_.find({segment.source, segment.destination});
  if (found == connections_.end()) {
    sender = End::responder;
    found = connections_.find({segment.destination, segment.source});
  }
  if (found != connections_.end()) return &found->second;
  sender = End::initiator;
  return nullptr;
}

Streams::Direction& Streams::direction(Connection& connection, End end) {
  return connection.directions[static_cast<std::size_t>(end)];
}

// The 64-bit sequence number nearest to what is expected (RFC 9293 section 3.4).
Streams::Sequence Streams::unwrap(const Direction& direction, std::uint32_t sequence) {
  const auto distance = static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(direction.next));
  return direction.next + static_cast<Sequence>(static_cast<std::int64_t>(distance));
}

Streams::Connection* Streams::open(const Key& key, std::uint32_t isn) {
  if (connections_.size() >= settings_.flows) {
    // Those that never showed a SIP message go first; those that did are never put out by a stranger's SYN.
    if (by_age_[false].empty()) return nullptr;
    give_up(by_age_[false].front(), GivenUp::evicted);
  }
  ++counters_.opened;
  Connection& connection = connections_[key];
  connection.key = key;
  connection.id = ++last_id_;
  connection.isn = isn;
  connection.position = by_age_[false].insert(by_age_[false].end(), connection.id);
  by_id_.emplace(connection.id, &connection);
  synchronise(direction(connection, End::initiator), isn + 1);
  return &connection;
}

void Streams::synchronise(Direction& direction, std::uint32_t next) {
  direction.synchronised = true;
  direction.next = direction.acknowledged = far_from_zero + next;
}

void Streams::take_syn(const Segment& segment, Connection* connection) {
  if (connection != nullptr) {
    if (segment.sequence == connection->isn) return;  // a copy
    if (direction(*connection, End::responder).synchronised) {
      // The other end answers it only when it has lost the old connection (RFC 9293 section 3.5.2): until
      // then it may be forged.
      connection->new_isn = segment.sequence;
      return;
    }
    forget(*connection);
  }
  open({segment.source, segment.destination}, segment.sequence);
}

void Streams::take_syn_ack(const Segment& segment, Connection& connection) {
  Connection* current = &connection;
  if (connection.new_isn && segment.acknowledgement == *connection.new_isn + 1) {
    const Key key = connection.key;
    const std::uint32_t isn = *connection.new_isn;
    forget(connection);
    current = open(key, isn);
  }
  if (current == nullptr) return;
  Direction& responder = direction(*current, End::responder);
  // The SYN may have carried data (RFC 7413), acknowledged or not.
  const std::uint32_t data = segment.acknowledgement - current->isn - 1;
  if (responder.synchronised || data > settings_.buffer) return;
  synchronise(responder, segment.sequence + 1);
}

void Streams::acknowledge(Connection& connection, End receiver, std::uint32_t acknowledgement) {
  Direction& acked = direction(connection, receiver);
  if (!acked.synchronised) return;
  const Sequence upto = unwrap(acked, acknowledgement);
  if (upto <= acked.acknowledged || upto > acked.next + settings_.buffer) return;
  acked.acknowledged = upto;
  trim(acked);
  charge(connection);
}

// Only the reset that the receiver is sure to believe (RFC 5961 section 3.2), or the refusal of a SYN.
void Streams::reset(const Segment& segment, Connection& connection, End sender) {
  const Direction& ours = direction(connection, sender);
  const bool refusal =
      !ours.synchronised && segment.ack &&
      segment.acknowledgement == static_cast<std::uint32_t>(direction(connection, other(sender)).next);
  if (refusal || (ours.synchronised && unwrap(ours, segment.sequence) == ours.next)) forget(connection);
}

// True when there are new bytes in order.
bool Streams::take_data(Connection& connection, End sender, const Segment& segment) {
  Direction& ours = direction(connection, sender);
  base::Bytes octets = segment.payload;
  if (!ours.synchronised || (segment.truncated && !octets.empty())) {
    if (!octets.empty()) give_up(connection.id, GivenUp::gap);
    return false;
  }
  const Sequence at = unwrap(ours, segment.syn ? segment.sequence + 1 : segment.sequence);
  // Far from what anybody could expect: not believed (RFC 9293 section 3.10.7.4).
  if (at > ours.next + settings_.buffer || at + octets.size() + settings_.buffer < ours.next) return false;
  if (segment.fin && !ours.fin) ours.fin = at + octets.size();
  if (octets.empty()) return false;
  if (conflicts(ours, at, octets)) {
    give_up(connection.id, GivenUp::conflict);
    return false;
  }
  if (at > ours.next) return take_ahead(connection, ours, at, octets);
  if (at + octets.size() <= ours.next) return false;  // all of it known
  octets = octets.subspan(static_cast<std::size_t>(ours.next - at));
  keep(ours, octets);
  join(ours);
  trim(ours);
  if (ours.kept.size() - ours.consumed <= settings_.buffer && make_room(connection)) return true;
  give_up(connection.id, GivenUp::over_bound);
  return false;
}

// Bytes beyond a gap.
bool Streams::take_ahead(Connection& connection, Direction& ours, Sequence at, base::Bytes octets) {
  // A gap that the receiver does not miss will not be filled: its bytes went by unseen.
  const bool lost = ours.acknowledged >= at;
  if (lost) {
    give_up(connection.id, GivenUp::gap);
    return false;
  }
  bool room = ours.waiting_octets + octets.size() <= settings_.buffer;
  if (room) wait(ours, at, octets);
  room = room && ours.waiting.size() <= limits::waiting_pieces;
  if (!room || !make_room(connection)) give_up(connection.id, GivenUp::over_bound);
  return false;
}

// Whether bytes that are remembered have other values.
bool Streams::conflicts(const Direction& direction, Sequence at, base::Bytes octets) {
  const Sequence end = at + octets.size();
  auto differs = [&](Sequence begin, base::Bytes known) {
    const Sequence from = std::max(begin, at);
    const Sequence to = std::min(begin + known.size(), end);
    if (from >= to) return false;
    auto ours = known.begin() + static_cast<std::ptrdiff_t>(from - begin);
    auto theirs = octets.begin() + static_cast<std::ptrdiff_t>(from - at);
    return !std::equal(ours, ours + static_cast<std::ptrdiff_t>(to - from), theirs);
  };
  if (differs(direction.next - direction.kept.size(), direction.kept.octets())) return true;
  auto piece = direction.waiting.upper_bound(at);
  if (piece != direction.waiting.begin()) --piece;
  for (; piece != direction.waiting.end() && piece->first < end; ++piece) {
    ++work_.pieces_walked;
    if (differs(piece->first, piece->second.octets())) return true;
  }
  return false;
}

void Streams::keep(Direction& direction, base::Bytes octets) {
  work_.octets_copied += direction.kept.append(octets);
  direction.next += octets.size();
}

// Keeps those of `octets` that no waiting piece has; the others were found to be the same. Pieces that touch
// become one, the shorter copied to the longer.
void Streams::wait(Direction& direction, Sequence at, base::Bytes octets) {
  auto& waiting = direction.waiting;
  const auto part = [&](Sequence from, Sequence to) {
    return octets.subspan(static_cast<std::size_t>(from - at), static_cast<std::size_t>(to - from));
  };
  const Sequence end = at + octets.size();
  auto next = waiting.upper_bound(at);
  if (next != waiting.begin() && std::prev(next)->first + std::prev(next)->second.size() >= at) --next;

  Sequence begin = at;
  OctetRun run;
  while (next != waiting.end() && next->first <= end) {
    ++work_.pieces_walked;
    OctetRun piece = std::move(next->second);
    direction.waiting_octets -= piece.size();
    direction.waiting_capacity -= piece.capacity();
    const Sequence run_end = begin + run.size();
    if (run.empty() && next->first <= at) {
      begin = next->first;
    } else {
      work_.octets_copied += run.append(part(run_end, next->first));
    }
    next = waiting.erase(next);
    if (piece.size() > run.size()) {
      work_.octets_copied += piece.prepend(run.octets());
      run = std::move(piece);
    } else {
      work_.octets_copied += run.append(piece.octets());
    }
  }
  if (begin + run.size() < end) work_.octets_copied += run.append(part(begin + run.size(), end));
  direction.waiting_octets += run.size();
  direction.waiting_capacity += run.capacity();
  waiting.emplace_hint(next, begin, std::move(run));
}

// Moves what waited for the gap that is filled now.
void Streams::join(Direction& direction) {
  while (!direction.waiting.empty() && direction.waiting.begin()->first <= direction.next) {
    ++work_.pieces_walked;
    const auto first = direction.waiting.begin();
    const base::Bytes piece = first->second.octets();
    const auto known =
        std::min<std::size_t>(static_cast<std::size_t>(direction.next - first->first), piece.size());
    keep(direction, piece.subspan(known));
    direction.waiting_octets -= piece.size();
    direction.waiting_capacity -= first->second.capacity();
    direction.waiting.erase(first);
  }
}

// Forgets bytes that were read and acknowledged, or read and over the bound of one connection.
void Streams::trim(Direction& direction) {
  const Sequence begin = direction.next - direction.kept.size();
  std::size_t done =
      direction.acknowledged > begin ? static_cast<std::size_t>(direction.acknowledged - begin) : 0;
  if (direction.kept.size() > settings_.buffer)
    done = std::max(done, direction.kept.size() - settings_.buffer);
  done = std::min(done, direction.consumed);
  if (done == 0) return;
  work_.octets_copied += direction.kept.drop_front(done);
  direction.consumed -= done;
}

std::size_t Streams::Direction::cost() const {
  return kept.capacity() + waiting_capacity + limits::waiting_piece_octets * waiting.size();
}

void Streams::charge(Connection& connection) {
  const std::size_t cost =
      connection.directions[0].cost() + connection.directions[1].cost() + connection.reader;
  memory_ += cost - connection.charged;
  connection.charged = cost;
}

// Charges the connection for its memory; connections that never carried SIP give way. False when none can.
bool Streams::make_room(Connection& connection) {
  charge(connection);
  while (memory_ > limits::stream_octets) {
    const auto& strangers = by_age_[false];
    if (strangers.empty() || strangers.front() == connection.id) return false;
    give_up(strangers.front(), GivenUp::evicted);
  }
  return true;
}

bool Streams::note_reader(StreamId stream, std::size_t octets) {
  auto found = by_id_.find(stream);
  if (found == by_id_.end() || found->second->reader == octets) return true;
  found->second->reader = octets;
  if (make_room(*found->second)) return true;
  give_up(stream, GivenUp::over_bound);
  return false;
}

void Streams::consume(StreamId stream, End sender, std::size_t octets) {
  auto found = by_id_.find(stream);
  if (found == by_id_.end()) return;
  Direction& ours = direction(*found->second, sender);
  ours.consumed = std::min(ours.consumed + octets, ours.kept.size());
  trim(ours);
  charge(*found->second);
}

void Streams::give_up(StreamId stream, GivenUp reason) {
  auto found = by_id_.find(stream);
  if (found == by_id_.end()) return;
  ++counters_.given_up[static_cast<std::size_t>(reason)];
  forget(*found->second, reason);
}

void Streams::prove(StreamId stream) {
  auto found = by_id_.find(stream);
  if (found == by_id_.end()) return;
  Connection& connection = *found->second;
  auto& to = by_age_[true];
  to.splice(to.end(), by_age_[connection.proven], connection.position);
  connection.proven = true;
}

bool Streams::carries_sip(const Segment& segment) {
  End sender = End::initiator;
  const Connection* connection = find(segment, sender);
  return connection != nullptr && connection->proven;
}

std::optional<StreamPosition> Streams::position(StreamId stream) const {
  auto found = by_id_.find(stream);
  if (found == by_id_.end() || !found->second->proven) return std::nullopt;
  const Connection& connection = *found->second;
  for (const Direction& d : connection.directions) {
    if (!d.synchronised || d.fin || !d.waiting.empty() || d.kept.size() > d.consumed) return std::nullopt;
  }
  return StreamPosition{connection.key.initiator, connection.key.responder,
                        static_cast<std::uint32_t>(connection.directions[0].next),
                        static_cast<std::uint32_t>(connection.directions[1].next)};
}

StreamId Streams::resume(const StreamPosition& position) {
  const Key key{position.initiator, position.responder};
  if (connections_.contains(key)) return 0;
  Connection* connection = open(key, position.initiator_next - 1);
  if (connection == nullptr) return 0;
  synchronise(direction(*connection, End::responder), position.responder_next);
  prove(connection->id);
  return connection->id;
}

std::vector<Ended> Streams::take_ended() {
  return std::exchange(ended_, {});
}

// A connection that is not in the table is not followed: being forgotten in the middle is being foreign for
// good.
void Streams::forget(Connection& connection, std::optional<GivenUp> reason) {
  memory_ -= connection.charged;
  by_age_[connection.proven].erase(connection.position);
  ended_.push_back(
      {connection.id, connection.key.initiator, connection.key.responder, reason, connection.proven});
  by_id_.erase(connection.id);
  const Key key = connection.key;
  connections_.erase(key);
}

}  // namespace dpinholer::ip
