// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/limits.h"
#include "ip/packet.h"
#include "ip/reassembly.h"
#include "ip/streams.h"
#include "message/conversation.h"
#include "negotiation/calls.h"
#include "negotiation/turn.h"
#include "pinhole/policy.h"
#include "pinhole/sides.h"
#include "pinhole/table.h"
#include "pinhole/wanted.h"
#include "scanners/failures.h"
#include "scanners/signs.h"

namespace dpinholer {

using message::MessageError;
using message::UnreadCause;
using negotiation::Updates;

namespace {

// What a pinhole must have been granted for. Its signalling is not known any more: one of its sources stands
// for it, since policy admitted them together.
negotiation::Grant grant_of(const pinhole::Recovered& pinhole, negotiation::Phase phase, bool tcp) {
  const auto& [address, port] = pinhole.key.destination;
  negotiation::Grant grant;
  grant.media = pinhole.media;
  grant.to = {{address, port, pinhole.key.protocol, pinhole.component}};
  grant.to.front().off = pinhole.key.protocol == base::Protocol::tcp && !tcp;
  grant.announced_by = address;
  grant.phase = phase;
  grant.recovered = true;
  grant.bound = !pinhole.from.empty();
  grant.senders = pinhole.from;
  if (grant.bound) grant.sender_signalling = pinhole.from.front();
  return grant;
}

// RFC 3261 section 19.1.2.
const std::vector<pinhole::PortRange> well_known_ports{{5060, 5061}};

UnreadCause cause_of(ip::GivenUp reason) {
  switch (reason) {
    case ip::GivenUp::foreign:
      return UnreadCause::foreign;
    case ip::GivenUp::encrypted:
      return UnreadCause::tls;
    case ip::GivenUp::conflict:
      return UnreadCause::conflict;
    case ip::GivenUp::gap:
      return UnreadCause::gap;
    case ip::GivenUp::over_bound:
    case ip::GivenUp::evicted:
      return UnreadCause::bound;
  }
  return UnreadCause::foreign;
}

// TCP connections that are not followed, of which it was told: the last ones, by hash.
class ToldConnections {
 public:
  explicit ToldConnections(base::HashKey hash_key) : hash_key_(hash_key) {}

  /// False when it is among them already, in either direction.
  bool note(const base::Endpoint& one, const base::Endpoint& other) {
    const std::uint64_t hash = hash_of(one) ^ hash_of(other);
    if (seen_.contains(hash)) return false;
    if (seen_.size() == base::limits::told_connections) seen_.clear();
    seen_.insert(hash);
    return true;
  }

 private:
  std::uint64_t hash_of(const base::Endpoint& end) const {
    return base::keyed_hash(hash_key_, base::as_bytes(to_string(end)));
  }

  base::HashKey hash_key_;
  std::unordered_set<std::uint64_t> seen_;
};

bool is_sip_port(std::uint16_t port, const std::vector<pinhole::PortRange>& ports) {
  return std::ranges::any_of(ports,
                             [&](const auto& range) { return range.first <= port && port <= range.last; });
}

}  // namespace

struct Pipeline::State {
  State(PipelineSettings given, pinhole::Host* asked)
      : settings(std::move(given)),
        host(asked),
        policy(settings.policy, host),
        sides(settings.policy, host),
        timeouts{settings.negotiation.early, settings.negotiation.media_idle, settings.negotiation.held},
        streams(settings.streams, settings.hash_key),
        signs(settings.scanners),
        failures(settings.scanners.failures, settings.hash_key, settings.scanners.ipv6_prefix),
        calls(settings.negotiation, settings.hash_key, scanners::is_active(settings.scanners)),
        table(settings.hash_key),
        told_connections(settings.hash_key) {}

  Reading read(const ip::Packet& packet, base::TimePoint now, Outcome& outcome);
  Reading read_datagram(const ip::Packet& packet, base::TimePoint now, Outcome& outcome);
  Reading read_segment(const ip::Packet& packet, base::TimePoint now, Outcome& outcome);
  void read_stream(const ip::Delivery& delivery, Reading& reading, base::TimePoint now, Outcome& outcome);
  void take(const message::SipMessage& message, Reading& reading, base::TimePoint now, Outcome& outcome);
  void tell_unread(message::Unread what, const Reading& reading, base::TimePoint now, Outcome& outcome,
                   const std::string& call_id = {}) const;
  void end(const ip::Ended& ended, base::TimePoint now, Outcome& outcome);
  void tell_unfollowed(const Reading& reading, base::TimePoint now, Outcome& outcome);
  bool is_meant_to_be_sip(const base::Endpoint& one, const base::Endpoint& other) const;
  bool is_spared(const base::Address& source) const;
  void spare(std::vector<scanners::Offence>& offences, std::size_t from) const;
  void apply(Outcome& outcome);
  void note_nats(const negotiation::Update& update, std::vector<pinhole::FarNat>& found);
  bool may_be_sip(const Reading& reading) const;
  void tell_connection(ip::StreamId stream) const;
  bool binds(std::span<const negotiation::Grant* const> grants) const;

