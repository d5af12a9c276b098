// SPDX-License-Identifier: GPL-2.0-or-later
// What requests do (calls.md sections 2 and 3).
#include <algorithm>

#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Method;
using message::SessionDescription;
using message::SipMessage;

void Turn::request(const SipMessage& message, const Origin& origin, const base::Address& destination) {
  origin_ = judged(message, origin);
  with_room(message, destination, [&] { apply_request(message, origin.address, destination); });
}

void Turn::apply_request(const SipMessage& message, const base::Address& source,
                         const base::Address& destination) {
  if (message.method == Method::cancel) return cancel(message, source, destination);
  if (message.method == Method::invite && message.to_tag.empty()) return invite(message, source, destination);

  auto sender = sender_of_request(message.from_tag, message.to_tag, source, destination);
  if (!sender && resume_by_request(message, {source, destination})) sender = Party::caller;
  if (!sender) {
    const bool starts_state = message.method == Method::invite || message.method == Method::update;
    if (starts_state && !message.to_tag.empty()) {
      // The gateway started in the middle of the call, or the dialog was established some other way.
      note_life(source);
      return offering_request(message, Party::caller, {source, destination});
    }
    if (message.method == Method::ack && message.session) refuse(*message.session, Cause::no_request);
    return;
  }
  const Leg pair = pair_of(*sender, source, destination);
  bool known_pair = false;
  if (!targets(*sender, message.from_tag, message.to_tag, pair, known_pair).empty()) note_life(source);
  switch (message.method) {
    case Method::invite:
    case Method::update:
      return offering_request(message, *sender, pair);
    case Method::prack:
      return prack(message, *sender, pair);
    case Method::ack:
      return ack(message, *sender, pair);
    case Method::bye:
      return bye(message, *sender, pair);
    case Method::info:
      return trickle(message, *sender, pair);
    case Method::cancel:
    case Method::message:
    case Method::notify:
    case Method::options:
    case Method::publish:
    case Method::refer:
    case Method::register_:
    case Method::subscribe:
    case Method::other:
      return;  // a sign of life, no more
  }
}

void Turn::invite(const SipMessage& message, const base::Address& source, const base::Address& destination) {
  const Leg pair{source, destination};
  const auto leg = leg_for(pair, may_begin_own_leg(source));
  if (!leg) {
    if (message.session) refuse(*message.session, Cause::limit);
    return;
  }
  Transaction* transaction = begin(message, Party::caller, pair, leg);
  if (transaction == nullptr) return;
  give_up_older(*transaction);
  for (const Transaction& other : call_.transactions) {
    const bool late = other.state == Transaction::State::succeeded && is_same_attempt(other, *transaction);
    if (late) transaction->dormant = true;
  }
  for (Disposition disposition : dispositions) {
    auto offer = admit(body(message, disposition));
    if (!offer) continue;
    transaction->offer_grants[index(disposition)] = offered(*offer, settings_);
    transaction->offer[index(disposition)] = offer;
    announce(transaction->offer_grants[index(disposition)], *offer);
    changed(Cause::offer, Cause::replaced, true);
  }
}

// A caller tries again (another proxy, credentials, a redirect) when the INVITE before came to nothing,
// whether its end was seen or not. Forks of one INVITE have the same CSeq.
void Turn::give_up_older(const Transaction& invite) {
  for (Transaction& older : call_.transactions) {
    const bool same_caller = older.initial_invite() && older.from_tag == invite.from_tag &&
                             older.pair.caller == invite.pair.caller;
    if (same_caller && older.state == Transaction::State::proceeding && older.cseq < invite.cseq)
      fail_invite(older, Cause::replaced);
  }
}

// re-INVITE and UPDATE (RFC 3261 section 14, RFC 3311).
void Turn::offering_request(const SipMessage& message, Party sender, const Leg& pair) {
  bool known_pair = false;
  const Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (known_pair && found.empty()) return;  // the dialog is over
  const auto leg = leg_for(pair, !found.empty() && is_party(end_of(pair, sender)));
  if (!leg) {
    if (message.session) refuse(*message.session, Cause::limit);
    return;
  }
  Transaction* transaction = begin(message, sender, pair, leg);
  if (transaction == nullptr) return;
  const auto offer = admit(message.session);
  if (!offer) return;
  Dialog* dialog = dialog_of(*transaction);
  if (dialog == nullptr) return refuse(*message.session, Cause::limit);
  offer_in_dialog(*transaction, {dialog}, Disposition::session, offer);
}

