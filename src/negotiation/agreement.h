// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "base/address.h"
#include "message/session_description.h"
#include "negotiation/media.h"
#include "negotiation/settings.h"

namespace dpinholer::negotiation {

/// A session description, and where the message came from that carried it.
struct Announcement {
  message::SessionDescription description;
  Origin origin;
};

/// Both directions of a session (RFC 3264).
struct Agreement {
  Grants toward_offerer;
  Grants toward_answerer;
  bool held = false;  ///< it has media, and lets none of it flow, in either direction

  friend bool operator==(const Agreement&, const Agreement&) = default;
};

/// The pinholes that a description could ask for at most, without making a list of them: constant memory for
/// any port count. To be checked against settings.pinholes_per_call before `offered` and `agree` are called.
std::size_t most_pinholes(const message::SessionDescription& description);

/// What a description asks for by itself: its party's transports, open to anybody. For an offer this is what
/// may be open before the answer.
Grants offered(const Announcement& offer, const Settings& settings);

/// What offer and answer agree on (calls.md sections 3 and 4): m-lines matched by index, rtcp-mux, BUNDLE,
/// ICE and TCP roles settled, each direction bound to the other party's addresses.
Agreement agree(const Announcement& offer, const Announcement& answer, const Settings& settings);

/// Adds the candidates of a trickle ICE fragment (RFC 8840) to the offer or answer of the same party, each to
/// the section of its mid, or of its index where there are no mids. False when it added nothing.
bool add_candidates(Announcement& announcement, const Announcement& fragment);

/// The same for a session that is agreed already: `toward` are the grants toward the party that trickles,
/// `from` those toward its peer. A fragment that comes from elsewhere than what opened a grant gets a grant
/// of its own: it speaks for the side that it came from. False when it added nothing.
bool add_candidates(Grants& toward, Grants& from, const Announcement& fragment, const Settings& settings);

/// Transports and senders in all the grants together: what the parties announced, as far as it takes memory.
std::size_t announced_count(const Grants& grants);

/// Transports in all the grants together.
std::size_t transport_count(const Grants& grants);

}  // namespace dpinholer::negotiation
