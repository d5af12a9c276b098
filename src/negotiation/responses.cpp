// SPDX-License-Identifier: GPL-2.0-or-later
// What responses do (calls.md sections 2 and 3).
#include <algorithm>

#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Method;
using message::SessionDescription;
using message::SipMessage;

namespace {

constexpr std::size_t session = index(Disposition::session);
constexpr std::size_t early_session = index(Disposition::early_session);
constexpr std::uint16_t fork_terminated = 199;  // RFC 6228: of the dialog with this tag, others go on

bool may_describe(const SipMessage& message) {
  return message.status < 300 && (message.method == Method::invite || message.method == Method::update ||
                                  message.method == Method::prack);
}

}  // namespace

// RFC 3261 section 17.1.3, and beyond it: the same tags, and the way back of the request.
Transaction* Turn::match(const SipMessage& response, const base::Address& source,
                         const base::Address& destination) {
  for (Transaction& t : call_.transactions) {
    const Leg back = t.sender == Party::caller ? Leg{destination, source} : Leg{source, destination};
    const bool ours = t.method == response.method && t.cseq == response.cseq && t.branch == response.branch &&
                      t.from_tag == response.from_tag && (t.to_tag.empty() || t.to_tag == response.to_tag) &&
                      t.pair == back;
    if (ours) return &t;
  }
  return nullptr;
}

void Turn::response(const SipMessage& message, const Origin& origin, const base::Address& destination) {
  origin_ = judged(message, origin);
  with_room(message, destination, [&] { apply_response(message, origin.address, destination); });
}

void Turn::apply_response(const SipMessage& message, const base::Address& source,
                          const base::Address& destination) {
  // The From tag is the requester's: a response in a dialog is a sign of its life, whatever its method; a
  // response to a stranger only if it is a 2xx.
  if (const auto requester = sender_of_request(message.from_tag, message.to_tag, destination, source)) {
    const Leg pair = pair_of(*requester, destination, source);
    bool known_pair = false;
    const Targets found = targets(*requester, message.from_tag, message.to_tag, pair, known_pair);
    if (!found.empty() && (message.is_success() || speaks_for_call(destination))) note_life(source);
  }
  Transaction* transaction = match(message, source, destination);
  if (transaction == nullptr) transaction = resume_by_response(message, {destination, source});
  if (transaction == nullptr) {
    const bool may_be_lost = is_open(call_.recovered) && !call_.recovered->answered;
    if (may_describe(message) && message.session && !may_be_lost) refuse(*message.session, Cause::no_request);
    return;
  }
  if (transaction->state == Transaction::State::failed) return;
  if (transaction->initial_invite()) return invite_response(*transaction, message);
  if (transaction->method == Method::bye) return bye_response(*transaction, message);
  in_dialog_response(*transaction, message);
}

void Turn::invite_response(Transaction& transaction, const SipMessage& message) {
  if (message.status == 100) return;
  const bool answered = transaction.state == Transaction::State::succeeded;
  if (message.is_failure() && !answered)
    return fail_invite(transaction, transaction.cancelled ? Cause::cancelled : Cause::rejected);
  if (message.is_provisional() && !answered) prolong(transaction);
  Dialog* dialog = fork(transaction, message);
  if (dialog == nullptr) return;
  if (message.is_provisional() && dialog->state == Dialog::State::confirmed) return;
  if (message.is_failure() || message.status == fork_terminated) {
    if (dialog->state != Dialog::State::early) return;
    end_dialog(*dialog);
    return changed(Cause::answer, Cause::rejected, false);
  }
  dialog->invite = transaction.id;
  if (message.is_success() || message.session) wake(*dialog);
  for (Disposition disposition : dispositions) describe(transaction, *dialog, disposition, message);
  if (message.is_success()) confirm(transaction, *dialog, message);
}

// The live dialog of a response to an initial INVITE, perhaps a new one: each tag of the callee's side is
// one. It may have moved to another leg; one that has only joined there is an offer, perhaps a stranger's.
Dialog* Turn::fork(const Transaction& transaction, const SipMessage& message) {
  bool over = false;
  for (Dialog& dialog : call_.dialogs) {
    const bool moved = dialog.invite == transaction.id && !dialog.joining;
    const bool of_the_invite = dialog.leg == transaction.leg || moved;
    if (!of_the_invite || dialog.caller_tag != message.from_tag || dialog.callee_tag != message.to_tag)
      continue;
    if (dialog.is_live()) return &dialog;
    over = true;
  }
  if (over || message.is_failure() || message.status == fork_terminated) return nullptr;
  const bool too_late = transaction.forks_until && now_ >= *transaction.forks_until;
  if (message.is_provisional() && too_late) return nullptr;
  Dialog dialog;
  dialog.leg = *transaction.leg;
  dialog.caller_tag = message.from_tag;
  dialog.callee_tag = message.to_tag;
  dialog.fork_deadline = transaction.forks_until;
  dialog.dormant = transaction.dormant;
  Dialog* added = add_dialog(std::move(dialog));
  if (added == nullptr && message.session) refuse(*message.session, Cause::limit);
  return added;
}

