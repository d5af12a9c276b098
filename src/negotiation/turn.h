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
  enum class Kind : std::uint8_t { transaction, cancel, fork, session, removal, idle, max_call, refresh };
  Kind kind = Kind::idle;
  base::TimePoint due;
  std::size_t index = 0;  ///< of the transaction or dialog; without meaning for the others
};

/// The timer of `call` that is due first; every call has one. Their formulas stand at the head of timers.cpp.
Timer next_timer(const Call& call, const Settings& settings);

/// Everything that `call` wants now, early things first. Valid until the call changes.
std::vector<const Grant*> wanted_grants(const Call& call, const Settings& settings);

/// Whether the offer of an initial INVITE stands by itself: until one of its dialogs has an answer.
bool wants_offer(const Call& call, const Transaction& transaction);

/// Whether media, if somebody saw any, would keep that timer from ending anything.
bool media_matters(const Call& call, const Timer& timer);

/// One message or one timer changes one call: applies it and gathers the update. Lives for that moment only.
class Turn {
 public:
  Turn(Call& call, const Settings& settings, base::TimePoint now)
      : call_(call), settings_(settings), now_(now) {}

  void request(const message::SipMessage& message, const base::Address& source,
               const base::Address& destination);
  void response(const message::SipMessage& message, const base::Address& source,
                const base::Address& destination);
  void timer(const Timer& timer);
  void end(Cause cause);

  /// Appends what this turn did, if it did anything.
  void finish(Updates& updates);

 private:
  using Targets = std::vector<Dialog*>;

  // requests.cpp
  void invite(const message::SipMessage& message, const base::Address& source,
              const base::Address& destination);
  void pick_up(const message::SipMessage& message, const Leg& pair);
  void offering_request(const message::SipMessage& message, Party sender, const Leg& pair);
  void prack(const message::SipMessage& message, Party sender, const Leg& pair);
  void ack(const message::SipMessage& message, Party sender, const Leg& pair);
  void bye(const message::SipMessage& message, Party sender, const Leg& pair);
  void cancel(const message::SipMessage& message, const base::Address& source,
              const base::Address& destination);
  void trickle(const message::SipMessage& message, Party sender, const Leg& pair);
  void offer_in_dialog(const Transaction& transaction, Targets& targets, Disposition disposition,
                       const std::shared_ptr<const Announcement>& offer);
  bool answer_in_request(const message::SipMessage& message, Party sender, Targets& targets, AnswerIn where,
                         const base::Address& signalled_from);

  // responses.cpp
  void invite_response(Transaction& transaction, const message::SipMessage& message,
                       const base::Address& source);
  void describe(Transaction& transaction, Dialog& dialog, Disposition disposition,
                const message::SipMessage& message, const base::Address& source);
  void confirm(Transaction& transaction, Dialog& dialog, const message::SipMessage& message);
  void fail_invite(Transaction& transaction, Cause cause);
  void in_dialog_response(Transaction& transaction, const message::SipMessage& message,
                          const base::Address& source);
  void provisional_in_dialog(Transaction& transaction, Dialog& dialog, const message::SipMessage& message,
                             const base::Address& source);
  bool success_in_dialog(Transaction& transaction, Dialog& dialog, const message::SipMessage& message,
                         const base::Address& source);
  void take_over(const Transaction& transaction);
  void bye_response(Transaction& transaction, const message::SipMessage& message);
  Transaction* match(const message::SipMessage& response, const base::Address& source,
                     const base::Address& destination);

  // timers.cpp
  void transaction_timer(std::size_t at);
  void abandon(Transaction& transaction, Cause cause);
  void drop_dialog(std::size_t at);

  // turn.cpp
  std::optional<Party> sender_of_request(std::string_view from_tag, std::string_view to_tag) const;
  Targets targets(const Transaction& transaction);
  Targets targets(Party sender, std::string_view from_tag, std::string_view to_tag, const Leg& pair,
                  bool& known_pair);
  Transaction* begin(const message::SipMessage& message, Party sender, const Leg& pair,
                     std::optional<std::size_t> leg);
  std::optional<std::size_t> leg_for(const Leg& pair);
  Dialog* add_dialog(std::size_t leg, std::string_view caller_tag, std::string_view callee_tag,
                     Dialog::State state);
  void end_dialog(Dialog& dialog);
  void settle(Dialog& dialog, Disposition disposition, Party offerer, Agreement agreement);
  void drop_exchanges(TransactionId transaction);
  bool has_exchange(TransactionId transaction) const;
  void linger(Transaction& transaction, Transaction::State state);
  void set_session_timer(Dialog& dialog, const message::SipMessage& message);
  std::shared_ptr<const Announcement> admit(const std::optional<message::SessionDescription>& description,
                                            const base::Address& source);
  void refuse(const message::SessionDescription& description, const base::Address& source, Cause cause);
  void announce(const Grants& grants);
  void changed(Cause opened, Cause closed, bool described);

  Call& call_;
  const Settings& settings_;
  base::TimePoint now_;
  bool changed_ = false;
  bool refresh_ = false;
  Update update_;
  std::vector<Update> refusals_;
};

/// What a description that is refused as a whole would have opened, as far as it may be told: a bounded list.
Grants refused_grants(const message::SessionDescription& description, const base::Address& source,
                      const Settings& settings);

}  // namespace dpinholer::negotiation
