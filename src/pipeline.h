// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/interface.h"
#include "base/time.h"
#include "ip/streams.h"
#include "message/session_description.h"
#include "message/sip_message.h"
#include "message/unread.h"
#include "negotiation/settings.h"
#include "pinhole/far_nat.h"
#include "pinhole/host.h"
#include "pinhole/pinhole.h"
#include "pinhole/policy_settings.h"
#include "pinhole/recovered.h"
#include "scanners/offence.h"
#include "scanners/settings.h"

namespace dpinholer {

struct PipelineSettings {
  negotiation::Settings negotiation;
  pinhole::PolicySettings policy;
  message::DescriptionLimits descriptions;
  /// Where SIP is recognised, as source or destination port; empty: on any port, by content. The daemon gets
  /// what the ruleset queues, and leaves it empty.
  std::vector<pinhole::PortRange> sip_ports;
  /// Packets are there only because somebody takes them for SIP, as those of a daemon's queue: a connection
  /// that is not SIP is told of, whatever its ports.
  bool queued = false;
  ip::StreamSettings streams;
  scanners::Settings scanners;
  base::HashKey hash_key{};  ///< the daemon draws one; nothing that is printed depends on it
};

/// What packets and time did to the pinholes, to be carried out in this order. Appended to, so that the
/// outcomes of a whole batch of packets become one transaction.
struct Outcome {
  std::vector<pinhole::Change> changes;
  std::vector<pinhole::Refusal> refusals;
  std::vector<scanners::Offence> offences;  ///< of those who may be banned
  std::vector<message::UnreadEvent> unread = {};
  std::vector<pinhole::FarNat> far_nats = {};  ///< each once in its call
};

/// What a packet turned out to be.
struct Reading {
  enum class Kind : std::uint8_t {
    sip,         ///< one or more SIP messages were read
    scanner,     ///< so that one of them is a scanner's
    malformed,   ///< SIP on which the parser gave up
    keep_alive,  ///< CRLF or NULs to a SIP port, or an empty datagram
    stun,        ///< a STUN message: a keep-alive on a SIP port (RFC 5626), ICE on any other
    stream,      ///< a TCP segment of a connection that carries SIP, in which no message ends
    other,       ///< a UDP datagram or TCP segment that is no SIP: media, perhaps
    fragment,    ///< part of a datagram that is not yet whole
    unreadable,  ///< no UDP or TCP in it that could be read, or cut short
  };
  Kind kind = Kind::unreadable;
  base::Protocol protocol = base::Protocol::udp;  ///< these three: not for fragment and unreadable
  base::Endpoint source;
  base::Endpoint destination;
  bool of_a_call = false;  ///< a message between the parties of a call that rings or is answered
};

/// Is told of each SIP message that was read, before it changes anything. Of `packet` the kind is not yet
/// known.
using MessageObserver =
    std::function<void(const message::SipMessage& message, const Reading& packet, base::TimePoint now)>;

/// SIP messages by method, and then: 0 requests, 1 to 6 responses by the first digit of their status.
using MessageCounts = std::array<std::array<std::uint64_t, 7>, message::methods>;

struct Counters {
  std::uint64_t packets = 0;
  std::uint64_t sip_messages = 0;  ///< read whole: retransmitted and ambiguous ones too
  std::uint64_t malformed = 0;
  std::uint64_t keep_alives = 0;
  std::uint64_t not_sip = 0;
  std::uint64_t unreadable = 0;
  ip::StreamCounters streams;
  std::uint64_t scanners = 0;  ///< messages of scanners: they change nothing
  std::uint64_t calls = 0;     ///< Call-IDs that had state, but for those that were recovered
  MessageCounts messages{};

  Counters& operator+=(const Counters& more);
};

/// A TCP connection that carries SIP, between two messages: what a daemon leaves to the one after it.
struct Connection {
  ip::StreamPosition position;
  bool websocket = false;

  friend bool operator==(const Connection&, const Connection&) = default;
};

/// Is told where a connection that carries SIP is, whenever something was read of it: nothing when it is in
/// the middle of a message, or is not followed any more.
using ConnectionObserver = std::function<void(ip::StreamId stream, const std::optional<Connection>& now)>;

/// The whole path: packet and time in, changes of pinholes out. Deterministic as long as its host's answers
/// are; reads no clock, does no I/O.
class Pipeline {
 public:
  /// `host`, where there is one to ask, must live longer.
  explicit Pipeline(PipelineSettings settings, pinhole::Host* host = nullptr);
  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

  /// `packet` begins with its IP header; nothing of it is kept as a reference. `now` must not go backwards;
  /// timers due before it are to be run first, with `advance`. `arrival`: where the packet came in.
  Reading process(base::Bytes packet, base::TimePoint now, Outcome& outcome,
                  base::Interface arrival = base::Interface::unknown);

  /// Runs every timer due at `now` or earlier, in order of time.
  void advance(base::TimePoint now, Outcome& outcome);
  /// When `advance` has something to do next; nothing while there is no call.
  std::optional<base::TimePoint> next_deadline() const;

  /// Pinholes of calls that `advance(now)` would close for silence, each with the sources whose packets count
  /// as its call's. The caller first tells with `media_seen` of media through them that it knows of.
  std::vector<pinhole::Senders> suspected_idle(base::TimePoint now) const;
  /// `source`: the sender, a sign of life of those calls alone that let it in; nothing where it is not known.
  void media_seen(const pinhole::Key& key, const std::optional<base::Address>& source, base::TimePoint when);

  /// Closes what a call has open, with `Cause::requested`, and opens nothing for it any more. `call_id`: as
  /// its messages have it, or as the labels of its pinholes do. False when there is no such call.
  bool close(std::string_view call_id, base::TimePoint now, Outcome& outcome);

  /// Takes over what a daemon before this one had open, before the first packet: what policy still allows is
  /// open again, with `Cause::recovered`, and the calls go on. What is over limits.calls is left out.
  void recover(std::vector<pinhole::Recovered> found, base::TimePoint now, Outcome& outcome);

  /// From now on; an empty one is told nothing.
  void observe_messages(MessageObserver observer);
  void observe_connections(ConnectionObserver observer);

  /// Whether an open pinhole lets a packet from `source` to `key` through, as the kernel would judge it.
  bool passes(const pinhole::Key& key, const base::Address& source) const;

  /// Goes on reading where a daemon before this one stopped. Bytes that went by since make it foreign.
  void resume(const Connection& connection);

  /// Whether exactly the pinholes that live calls want are open, and open to anybody only where no answered
  /// call binds them (attack A27). Walks all calls: for tests and fuzzing.
  bool consistent() const;

  std::size_t open_pinholes() const;
  const Counters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dpinholer
