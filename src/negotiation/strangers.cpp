// SPDX-License-Identifier: GPL-2.0-or-later
// Strangers in a call (attack A30): senders that learned its Call-ID and tags, and use address pairs that its
// parties don't use.
//
//   own leg            the first one; each that a party began; each to which the dialog of the parties moved
//                      by an answer that one of them gave
//   party              an end of an own leg
//   speaks for it      a party, or anybody while nothing of the parties goes on
//
// A stranger's offers open what he announces, toward him alone. They take room that the parties don't need,
// end with the dialog that they name, and keep nothing of the call alive.
#include <algorithm>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

namespace limits = base::limits;
using message::SipMessage;

bool has_own_leg(const Call& call) {
  return std::any_of(call.legs.begin(), call.legs.end(), [](const Leg& leg) { return leg.own; });
}

bool parties_go_on(const Call& call) {
  if (is_open(call.recovered)) return true;
  const bool talks = std::any_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.is_live() && call.legs[dialog.leg].own;
  });
  return talks || std::any_of(call.transactions.begin(), call.transactions.end(), [&](const Transaction& t) {
           return t.initial_invite() && t.state == Transaction::State::proceeding && call.legs[*t.leg].own;
         });
}

bool Turn::is_party(const base::Address& address) const {
  return std::any_of(call_.legs.begin(), call_.legs.end(), [&](const Leg& leg) {
    return leg.own && (leg.caller == address || leg.callee == address);
  });
}

bool Turn::may_begin_own_leg(const base::Address& address) const {
  return is_party(address) || !has_own_leg(call_);
}

bool Turn::speaks_for_call(const base::Address& address) const {
  return is_party(address) || !parties_go_on(call_);
}

bool Turn::is_strange(const Transaction& transaction) const {
  return !is_party(end_of(transaction.pair, transaction.sender)) ||
         (transaction.leg && !call_.legs[*transaction.leg].own);
}

void Turn::note_life(const base::Address& speaker) {
  if (speaks_for_call(speaker)) call_.last_message = now_;
}

// Both ends speak on this leg: it is the parties' own when the dialog is theirs. Where one leg of a proxy
// ends, the next begins.
void Turn::join_parties(Dialog& dialog) {
  Leg& leg = call_.legs[dialog.leg];
  if (leg.own) return;
  leg.own = !has_own_leg(call_) ||
            std::any_of(call_.dialogs.begin(), call_.dialogs.end(), [&](const Dialog& other) {
              const Leg& older = call_.legs[other.leg];
              const bool next = older.callee == leg.caller || older.caller == leg.callee;
              return other.is_live() && older.own && have_same_tags(other, dialog) &&
                     (next || shares_an_end(older, leg));
            });
}

// With the last dialog of the parties that has these tags end the dialogs that follow it: those that are
// still joining, and all on legs that are not the parties' own.
void Turn::end_followers(const Dialog& over) {
  if (!call_.legs[over.leg].own) return;
  auto follows = [&](const Dialog& dialog) {
    return dialog.is_live() && have_same_tags(dialog, over) &&
           (dialog.joining || !call_.legs[dialog.leg].own);
  };
  auto leads = [&](const Dialog& dialog) {
    return dialog.is_live() && have_same_tags(dialog, over) && !follows(dialog);
  };
  if (std::any_of(call_.dialogs.begin(), call_.dialogs.end(), leads)) return;
  for (Dialog& dialog : call_.dialogs) {
    if (&dialog != &over && follows(dialog)) end_dialog(dialog);
  }
}

bool Turn::is_short_of_room(const SipMessage& message, const Leg& pair) {
  if (message.is_request()) {
    const bool begins = message.to_tag.empty();
    if (call_.transactions.size() >= limits::transactions_per_call / (begins ? 2 : 1)) return true;
    if (!has_room_for(pair)) return true;
  }
  if (call_.dialogs.size() >= limits::dialogs_per_call) return true;
  for (Disposition disposition : dispositions) {
    const auto& description = body(message, disposition);
    if (description && !fits(*description, {*description, origin_})) return true;
  }
  return message.ice_fragment && !fits(*message.ice_fragment, {*message.ice_fragment, origin_});
}

// Whether there is a transaction that a request, or a copy of it, has begun.
bool Turn::has_begun(const SipMessage& request, const base::Address& destination) const {
  if (!request.is_request()) return false;
  return std::any_of(call_.transactions.begin(), call_.transactions.end(), [&](const Transaction& t) {
    return began_with(t, request) && t.pair == pair_of(t.sender, origin_.address, destination);
  });
}

bool Turn::has_strangers() const {
  return std::any_of(call_.transactions.begin(), call_.transactions.end(),
                     [&](const Transaction& transaction) { return is_strange(transaction); }) ||
         std::any_of(call_.dialogs.begin(), call_.dialogs.end(),
                     [&](const Dialog& dialog) { return !call_.legs[dialog.leg].own; });
}

// Strangers give way when there is no room beside them for a message of the parties. A party's response to a
// stranger takes no room from others.
void Turn::make_room(const SipMessage& message, const base::Address& destination) {
  const bool theirs = is_party(origin_.address) && (message.is_request() || is_party(destination));
  if (!theirs || !has_strangers() || !is_short_of_room(message, {origin_.address, destination})) return;
  std::vector<TransactionId> given_up;
  for (const Transaction& transaction : call_.transactions) {
    if (is_strange(transaction)) given_up.push_back(transaction.id);
  }
  for (TransactionId id : given_up) drop_exchanges(id);
  std::erase_if(call_.transactions, [&](const Transaction& transaction) { return is_strange(transaction); });
  std::erase_if(call_.dialogs, [&](const Dialog& dialog) { return !call_.legs[dialog.leg].own; });
  update_.made_room = true;
  if (!changed_) changed(Cause::answer, Cause::replaced, false);
}

}  // namespace dpinholer::negotiation
