// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "message/sip_message.h"
#include "negotiation/call.h"
#include "negotiation/calls.h"
#include "negotiation/settings.h"

namespace dpinholer::negotiation {

/// A timer of a call: what it is for, and whose.
struct Timer {
  enum class Kind : std::uint8_t {
    transaction,
    cancel,
    fork,
    session,
    removal,
    tail,
    idle,
    max_call,
    refresh,
    recovered,
    closed
  };
  Kind kind = Kind::idle;
  base::TimePoint due;
  std::size_t index = 0;  ///< of the transaction, dialog or tail; without meaning for the others
};

/// The timer of `call` that is due first; every call has one. Their formulas stand at the head of timers.cpp.
Timer next_timer(const Call& call, const Settings& settings);

/// How often elements get their timeout again: before the shortest that one may have has run down.
base::Duration refresh_interval(const Settings& settings);

/// Everything that `call` wants now, early things first. Valid until the call changes.
std::vector<const Grant*> wanted_grants(const Call& call, const Settings& settings);

/// Whether the offer of an initial INVITE stands by itself: until one of its dialogs has an answer.
bool wants_offer(const Call& call, const Transaction& transaction, Disposition disposition);

/// Whether two initial INVITEs are one attempt of the same caller: sent again over another transport or to
/// another server, or forked by a proxy.
bool is_same_attempt(const Transaction& a, const Transaction& b);

/// RFC 3261 table 4: how long a message may be on its way.
inline constexpr base::seconds t4{5};

/// Whether a dialog goes on, or an INVITE is unanswered of which no other attempt was accepted, or what a BYE
/// closed stays for a while. Otherwise nothing of the call may be open: a check on `wanted_grants`.
bool goes_on(const Call& call);

/// Whether a leg of the call is its parties' own, which tells who they are (strangers.cpp).
bool has_own_leg(const Call& call);

/// Whether a dialog of the call's own parties goes on, or an INVITE of theirs is unanswered. While it does,
/// others in the call are strangers (strangers.cpp).
bool parties_go_on(const Call& call);

/// Whether the dialogs of two legs may be one dialog that took another way.
inline bool shares_an_end(const Leg& a, const Leg& b) {
  return a.caller == b.caller || a.callee == b.callee;
}

inline bool have_same_tags(const Dialog& a, const Dialog& b) {
  return a.caller_tag == b.caller_tag && a.callee_tag == b.callee_tag;
}

/// Whether `transaction` began with that request, whoever sent it, or with a copy of it.
inline bool began_with(const Transaction& transaction, const message::SipMessage& request) {
  return transaction.method == request.method && transaction.cseq == request.cseq &&
         transaction.branch == request.branch && transaction.from_tag == request.from_tag &&
         transaction.to_tag == request.to_tag;
}

inline Leg pair_of(Party sender, const base::Address& source, const base::Address& destination) {
  return sender == Party::caller ? Leg{source, destination} : Leg{destination, source};
}

/// Whether media, if somebody saw any, would keep that timer from ending anything.
bool media_matters(const Call& call, const Timer& timer);

/// One message or one timer changes one call: applies it and gathers the update. Lives for that moment only.
class Turn {
 public:
  Turn(Call& call, const Settings& settings, base::TimePoint now)
      : call_(call), settings_(settings), now_(now) {}

  void request(const message::SipMessage& message, const Origin& origin, const base::Address& destination);
  void response(const message::SipMessage& message, const Origin& origin, const base::Address& destination);
  /// Only remembers what `message` names from the wrong side.
  void note_refused(const message::SipMessage& message, const Origin& origin) { judged(message, origin); }
  void timer(const Timer& timer);
  void end(Cause cause);
  /// The call wants the pinholes that were found open.
  void recover();

  /// Appends what this turn did, if it did anything.
  void finish(Updates& updates);

 private:
  using Targets = std::vector<Dialog*>;

  // requests.cpp
  void apply_request(const message::SipMessage& message, const base::Address& source,
                     const base::Address& destination);
  void invite(const message::SipMessage& message, const base::Address& source,
              const base::Address& destination);
  void give_up_older(const Transaction& invite);
  void offering_request(const message::SipMessage& message, Party sender, const Leg& pair);
  void prack(const message::SipMessage& message, Party sender, const Leg& pair);
  void ack(const message::SipMessage& message, Party sender, const Leg& pair);
  void bye(const message::SipMessage& message, Party sender, const Leg& pair);
  void cancel(const message::SipMessage& message, const base::Address& source,
              const base::Address& destination);
  void offer_in_dialog(const Transaction& transaction, const Targets& targets, Disposition disposition,
                       const std::shared_ptr<const Announcement>& offer);
  bool answer_in_request(const message::SipMessage& message, Party sender, const Targets& targets,
                         Disposition disposition, const Leg& pair);

  // responses.cpp
  void apply_response(const message::SipMessage& message, const base::Address& source,
                      const base::Address& destination);
  void invite_response(Transaction& transaction, const message::SipMessage& message);
  Dialog* fork(const Transaction& transaction, const message::SipMessage& message);
  void describe(const Transaction& transaction, Dialog& dialog, Disposition disposition,
                const message::SipMessage& message);
  void confirm(Transaction& transaction, Dialog& dialog, const message::SipMessage& message);
  void end_other_attempts(const Transaction& answered);
  void fail_invite(Transaction& transaction, Cause cause);
  void in_dialog_response(Transaction& transaction, const message::SipMessage& message);
  bool answer_in_response(const Transaction& transaction, Disposition disposition,
                          const message::SipMessage& message);
  void offer_in_response(const Transaction& transaction, Dialog& dialog, Disposition disposition,
                         const message::SipMessage& message,
                         const std::shared_ptr<const Announcement>& offer);
  void bye_response(Transaction& transaction, const message::SipMessage& message);
  Transaction* match(const message::SipMessage& response, const base::Address& source,
                     const base::Address& destination);