void Turn::offer_in_dialog(const Transaction& transaction, const Targets& found, Disposition disposition,
                           const std::shared_ptr<const Announcement>& offer) {
  announce(offered(*offer, settings_), *offer);
  for (Dialog* dialog : found) {
    Exchange& exchange = dialog->negotiations[index(disposition)].exchanges.emplace_back();
    exchange.transaction = transaction.id;
    exchange.offerer = transaction.sender;
    exchange.offer = offer;
    exchange.grants = not_yet_open(*dialog, disposition, transaction.sender, *offer);
  }
  changed(Cause::offer, Cause::replaced, true);
}

// The offer came in a response to an INVITE of `sender`: this ACK or PRACK answers it.
//
// On an address pair that is not the dialog's own the first such answer counts (a phone that sends directly),
// but is not the last word: a stranger who knows the tags could have sent it (attack A9). Unless a party sent
// it, it stands beside the offer, and becomes the answer when its INVITE is forgotten without another (attack
// A30).
bool Turn::answer_in_request(const SipMessage& message, Party sender, const Targets& found,
                             Disposition disposition, const Leg& pair) {
  const AnswerIn here = message.method == Method::ack ? AnswerIn::ack : AnswerIn::prack;
  const std::uint32_t cseq = here == AnswerIn::ack ? message.cseq
                             : message.rack        ? message.rack->cseq_number
                                                   : 0;
  bool answered = false;
  for (const Transaction& invite : call_.transactions) {
    if (invite.method != Method::invite || invite.sender != sender || invite.cseq != cseq) continue;
    for (Dialog* dialog : found) {
      Negotiation& negotiation = dialog->negotiations[index(disposition)];
      auto exchange = exchange_of(negotiation, invite.id);
      if (exchange == negotiation.exchanges.end() || exchange->offerer == sender ||
          exchange->answer_in != here)
        continue;
      const bool own_pair = call_.legs[dialog->leg] == pair;
      const bool strange = !own_pair && !speaks_for_call(end_of(pair, sender));
      const bool may_answer = exchange->offer_stands() && !(strange && exchange->answered_elsewhere);
      if (!own_pair && !may_answer) continue;
      const auto answer = admit(body(message, disposition));
      if (!answer) continue;
      Agreement agreement = agree(*exchange->offer, *answer, settings_);
      announce(agreement.toward_answerer, *answer);
      const bool may_roll_back = !invite.initial_invite() && invite.state == Transaction::State::proceeding;
      if (may_roll_back || strange) {
        exchange->answered_elsewhere = strange;
        exchange->provisional = std::move(agreement);
      } else {
        exchange->provisional.reset();
        conclude(*dialog, disposition, invite.id, std::move(agreement), own_pair);
      }
      changed(Cause::answer, Cause::replaced, true);
      answered = true;
    }
  }
  return answered;
}

void Turn::prack(const SipMessage& message, Party sender, const Leg& pair) {
  if (!message.session && !message.early_session) return;
  bool known_pair = false;
  const Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (found.empty()) return;
  const Transaction* transaction =
      begin(message, sender, pair, known_pair ? std::optional(found.front()->leg) : std::nullopt);
  if (transaction == nullptr) return;
  for (Disposition disposition : dispositions) {
    if (answer_in_request(message, sender, found, disposition, pair)) continue;
    const auto offer = admit(body(message, disposition));
    if (offer) offer_in_dialog(*transaction, found, disposition, offer);
  }
}

void Turn::ack(const SipMessage& message, Party sender, const Leg& pair) {
  bool known_pair = false;
  const Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  for (Disposition disposition : dispositions) {
    if (!body(message, disposition)) continue;
    answer_in_request(message, sender, found, disposition, pair);
    if (found.empty() && !known_pair) refuse(*body(message, disposition), Cause::no_request);
  }
}

void Turn::bye(const SipMessage& message, Party sender, const Leg& pair) {
  bool known_pair = false;
  Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (found.empty()) return;
  begin(message, sender, pair, known_pair ? std::optional(found.front()->leg) : std::nullopt);
}

// RFC 3261 section 9.1: same Request-URI, Call-ID, To, CSeq number and From as the request, and its branch.
void Turn::cancel(const SipMessage& message, const base::Address& source, const base::Address& destination) {
  for (Transaction& transaction : call_.transactions) {
    const bool meant = transaction.method == Method::invite &&
                       transaction.state == Transaction::State::proceeding &&
                       transaction.cseq == message.cseq && transaction.branch == message.branch &&
                       transaction.from_tag == message.from_tag &&
                       transaction.pair == pair_of(transaction.sender, source, destination);
    if (!meant || transaction.cancelled) continue;
    transaction.cancelled = true;
    transaction.cancel_deadline = now_ + settings_.terminating;
  }
}

}  // namespace dpinholer::negotiation