  PipelineSettings settings;
  pinhole::Host* host;
  pinhole::Policy policy;
  pinhole::Sides sides;
  pinhole::ElementTimeouts timeouts;
  ip::Reassembly reassembly;
  ip::Streams streams;
  std::unordered_map<ip::StreamId, message::Conversation> conversations;
  scanners::Signs signs;
  scanners::Failures failures;
  negotiation::Calls calls;
  pinhole::Table table;
  ToldConnections told_connections;
  std::pair<ip::StreamId, std::string> given_up;  // the last one by its reader, and what it came upon
  // Addresses behind a NAT that were told, of calls that want something.
  std::unordered_map<negotiation::CallSerial, std::vector<base::Address>> nats;
  Counters counters;
  MessageObserver observer;
  ConnectionObserver connection_observer;
  base::Interface arrival = base::Interface::unknown;  // of the packet
  Updates updates;                                     // kept for its memory: empty between packets
};

Counters& Counters::operator+=(const Counters& more) {
  packets += more.packets;
  sip_messages += more.sip_messages;
  malformed += more.malformed;
  keep_alives += more.keep_alives;
  not_sip += more.not_sip;
  unreadable += more.unreadable;
  streams.opened += more.streams.opened;
  streams.unfollowed_segments += more.streams.unfollowed_segments;
  for (std::size_t i = 0; i < streams.given_up.size(); ++i) streams.given_up[i] += more.streams.given_up[i];
  scanners += more.scanners;
  calls += more.calls;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (std::size_t k = 0; k < messages[i].size(); ++k) messages[i][k] += more.messages[i][k];
  }
  return *this;
}

