// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "negotiation/cause.h"
#include "negotiation/media.h"

namespace dpinholer::pinhole {

using negotiation::Cause;
using negotiation::Component;

/// Which packets a pinhole lets through, but for their source.
struct Key {
  base::Protocol protocol = base::Protocol::udp;
  base::Endpoint destination;

  friend bool operator==(const Key&, const Key&) = default;
  friend auto operator<=>(const Key&, const Key&) = default;
};

/// Addresses that packets come from; nothing stands for anybody, where a pinhole is open to all.
using Sources = std::vector<std::optional<base::Address>>;

/// Some of the sources that may send to a pinhole.
struct Senders {
  Key key;
  Sources sources;
};

/// What a pinhole is for, as events, the log and the comments of set elements tell it.
/// Text from the wire: escape it wherever it is printed.
struct Label {
  std::string call_id;
  std::string media;  ///< "audio"
  Component component = Component::rtp;
  /// base::stable_hash of the Call-ID, when `call_id` is only what the comment of an element told of it.
  std::optional<std::uint64_t> call_hash = std::nullopt;
};

/// One thing to do to the open pinholes, in the order in which it is to be done.
struct Change {
  enum class Kind : std::uint8_t {
    open,     ///< comes to exist: `from_before` is empty and means nothing
    bind,     ///< `from_before` becomes `from`
    refresh,  ///< nothing but its timeout starts again; no event
    close,    ///< is gone: `from` is what it was last
  };
  Kind kind = Kind::open;
  Key key;
  std::vector<base::Address> from_before;
  std::vector<base::Address> from;  ///< who may send, sorted; empty: anybody
  base::seconds timeout{0};         ///< of the set elements; without meaning for close
  Label label;
  Cause cause = Cause::offer;
  base::TimePoint time;  ///< of the packet, or the moment a timer was due
  /// The party that announced where it leads: the source of its message. Of an opening only.
  base::Address announced_by = {};
};

/// A pinhole that an SDP asked for and did not get (calls.md section 5).
struct Refusal {
  base::Protocol protocol = base::Protocol::udp;
  std::string address;     ///< text: may be a host name as written
  std::uint32_t port = 0;  ///< may exceed 65535
  Label label;
  Cause cause = Cause::address;
  base::TimePoint time;
};

}  // namespace dpinholer::pinhole