  // recovery.cpp
  bool is_between_parties(const Leg& pair) const;
  bool resume_by_request(const message::SipMessage& message, const Leg& pair);
  Transaction* resume_by_response(const message::SipMessage& message, const Leg& pair);
  Dialog* resume_dialog(const message::SipMessage& message, const Leg& pair);
  Transaction* stand_in(const message::SipMessage& message, const Leg& pair);
  void prove(Dialog& dialog);
  void drop_recovered();
  bool release_recovered();

  // trickle.cpp
  void trickle(const message::SipMessage& message, Party sender, const Leg& pair);
  bool is_offer_of(const Transaction& invite, Party sender, const base::Address& source,
                   const Targets& targets) const;

  // timers.cpp
  void transaction_timer(std::size_t at);
  bool may_be_late(const Transaction& transaction);
  void keep_for_late_answer(Transaction& transaction);
  void forget(std::size_t at);
  void abandon(Transaction& transaction, Cause cause);
  void drop_dialog(std::size_t at);

  // crossings.cpp
  Origin judged(const message::SipMessage& message, const Origin& origin);
  std::optional<base::Address> home_of(std::string_view tag) const;
  std::vector<base::Endpoint> admitted_of(std::string_view tag) const;
  // strangers.cpp
  bool is_party(const base::Address& address) const;
  bool may_begin_own_leg(const base::Address& address) const;
  bool speaks_for_call(const base::Address& address) const;
  bool is_strange(const Transaction& transaction) const;
  bool is_short_of_room(const message::SipMessage& message, const Leg& pair);
  bool has_begun(const message::SipMessage& request, const base::Address& destination) const;
  bool has_strangers() const;
  void make_room(const message::SipMessage& message, const base::Address& destination);
  template <typename Apply>
  void with_room(const message::SipMessage& message, const base::Address& destination, Apply apply) {
    if (has_begun(message, destination)) return apply();
    make_room(message, destination);
    apply();
    // The message found room, and may have changed the call so that a copy of it finds none. A copy must
    // change nothing.
    if (!has_begun(message, destination)) make_room(message, destination);
  }
  void note_life(const base::Address& speaker);
  void end_followers(const Dialog& over);
  void join_parties(Dialog& dialog);

  // dialogs.cpp
  std::optional<Party> sender_of_request(std::string_view from_tag, std::string_view to_tag) const;
  std::optional<Party> sender_of_request(std::string_view from_tag, std::string_view to_tag,
                                         const base::Address& source, const base::Address& destination) const;
  Targets targets(const Transaction& transaction);
  Targets targets(Party sender, std::string_view from_tag, std::string_view to_tag, const Leg& pair,
                  bool& known_pair);
  std::vector<Leg>::iterator place_for(const Leg& pair);
  bool has_room_for(const Leg& pair);
  std::optional<std::size_t> leg_for(const Leg& pair, bool own);
  Dialog* add_dialog(Dialog dialog);
  Dialog* dialog_of(const Transaction& transaction);
  void end_dialog(Dialog& dialog, Dialog::State state = Dialog::State::terminated);
  void end_by_bye(Dialog& dialog);
  void keep_tail(const Grants& grants);
  void wake(Dialog& dialog);
  void settle(Dialog& dialog, Disposition disposition, Party offerer, Agreement agreement);
  void conclude(Dialog& dialog, Disposition disposition, TransactionId transaction, Agreement agreement,
                bool on_own_pair);
  void accept_strangers_answers(TransactionId transaction);
  void take_over(Dialog& dialog);
  Grants not_yet_open(const Dialog& dialog, Disposition disposition, Party offerer,
                      const Announcement& offer) const;
  void drop_exchanges(TransactionId transaction);
  bool has_exchange(TransactionId transaction) const;

  // turn.cpp
  Transaction* begin(const message::SipMessage& message, Party sender, const Leg& pair,
                     std::optional<std::size_t> leg);
  void linger(Transaction& transaction, Transaction::State state);
  void prolong(Transaction& transaction) const;
  void set_session_timer(Dialog& dialog, const message::SipMessage& message) const;
  std::shared_ptr<const Announcement> admit(const std::optional<message::SessionDescription>& description);
  void refuse(const message::SessionDescription& description, Cause cause);
  bool fits(const message::SessionDescription& description, const Announcement& in) const;
  void announce(const Grants& grants, const Announcement& in);
  void forget_known(Grants& grants) const;
  void changed(Cause opened, Cause closed, bool described);

  Call& call_;
  const Settings& settings_;
  base::TimePoint now_;
  Origin origin_;  // of the message
  bool changed_ = false;
  bool refresh_ = false;
  Update update_;
  std::vector<Update> refusals_;
};

/// The description in a message that is for the session, or for the early session.
inline const std::optional<message::SessionDescription>& body(const message::SipMessage& message,
                                                              Disposition disposition) {
  return disposition == Disposition::session ? message.session : message.early_session;
}

/// The dialog's exchange that began with, or in, that transaction.
std::vector<Exchange>::iterator exchange_of(Negotiation& negotiation, TransactionId transaction);

/// The media that a description refused as a whole would have opened, as far as it may be told: bounded.
std::vector<Announced> refused_media(const message::SessionDescription& description, const Origin& origin,
                                     const Settings& settings);

}  // namespace dpinholer::negotiation