// What a response to an initial INVITE describes: the answer when the INVITE had the offer, else the offer.
void Turn::describe(const Transaction& transaction, Dialog& dialog, Disposition disposition,
                    const SipMessage& message) {
  const auto& description = body(message, disposition);
  const std::size_t at = index(disposition);
  if (!description || dialog.negotiations[at].past_invite) return;
  if (transaction.has_offer[at] && !transaction.offer[at]) return;  // the offer was refused as a whole
  if (disposition == Disposition::early_session && message.is_success()) return;  // it ends here (RFC 3959)
  // An unreliable provisional response can't carry an offer (RFC 3261 section 13.2.1).
  if (!transaction.has_offer[at] && message.is_provisional() && !message.rseq) return;
  auto& last = dialog.last_response[at];
  if (last && last->description == *description) return;
  auto announcement = admit(description);
  if (!announcement) return;

  if (transaction.has_offer[at]) {
    Agreement agreement = agree(*transaction.offer[at], *announcement, settings_);
    announce(agreement.toward_answerer, *announcement);
    settle(dialog, disposition, Party::caller, std::move(agreement));
    changed(Cause::answer, Cause::replaced, true);
  } else {
    offer_in_response(transaction, dialog, disposition, message, announcement);
  }
  last = std::move(announcement);
}

void Turn::confirm(Transaction& transaction, Dialog& dialog, const SipMessage& message) {
  const bool copy = dialog.state == Dialog::State::confirmed && transaction.forks_until;
  if (copy) return;
  if (!changed_) changed(Cause::answer, Cause::replaced, false);
  dialog.state = Dialog::State::confirmed;
  dialog.fork_deadline.reset();
  set_session_timer(dialog, message);
  call_.last_message = now_;
  dialog.negotiations.end_early();
  transaction.offer[early_session].reset();
  transaction.offer_grants[early_session].clear();
  if (dialog.negotiations[session].answered) transaction.offer_grants = {};
  // An offer made in a reliable provisional response may still be answered in the ACK of a phone that never
  // sent its PRACK.
  for (Exchange& exchange : dialog.negotiations[session].exchanges) {
    if (exchange.transaction == transaction.id) exchange.answer_in = AnswerIn::ack;
  }
  if (!transaction.forks_until) transaction.forks_until = now_ + settings_.terminating;
  for (Dialog& other : call_.dialogs) {
    if (other.invite != transaction.id || other.state != Dialog::State::early) continue;
    if (other.callee_tag == dialog.callee_tag) {
      other.state = Dialog::State::confirmed;  // the same on another leg
      other.dormant = false;
      other.fork_deadline.reset();
      other.session_deadline = dialog.session_deadline;
    } else {
      other.fork_deadline = transaction.forks_until;
    }
  }
  end_other_attempts(transaction);
  if (transaction.state == Transaction::State::proceeding) linger(transaction, Transaction::State::succeeded);
}

// The caller sent the INVITE more than once, or a proxy forked it: pinholes that the other attempts opened
// and no answer agreed on are not needed any more. An attempt that is answered all the same opens both sides
// then.
void Turn::end_other_attempts(const Transaction& answered) {
  for (Transaction& other : call_.transactions) {
    const bool same = other.id != answered.id && is_same_attempt(other, answered);
    if (!same || other.state != Transaction::State::proceeding) continue;
    other.dormant = true;
    other.forks_until = answered.forks_until;
    other.deadline = now_ + settings_.terminating + t4;
    for (Dialog& dialog : call_.dialogs) {
      if (dialog.invite == other.id && dialog.state == Dialog::State::early)
        dialog.fork_deadline = answered.forks_until;
    }
  }
}

void Turn::fail_invite(Transaction& transaction, Cause cause) {
  linger(transaction, Transaction::State::failed);
  for (std::size_t i = call_.dialogs.size(); i-- > 0;) {
    const Dialog& dialog = call_.dialogs[i];
    if (dialog.invite == transaction.id && dialog.state == Dialog::State::early) drop_dialog(i);
  }
  changed(Cause::offer, cause, false);
}

