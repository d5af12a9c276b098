// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dpinholer::negotiation {

/// What arrives at a transport address. `data` is everything that is not RTP (T.38, MSRP, BFCP, SCTP, ...).
enum class Component : std::uint8_t { rtp, rtcp, data };

/// "rtp".
std::string_view name(Component component);

/// The media type of an m-line (RFC 8866 section 8.2.2, RFC 6466, and those of RFC 2327). One that is not
/// registered is told as `other`: what strangers write goes no further than this.
enum class Media : std::uint8_t { audio, video, text, application, message, image, data, control, other };

/// "audio".
std::string_view name(Media media);
Media media_of(std::string_view token);

/// Where a message came from, and what it can't speak for (calls.md section 5, other-side). That is judged
/// once, when the message is seen: a route that changes later ends no call. All lists are sorted.
struct Origin {
  base::Address address;  ///< the source of its packet
  bool own = false;       ///< this host sent it
  bool forged = false;    ///< it names something elsewhere, and `address` itself lies on another side
  /// Addresses in it that lie on another side than its source.
  std::vector<base::Address> elsewhere;
  // About its sender, from other crossings of the call (crossings.cpp):
  std::vector<base::Address> sources;          ///< of `elsewhere`: the party was admitted with them
  std::vector<base::Address> refused;          ///< the party was refused them
  std::vector<base::Endpoint> refused_places;  ///< a message with its tag was refused them: not as sources
};

/// A place where one party wants to receive.
struct Transport {
  base::Address address;   ///< without meaning when `named`
  std::uint32_t port = 0;  ///< may exceed 65535: policy refuses such a one
  base::Protocol protocol = base::Protocol::udp;
  Component component = Component::rtp;
  bool named : 1 = false;      ///< the SDP gave a host name instead of an address
  bool held : 1 = false;       ///< announced, but its party asked for no media now (RFC 3264 section 8.4)
  bool elsewhere : 1 = false;  ///< on another side than the message came from that announced it, or `barred`
  bool barred : 1 = false;     ///< its party was refused it at another crossing of the call
  bool off : 1 = false;        ///< media over TCP, while media.tcp is false

  friend bool operator==(const Transport&, const Transport&) = default;
};

/// How long the elements of a grant live without a sign of life.
enum class Phase : std::uint8_t {
  early,        ///< offered: timeouts.early
  established,  ///< answered: timeouts.media-idle
  held,         ///< answered, and no media is to flow: timeouts.held
};

/// One m-line, one direction: where one party receives, and who may send there. This is what was agreed, or
/// offered; what of it may be opened is decided by policy (pinhole/).
struct Grant {
  std::uint16_t section = 0;  ///< index of the m-line
  Media media = Media::other;
  std::string mid;  ///< RFC 5888, for candidates that trickle in later; may be empty
  std::vector<Transport> to;
  base::Address announced_by;      ///< where the message came from that announced `to`
  bool announced_by_host = false;  ///< this host sent it: it may have passed on what others said

  Phase phase = Phase::early;
  bool recovered = false;              ///< found in the kernel: `announced_by` is only a guess
  bool bound = false;                  ///< false: anybody may send
  bool muxed = false;                  ///< RTP and RTCP share one port (RFC 5761)
  bool ice = false;                    ///< candidates count: ICE was offered, or agreed on (RFC 8839)
  std::vector<base::Address> senders;  ///< media addresses of the other party
  base::Address sender_signalling;     ///< where the other party's message came from
  bool senders_by_host = false;        ///< this host sent it

  friend bool operator==(const Grant&, const Grant&) = default;
};

using Grants = std::vector<Grant>;

}  // namespace dpinholer::negotiation
