// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "message/sip_message.h"
#include "pinhole/pinhole.h"
#include "system/event_lines.h"

/// A capture as a page tells it. Bounded whatever the capture holds (limits.h, report_...); what is left out
/// is counted. Texts are as they came from the wire.
namespace dpinholer::report {

/// Index into the list of the same call.
using Index = std::uint32_t;

/// One row of a call's ladder.
struct Row {
  enum class Kind : std::uint8_t {
    message,
    timer,  ///< something closed without a message: no source, no destination
    media,  ///< packets since the row before, in one direction
  };
  Kind kind = Kind::message;
  std::uint64_t number = 0;  ///< of the call's rows, those left out counted too
  base::TimePoint time;
  /// Of media: where the SIP comes from of the party that sends or receives, if that has the same address.
  base::Endpoint source;
  base::Endpoint destination;

  // message
  message::Method method = message::Method::other;
  std::uint16_t status = 0;  ///< 0: a request
  std::uint32_t cseq = 0;
  std::optional<message::Direction> direction;  ///< of its session description, when it has one
  bool ambiguous = false;
  std::optional<message::Unread> unread;

  // media
  base::TimePoint until;
  std::uint64_t passed = 0;   ///< packets
  std::uint64_t dropped = 0;  ///< packets

  // What it did: indices of pinholes and refusals.
  std::vector<Index> opened;
  std::vector<Index> bound;
  std::vector<Index> closed;
  std::vector<Index> refused;
};

/// What became of a packet, and why.
enum class Fate : std::uint8_t {
  passed,
  wrong_source,  ///< the pinhole was open, for others
  too_late,      ///< it had closed
  too_early,     ///< it opened later
  unannounced,   ///< no session description announced the destination
};
constexpr std::size_t fates = 5;

/// From `open` to `close`.
struct Pinhole {
  pinhole::Key key;
  std::string media;
  pinhole::Component component = pinhole::Component::rtp;
  base::Endpoint announcer;         ///< where the SIP came from that asked for it
  std::vector<base::Address> from;  ///< as it was last; empty: anybody
  base::TimePoint opened;
  std::optional<base::TimePoint> bound;  ///< since when `from` is not empty
  std::optional<base::TimePoint> closed;
  pinhole::Cause opened_by = pinhole::Cause::offer;
  pinhole::Cause closed_by = pinhole::Cause::bye;
  std::uint64_t opened_at = 0;  ///< numbers of rows
  std::uint64_t bound_at = 0;
  std::uint64_t closed_at = 0;
};

/// Packets from one endpoint to another.
struct Flow {
  base::Protocol protocol = base::Protocol::udp;
  base::Endpoint source;
  base::Endpoint destination;
  std::optional<Index> pinhole;  ///< to which they went
  std::array<std::uint64_t, fates> packets{};
  base::TimePoint first;
  base::TimePoint last;

  std::uint64_t count(Fate fate) const { return packets[static_cast<std::size_t>(fate)]; }
  std::uint64_t passed() const { return packets[0]; }
  std::uint64_t dropped() const { return packets[1] + packets[2] + packets[3] + packets[4]; }
};

struct LeftOut {
  std::uint64_t rows = 0;
  std::uint64_t pinholes = 0;
  std::uint64_t flows = 0;  ///< packets of them
  std::uint64_t refusals = 0;
};

struct Call {
  std::string id;
  base::TimePoint first;
  base::TimePoint last;
  std::vector<Row> rows;
  std::vector<Pinhole> pinholes;
  std::vector<Flow> flows;
  std::vector<pinhole::Refusal> refusals;
  std::vector<message::Unread> unread;      ///< each once, the first limits::report_unread_of_call
  std::optional<base::TimePoint> answered;  ///< a 2xx to its INVITE
  std::uint16_t refused_with = 0;           ///< the last 3xx to 6xx to an INVITE of it; 0: none
  std::optional<pinhole::Cause> ended_by;   ///< of the last pinhole that closed, when none is open
  bool described = false;                   ///< a message of it has a session description
  bool ambiguous = false;                   ///< a message of it is ambiguous
  LeftOut left_out;
};

struct Story {
  std::string file;
  std::string error;  ///< a capture that broke off; one line
  system::Summary summary;
  std::vector<Call> calls;                                 ///< in the order of their first messages
  std::map<message::Method, std::uint64_t> other_methods;  ///< messages that belong to none of them
  std::vector<Flow> outside;                               ///< flows that belong to none of them
  std::vector<message::UnreadEvent> unread;                ///< what belongs to none of them
  std::uint64_t messages_left_out = 0;                     ///< of further calls
  std::uint64_t outside_left_out = 0;                      ///< packets
};

}  // namespace dpinholer::report