// Responses to re-INVITE, UPDATE, and a PRACK that offered.
void Turn::in_dialog_response(Transaction& transaction, const SipMessage& message) {
  if (message.status == 100 || transaction.state != Transaction::State::proceeding) return;
  if (message.is_failure()) {
    drop_exchanges(transaction.id);
    linger(transaction, Transaction::State::failed);
    return changed(Cause::answer, transaction.cancelled ? Cause::cancelled : Cause::rejected, false);
  }
  if (message.is_provisional()) {
    prolong(transaction);
  } else if (transaction.method != Method::prack) {
    for (Dialog* dialog : targets(transaction)) set_session_timer(*dialog, message);
  }
  bool answered = false;
  for (Disposition disposition : dispositions)
    answered |= answer_in_response(transaction, disposition, message);
  if (answered && message.is_provisional()) {
    transaction.dormant = false;
    prolong(transaction);
  }
  const bool late = transaction.method == Method::invite && !transaction.has_offer[session] && !answered;
  if (late && message.session && (message.is_success() || message.rseq)) {
    const auto offer = admit(message.session);
    Dialog* dialog = offer ? dialog_of(transaction) : nullptr;
    if (dialog != nullptr) offer_in_response(transaction, *dialog, Disposition::session, message, offer);
  }
  if (message.is_success()) linger(transaction, Transaction::State::succeeded);
}

// An answer before the final response stands beside the running session, which stays if the re-INVITE is
// refused after all (RFC 6337 section 3.3). The final one may leave it out.
bool Turn::answer_in_response(const Transaction& transaction, Disposition disposition,
                              const SipMessage& message) {
  bool answered = false;
  for (Dialog* dialog : targets(transaction)) {
    Negotiation& negotiation = dialog->negotiations[index(disposition)];
    auto exchange = exchange_of(negotiation, transaction.id);
    if (exchange == negotiation.exchanges.end()) continue;
    std::optional<Agreement> agreement;
    std::shared_ptr<const Announcement> answer;
    if (exchange->offerer == transaction.sender) answer = admit(body(message, disposition));
    if (answer) agreement = agree(*exchange->offer, *answer, settings_);
    if (!agreement && message.is_success() && !exchange->answered_elsewhere)
      agreement = exchange->provisional;
    const bool said_again =
        message.is_provisional() && !exchange->dormant && agreement == exchange->provisional;
    if (!agreement || said_again) continue;
    if (answer) announce(agreement->toward_answerer, *answer);
    if (message.is_provisional()) {
      exchange->provisional = std::move(agreement);
      exchange->dormant = false;
    } else {
      conclude(*dialog, disposition, transaction.id, *std::move(agreement), true);
    }
    changed(Cause::answer, Cause::replaced, true);
    answered = true;
  }
  return answered;
}

// The INVITE had no offer, so its response has: the answer is in the ACK or the PRACK.
void Turn::offer_in_response(const Transaction& transaction, Dialog& dialog, Disposition disposition,
                             const SipMessage& message, const std::shared_ptr<const Announcement>& offer) {
  Negotiation& negotiation = dialog.negotiations[index(disposition)];
  auto exchange = exchange_of(negotiation, transaction.id);
  if (exchange == negotiation.exchanges.end()) {
    exchange = negotiation.exchanges.insert(exchange, Exchange{});
  } else if (message.is_provisional() && exchange->offer->description == offer->description) {
    return;  // said again
  }
  exchange->transaction = transaction.id;
  exchange->offerer = other(transaction.sender);
  exchange->answer_in = message.is_success() ? AnswerIn::ack : AnswerIn::prack;
  exchange->offer = offer;
  exchange->grants = not_yet_open(dialog, disposition, exchange->offerer, *offer);
  announce(offered(*offer, settings_), *offer);
  changed(Cause::offer, Cause::replaced, true);
}

// 2xx, 481 and 408 end the dialog (RFC 3261 section 15.1.1); after any other final response it goes on: a BYE
// that an endpoint rejects may be forged. On a leg that its dialog did not take before, only a 2xx ends it:
// anybody who knows the tags can provoke a 481.
void Turn::bye_response(Transaction& transaction, const SipMessage& message) {
  if (message.is_provisional() || transaction.state != Transaction::State::proceeding) return;
  const bool gone = transaction.leg && (message.status == 481 || message.status == 408);
  const bool ends = message.is_success() || gone;
  if (ends) {
    for (Dialog* dialog : targets(transaction)) {
      if (message.is_success()) prove(*dialog);
      end_by_bye(*dialog);
    }
    changed(Cause::answer, Cause::bye, false);
  }
  linger(transaction, ends ? Transaction::State::succeeded : Transaction::State::failed);
}

}  // namespace dpinholer::negotiation
