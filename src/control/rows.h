// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "pinhole/pinhole.h"

/// What the daemon tells of itself, as plain values. How it is written stands in lines.h.
namespace dpinholer::control {

/// A pinhole, and what the kernel has counted of it.
struct PinholeRow {
  pinhole::Key key;
  std::vector<base::Address> from;  ///< empty: anybody
  pinhole::Label label;
  pinhole::Cause cause = pinhole::Cause::offer;  ///< why it opened
  base::TimePoint opened;
  base::seconds timeout{0};
  /// Until its first element goes by itself; nothing: it is not in the kernel, or nobody looked.
  std::optional<std::chrono::milliseconds> expires;
  std::uint64_t packets = 0;
};

/// A call that has a pinhole.
struct CallRow {
  std::string call_id;  ///< from the wire, or what a comment told of it
  base::TimePoint began;
  pinhole::Cause opened_by = pinhole::Cause::offer;
  bool answered = false;  ///< as CallLog knows; false while it is only offered
  std::vector<PinholeRow> pinholes;
  std::map<base::Address, std::uint64_t> packets;  ///< toward each address, but for RTCP
  std::set<base::Address> uncounted;               ///< of them, those for which no rule counts (CallLog)
  /// Addresses behind a NAT that is not this gateway's, and the public ones that stand for them.
  std::map<base::Address, base::Address> nats;
  bool counts_lost = false;  ///< there were more, before a reload or a restart
};

/// Packets came to one address and to no other, although there is one where they are counted; not where
/// counts are lost.
bool is_one_way(const CallRow& call);

struct QueueRow {
  std::uint16_t number = 0;
  std::uint32_t waiting = 0;
  std::uint64_t full = 0;         ///< passed or dropped because too many were waiting
  std::uint64_t undelivered = 0;  ///< lost because the socket had no room
};

/// A number with its place: {"packets", "malformed", 3}.
struct Figure {
  std::string_view group;
  std::string_view name;
  std::uint64_t value = 0;
};

/// A number of a family, told apart by one or two labels.
struct LabelledFigure {
  std::string_view family;  ///< "messages"
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  std::uint64_t value = 0;
};

/// Values of which only the spread is kept: how many were no greater than each bound.
struct HistogramRow {
  std::vector<double> bounds;         ///< seconds
  std::vector<std::uint64_t> counts;  ///< of each bound, those of smaller ones included
  std::uint64_t count = 0;            ///< of all
  double sum = 0;                     ///< seconds
};

/// A source of SIP that is banned.
struct BanRow {
  base::Network source;
  std::string why;  ///< "user-agent sipcli", escaped
  base::Duration left{0};
};

struct Status {
  std::string version;
  base::Duration uptime{0};
  std::string table;  ///< "inet filter"
  bool observe = false;
  std::uint64_t memory = 0;  ///< octets that are resident
  std::vector<QueueRow> queues;
  std::vector<Figure> figures;
  std::vector<LabelledFigure> labelled;
  std::vector<BanRow> banned;  ///< some of them
  HistogramRow held;           ///< from the read of a message to its verdict
};

}  // namespace dpinholer::control