Pipeline::Pipeline(PipelineSettings settings, pinhole::Host* host)
    : state_(std::make_unique<State>(std::move(settings), host)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

Reading Pipeline::process(base::Bytes octets, base::TimePoint now, Outcome& outcome,
                          base::Interface arrival) {
  ++state_->counters.packets;
  state_->arrival = arrival;
  auto packet = ip::read_packet(octets);
  Reading reading;
  if (packet && packet->fragment) {
    auto whole = state_->reassembly.add(*packet, now);
    if (!whole) return Reading{Reading::Kind::fragment, {}, {}, {}};
    if (auto complete = ip::read_packet(*whole)) reading = state_->read(*complete, now, outcome);
  } else if (packet) {
    reading = state_->read(*packet, now, outcome);
  }
  if (reading.kind == Reading::Kind::unreadable) ++state_->counters.unreadable;
  return reading;
}

Reading Pipeline::State::read(const ip::Packet& packet, base::TimePoint now, Outcome& outcome) {
  if (packet.protocol == static_cast<std::uint8_t>(base::Protocol::udp))
    return read_datagram(packet, now, outcome);
  if (packet.protocol == static_cast<std::uint8_t>(base::Protocol::tcp))
    return read_segment(packet, now, outcome);
  return {};
}

Reading Pipeline::State::read_datagram(const ip::Packet& packet, base::TimePoint now, Outcome& outcome) {
  auto datagram = ip::read_datagram(packet);
  if (!datagram) return {};
  Reading reading{Reading::Kind::other, base::Protocol::udp, datagram->source, datagram->destination};
  if (!may_be_sip(reading)) {
    ++counters.not_sip;
    return reading;
  }
  auto message = message::read_datagram_message(datagram->payload, settings.descriptions);
  if (message && !datagram->truncated) {
    take(*message, reading, now, outcome);
    return reading;
  }
  // What is cut short may have said more: it is not believed.
  switch (message ? MessageError::malformed : message.error()) {
    case MessageError::empty:
    case MessageError::keep_alive:
      ++counters.keep_alives;
      reading.kind = Reading::Kind::keep_alive;
      break;
    case MessageError::stun:
      ++counters.keep_alives;
      reading.kind = Reading::Kind::stun;
      break;
    case MessageError::not_sip:
      ++counters.not_sip;
      break;
    case MessageError::malformed:
      ++counters.malformed;
      reading.kind = Reading::Kind::malformed;
      tell_unread(message::unread(message ? UnreadCause::cut : UnreadCause::malformed,
                                  base::as_text(datagram->payload)),
                  reading, now, outcome);
      break;
  }
  return reading;
}

bool Pipeline::State::may_be_sip(const Reading& reading) const {
  const auto& ports = settings.sip_ports;
  return ports.empty() || is_sip_port(reading.source.port, ports) ||
         is_sip_port(reading.destination.port, ports);
}

Reading Pipeline::State::read_segment(const ip::Packet& packet, base::TimePoint now, Outcome& outcome) {
  auto segment = ip::read_segment(packet);
  if (!segment) return {};
  Reading reading{Reading::Kind::other, base::Protocol::tcp, segment->source, segment->destination};
  if (!may_be_sip(reading)) return reading;
  const ip::Delivery delivery = streams.add(*segment);
  if (delivery.stream != 0) read_stream(delivery, reading, now, outcome);
  if (delivery.unfollowed) tell_unfollowed(reading, now, outcome);
  tell_connection(delivery.stream);
  for (const ip::Ended& ended : streams.take_ended()) end(ended, now, outcome);
  if (reading.kind == Reading::Kind::other && streams.carries_sip(*segment))
    reading.kind = Reading::Kind::stream;
  return reading;
}

void Pipeline::State::tell_connection(ip::StreamId stream) const {
  using Mode = message::Conversation::Mode;
  if (!connection_observer || stream == 0) return;
  std::optional<Connection> now;
  const auto conversation = conversations.find(stream);
  const auto position = conversation == conversations.end() ? std::nullopt : streams.position(stream);
  if (position) {
    const Mode mode = conversation->second.mode();
    if (mode == Mode::sip || mode == Mode::websocket) now = Connection{*position, mode == Mode::websocket};
  }
  connection_observer(stream, now);
}

// Every message that ends in what has come.
void Pipeline::State::read_stream(const ip::Delivery& delivery, Reading& reading, base::TimePoint now,
                                  Outcome& outcome) {
  using Kind = message::Conversation::Step::Kind;
  auto& conversation = conversations.try_emplace(delivery.stream, settings.streams.buffer).first->second;
  base::Bytes unread = delivery.unread;
  while (true) {
    auto step = conversation.next(delivery.sender, unread, settings.descriptions);
    unread = unread.subspan(step.consumed);
    switch (step.kind) {
      case Kind::need_more:
        streams.consume(delivery.stream, delivery.sender, delivery.unread.size() - unread.size());
        streams.note_reader(delivery.stream, conversation.memory());
        return;
      case Kind::give_up:
        given_up = {delivery.stream, message::unread({}, base::as_text(unread)).text};
        streams.give_up(delivery.stream, step.reason);
        return;
      case Kind::message:
        take(*step.message, reading, now, outcome);
        streams.prove(delivery.stream);
        break;
      case Kind::malformed:
        ++counters.malformed;
        tell_unread(message::unread(UnreadCause::malformed, step.start_line), reading, now, outcome);
        break;
      case Kind::keep_alive:
        ++counters.keep_alives;
        break;
      case Kind::step:
        break;
    }
  }
}

// Of a segment with several messages, one of which is a scanner's, all that come from there are taken for
// his.
void Pipeline::State::take(const message::SipMessage& message, Reading& reading, base::TimePoint now,
                           Outcome& outcome) {
  ++counters.sip_messages;
  const auto result = message.is_request() ? 0 : std::clamp<std::size_t>(message.status / 100U, 1, 6);
  ++counters.messages[static_cast<std::size_t>(message.method)][result];
  if (observer) observer(message, reading, now);
  const auto sign = signs.find(message);
  if (sign && !is_spared(reading.source.address)) {
    ++counters.scanners;
    reading.kind = Reading::Kind::scanner;
    outcome.offences.push_back({reading.source.address, sign->cause, std::string(sign->text), now});
    calls.note_unread(message, sides.origin(message, reading.source.address, arrival), now);
    return;
  }
  if (reading.kind != Reading::Kind::scanner) reading.kind = Reading::Kind::sip;
  if (!message.is_request()) {
    const std::size_t before = outcome.offences.size();
    failures.note(message, reading.destination.address, now, outcome.offences);
    spare(outcome.offences, before);
  }
  if (message.unread) {
    tell_unread(*message.unread, reading, now, outcome, message.call_id);
  }
  const auto origin = sides.origin(message, reading.source.address, arrival);
  calls.process(message, origin, reading.destination.address, now, updates);
  reading.of_a_call |=
      calls.are_parties(message.call_id, reading.source.address, reading.destination.address);
  apply(outcome);
}

void Pipeline::State::tell_unread(message::Unread what, const Reading& reading, base::TimePoint now,
                                  Outcome& outcome, const std::string& call_id) const {
  outcome.unread.push_back(
      {std::move(what), reading.protocol, reading.source, reading.destination, call_id, now});
}

void Pipeline::State::end(const ip::Ended& ended, base::TimePoint now, Outcome& outcome) {
  conversations.erase(ended.stream);
  tell_connection(ended.stream);
  if (!ended.reason) return;
  const UnreadCause cause = cause_of(*ended.reason);
  told_connections.note(ended.initiator, ended.responder);
  if (!ended.carried_sip && !is_meant_to_be_sip(ended.initiator, ended.responder)) return;
  message::Unread what{cause, {}};
  if (cause == UnreadCause::foreign && ended.stream == given_up.first) what.text = given_up.second;
  tell_unread(std::move(what), {{}, base::Protocol::tcp, ended.initiator, ended.responder}, now, outcome);
}

void Pipeline::State::tell_unfollowed(const Reading& reading, base::TimePoint now, Outcome& outcome) {
  if (!is_meant_to_be_sip(reading.source, reading.destination)) return;
  if (!told_connections.note(reading.source, reading.destination)) return;
  tell_unread({UnreadCause::gap, "its beginning was not seen"}, reading, now, outcome);
}

bool Pipeline::State::is_meant_to_be_sip(const base::Endpoint& one, const base::Endpoint& other) const {
  return settings.queued || !settings.sip_ports.empty() || is_sip_port(one.port, well_known_ports) ||
         is_sip_port(other.port, well_known_ports);
}

// Whoever talks goes on talking.
bool Pipeline::State::is_spared(const base::Address& source) const {
  return calls.talks(source) || scanners::is_spared(source, settings.scanners) ||
         (host != nullptr && host->is_own(source));
}

void Pipeline::State::spare(std::vector<scanners::Offence>& offences, std::size_t from) const {
  const auto first = offences.begin() + static_cast<std::ptrdiff_t>(from);
  offences.erase(
      std::remove_if(first, offences.end(), [&](const auto& one) { return is_spared(one.source); }),
      offences.end());
}

// What calls want now becomes changes of pinholes: policy first, then wanted minus open.
void Pipeline::State::apply(Outcome& outcome) {
  for (const negotiation::Update& update : updates) {
    for (pinhole::Refusal& refusal : pinhole::refusals(update, policy))
      outcome.refusals.push_back(std::move(refusal));
    if (update.refused) continue;
    note_nats(update, outcome.far_nats);
    const pinhole::Table::Reason reason{update.call,   update.call_id, update.call_hash, update.time,
                                        update.opened, update.closed,  update.described, update.refresh};
    const auto before = static_cast<std::ptrdiff_t>(outcome.changes.size());
    table.update(reason, pinhole::wanted(update.wanted, policy, timeouts), outcome.changes);
    if (!update.made_room) continue;
    auto closes = [](const pinhole::Change& change) { return change.kind == pinhole::Change::Kind::close; };
    std::stable_partition(outcome.changes.begin() + before, outcome.changes.end(), closes);
  }
  updates.clear();
}

void Pipeline::State::note_nats(const negotiation::Update& update, std::vector<pinhole::FarNat>& found) {
  if (update.wanted.empty()) {
    nats.erase(update.call);
    return;
  }
  if (!update.described) return;
  for (pinhole::FarNat& nat : pinhole::far_nats(update, sides)) {
    auto& known = nats[update.call];
    const bool told = std::ranges::find(known, nat.announced) != known.end();
    if (told || known.size() == base::limits::nats_per_call) continue;
    known.push_back(nat.announced);
    found.push_back(std::move(nat));
  }
}

void Pipeline::advance(base::TimePoint now, Outcome& outcome) {
  while (state_->calls.run_timer(now, state_->updates)) state_->apply(outcome);
  const std::size_t before = outcome.offences.size();
  state_->failures.run_timers(now, outcome.offences);
  state_->spare(outcome.offences, before);
}

std::optional<base::TimePoint> Pipeline::next_deadline() const {
  const auto calls = state_->calls.next_deadline();
  const auto failures = state_->failures.next_deadline();
  if (!calls || !failures) return calls ? calls : failures;
  return std::min(*calls, *failures);
}

std::vector<pinhole::Senders> Pipeline::suspected_idle(base::TimePoint now) const {
  std::vector<pinhole::Senders> suspected;
  for (negotiation::CallSerial call : state_->calls.suspected_idle(now)) {
    for (const pinhole::Key& key : state_->table.pinholes(call))
      suspected.push_back({key, state_->table.sources(key, call)});
  }
  return suspected;
}

void Pipeline::media_seen(const pinhole::Key& key, const std::optional<base::Address>& source,
                          base::TimePoint when) {
  for (negotiation::CallSerial call : state_->table.owners(key, source)) state_->calls.media_seen(call, when);
}

bool Pipeline::close(std::string_view call_id, base::TimePoint now, Outcome& outcome) {
  const bool known = state_->calls.close(call_id, now, state_->updates);
  state_->apply(outcome);
  return known;
}

void Pipeline::recover(std::vector<pinhole::Recovered> found, base::TimePoint now, Outcome& outcome) {
  std::ranges::sort(found, {}, [](const auto& pinhole) { return std::tie(pinhole.call_hash, pinhole.key); });
  for (auto begin = found.begin(); begin != found.end();) {
    const auto end = std::find_if(begin, found.end(),
                                  [&](const auto& pinhole) { return pinhole.call_hash != begin->call_hash; });
    const std::span<const pinhole::Recovered> of_call(begin, end);
    const auto is_bound = [](const auto& pinhole) { return !pinhole.from.empty(); };
    const bool answered = !state_->policy.bind_to_peer() || std::ranges::any_of(of_call, is_bound);
    // The rules give an element that media renews the time of media-idle: one that has kept its own says it.
    const base::seconds held_timeout = state_->timeouts.held;
    const bool held =
        std::ranges::any_of(of_call, [&](const auto& pinhole) { return pinhole.timeout == held_timeout; });
    const auto phase = !answered ? negotiation::Phase::early
                       : held    ? negotiation::Phase::held
                                 : negotiation::Phase::established;
    negotiation::Grants grants;
    for (const pinhole::Recovered& pinhole : of_call)
      grants.push_back(grant_of(pinhole, phase, state_->settings.negotiation.tcp));
    state_->calls.recover(begin->call_hash, begin->call, std::move(grants), answered, now, state_->updates);
    state_->apply(outcome);
    begin = end;
  }
}

void Pipeline::observe_messages(MessageObserver observer) {
  state_->observer = std::move(observer);
}

void Pipeline::observe_connections(ConnectionObserver observer) {
  state_->connection_observer = std::move(observer);
}

bool Pipeline::passes(const pinhole::Key& key, const base::Address& source) const {
  return state_->table.passes(key, source);
}

void Pipeline::resume(const Connection& connection) {
  using Mode = message::Conversation::Mode;
  const ip::StreamId stream = state_->streams.resume(connection.position);
  if (stream == 0) return;
  auto& conversation =
      state_->conversations.try_emplace(stream, state_->settings.streams.buffer).first->second;
  conversation.resume(connection.websocket ? Mode::websocket : Mode::sip);
  state_->tell_connection(stream);
}

// Whether the table binds all pinholes that one of these grants, taken by itself, binds.
bool Pipeline::State::binds(std::span<const negotiation::Grant* const> grants) const {
  for (std::size_t i = 0; i < grants.size(); ++i) {
    for (const pinhole::Want& want : pinhole::wanted(grants.subspan(i, 1), policy, timeouts)) {
      if (!want.held && !want.from.empty() && !table.is_bound(want.key)) return false;
    }
  }
  return true;
}

bool Pipeline::consistent() const {
  bool agrees = state_->table.widens_nothing();
  std::size_t wanted_in_all = 0;
  std::size_t with_nats = 0;
  state_->calls.for_each([&](const negotiation::Call& call) {
    const auto grants = negotiation::wanted_grants(call, state_->calls.settings());
    const auto wants = pinhole::wanted(grants, state_->policy, state_->timeouts);
    agrees = agrees && state_->table.agrees(call.serial, wants) && state_->binds(grants);
    with_nats += !grants.empty() && state_->nats.contains(call.serial) ? 1 : 0;
    if (!negotiation::goes_on(call)) agrees = agrees && wants.empty();
    for (const pinhole::Want& want : wants) wanted_in_all += want.held ? 0 : 1;
  });
  return agrees && wanted_in_all == state_->table.claims() && with_nats == state_->nats.size();
}

std::size_t Pipeline::open_pinholes() const {
  return state_->table.size();
}

const Counters& Pipeline::counters() const {
  state_->counters.calls = state_->calls.total();
  state_->counters.streams = state_->streams.counters();
  return state_->counters;
}

}  // namespace dpinholer
