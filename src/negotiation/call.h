// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "message/sip_message.h"
#include "negotiation/agreement.h"
#include "negotiation/cause.h"
#include "negotiation/media.h"
#include "negotiation/negotiation.h"
#include "negotiation/refused.h"

/// The state of one call: plain values, no behaviour. What happens to them stands in calls.h.
namespace dpinholer::negotiation {

/// The address pair on which a call crosses the gateway. Caller and callee are the parties of the dialog,
/// known from the tags, not whoever sent the first packet.
struct Leg {
  base::Address caller;
  base::Address callee;
  /// The call's own parties use it: it is the first one, a party began it, or the dialog of the parties moved
  /// to it. On any other leg a stranger who learned the tags may speak.
  bool own = false;

  friend bool operator==(const Leg& a, const Leg& b) { return a.caller == b.caller && a.callee == b.callee; }
};

inline const base::Address& end_of(const Leg& leg, Party party) {
  return party == Party::caller ? leg.caller : leg.callee;
}

/// RFC 3261 section 12, as it shows on one leg.
struct Dialog {
  enum class State : std::uint8_t {
    early,
    confirmed,
    terminated,  ///< kept for a while so that a late copy of a message does not start it again
    superseded,  ///< goes on on another leg, not on this one: kept for the same reason
  };
  std::size_t leg = 0;  ///< index into Call::legs
  std::string caller_tag;
  std::string callee_tag;
  State state = State::early;
  /// On an address pair that it did not use before, until something is agreed on there: then that replaces
  /// what its older legs opened.
  bool joining = false;
  /// Early, without a final response to its INVITE in time: its pinholes are closed, and open again when an
  /// answer comes after all.
  bool dormant = false;
  /// False while its tags are those of one request after a restart: somebody may have made them up.
  bool proven = true;
  TransactionId invite = 0;  ///< the INVITE that created it; 0: picked up in the middle
  Negotiations negotiations;
  /// What the last response to `invite` said, to know an answer that is merely repeated; kept as long as the
  /// INVITE is.
  PerDisposition<std::shared_ptr<const Announcement>> last_response;

  bool is_live() const { return state == State::early || state == State::confirmed; }

  std::optional<base::TimePoint> fork_deadline;     ///< another dialog of the INVITE was answered
  std::optional<base::TimePoint> session_deadline;  ///< RFC 4028
  std::optional<base::TimePoint> removal;           ///< of a terminated or superseded dialog
};

/// A request that was seen and may be answered (RFC 3261 section 17), for INVITE until its final response
/// can no longer be repeated.
struct Transaction {
  enum class State : std::uint8_t {
    proceeding,
    succeeded,  ///< has a 2xx; kept to know copies, and because an INVITE may get further ones from its forks
    failed,     ///< has another final response, or none came; kept to know copies
  };
  TransactionId id = 0;
  message::Method method = message::Method::other;
  std::uint32_t cseq = 0;
  std::string branch;
  std::string from_tag;
  std::string to_tag;  ///< of the request: empty for the initial INVITE
  Party sender = Party::caller;
  Leg pair;                        ///< the addresses it came on
  std::optional<std::size_t> leg;  ///< index into Call::legs; none: not on an address pair of its dialog
  State state = State::proceeding;
  bool cancelled = false;
  /// An INVITE whose offer is closed, but remembered: an answer that comes after all opens both sides.
  bool dormant = false;
  PerDisposition<bool> has_offer{};  ///< it carried an SDP, be it one that was refused as a whole

  /// Initial INVITE: the offer, shared by all its dialogs, and what it opens until one of them answers.
  PerDisposition<std::shared_ptr<const Announcement>> offer;
  PerDisposition<Grants> offer_grants;

  /// proceeding: the request counts as unanswered from here on; else it is forgotten.
  base::TimePoint deadline;
  std::optional<base::TimePoint> cancel_deadline;
  /// Initial INVITE with a 2xx: how long its other early dialogs may go on (RFC 3261 section 13.2.2.4).
  std::optional<base::TimePoint> forks_until;

  bool initial_invite() const { return method == message::Method::invite && to_tag.empty(); }
};

/// What a starting daemon found open for a call, until messages tell what it belongs to.
struct Recovered {
  Grants grants;  ///< toward both parties: one for each pinhole
  /// Something of it was bound to a peer. Else it was offered only, and somebody may answer yet.
  bool answered = false;
  bool held = false;         ///< the parties had agreed that no media flows
  base::TimePoint deadline;  ///< not answered: when it is given up
  bool met = false;          ///< one of its dialogs is known again
  /// base::stable_hash of the Call-ID, while no message has told that.
  std::optional<std::uint64_t> call_hash;
};

inline bool is_open(const std::unique_ptr<Recovered>& recovered) {
  return recovered != nullptr && !recovered->grants.empty();
}

/// What a BYE closed stays bound for a while: media that is on its way, and RTCP's own BYE.
struct Tail {
  Grants grants;
  base::TimePoint until;
};

using CallSerial = std::uint64_t;

/// How dear a call is when there is no room for another; in this order they give way.
enum class Standing : std::uint8_t {
  over,        ///< kept to know late copies of its messages; counts for nobody
  late,        ///< nobody answered in time: nothing is open, and it counts for nobody either
  unanswered,  ///< nobody has said anything yet: the oldest may give way to a new one, for it may be a flood
  ringing,     ///< an early dialog is there: never gives way
  answered,    ///< never gives way
};

/// All that is known about one Call-ID.
struct Call {
  /// Nothing that could still matter.
  bool is_empty() const {
    return dialogs.empty() && transactions.empty() && tails.empty() && !is_open(recovered) && !closed_until;
  }

  CallSerial serial = 0;
  std::string_view call_id;  ///< its key in the table of calls
  base::Address source;      ///< of the first request (Network::source): limits.calls-per-source counts by it
  std::vector<Leg> legs;
  std::vector<Dialog> dialogs;
  std::vector<Transaction> transactions;
  std::vector<Tail> tails;
  std::unique_ptr<Recovered> recovered;
  std::unique_ptr<Refused> refused;  ///< null while no party named anything on another side
  /// The operator closed it: until then its messages are refused, whatever they say.
  std::optional<base::TimePoint> closed_until;
  TransactionId last_transaction = 0;
  base::TimePoint started;
  base::TimePoint last_message;  ///< in a dialog
  base::TimePoint last_media;
  base::TimePoint refresh_due;
  Standing standing = Standing::over;
  std::vector<base::Address> parties;  ///< sorted; while answered: of its legs, or of what was recovered
  base::TimePoint wake_up;  ///< when its timers are to be looked at: no later than the first is due
};

}  // namespace dpinholer::negotiation
