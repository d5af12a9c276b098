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

const std::optional<SessionDescription>& body(const SipMessage& message, Disposition disposition) {
  return disposition == Disposition::session ? message.session : message.early_session;
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

void Turn::response(const SipMessage& message, const base::Address& source,
                    const base::Address& destination) {
  // The From tag is the requester's: a response in a dialog is a sign of its life, whatever its method.
  if (const auto requester = sender_of_request(message.from_tag, message.to_tag)) {
    const Leg pair = *requester == Party::caller ? Leg{destination, source} : Leg{source, destination};
    bool known_pair = false;
    if (!targets(*requester, message.from_tag, message.to_tag, pair, known_pair).empty())
      call_.last_message = now_;
  }
  Transaction* transaction = match(message, source, destination);
  if (transaction == nullptr) {
    if (may_describe(message) && message.session) refuse(*message.session, source, Cause::no_request);
    return;
  }
  if (transaction->state == Transaction::State::failed) return;
  if (transaction->initial_invite()) return invite_response(*transaction, message, source);
  if (transaction->method == Method::bye) return bye_response(*transaction, message);
  in_dialog_response(*transaction, message, source);
}

void Turn::invite_response(Transaction& transaction, const SipMessage& message, const base::Address& source) {
  if (message.status == 100) return;
  const bool answered = transaction.state == Transaction::State::succeeded;
  if (message.is_failure() && !answered)
    return fail_invite(transaction, transaction.cancelled ? Cause::cancelled : Cause::rejected);
  if (message.is_provisional() && !answered) transaction.deadline = now_ + settings_.early;
  auto known = std::find_if(call_.dialogs.begin(), call_.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.leg == transaction.leg && dialog.caller_tag == message.from_tag &&
           dialog.callee_tag == message.to_tag;
  });
  Dialog* dialog = known != call_.dialogs.end() ? &*known : nullptr;
  if (message.is_failure() || message.status == fork_terminated) {
    if (dialog == nullptr || dialog->invite != transaction.id || dialog->state != Dialog::State::early)
      return;
    end_dialog(*dialog);
    return changed(Cause::answer, Cause::rejected, false);
  }
  if (dialog == nullptr) {
    const bool forks_are_over = transaction.forks_until && now_ >= *transaction.forks_until;
    if (message.is_provisional() && forks_are_over) return;
    dialog = add_dialog(*transaction.leg, message.from_tag, message.to_tag, Dialog::State::early);
    if (dialog == nullptr) {
      if (message.session) refuse(*message.session, source, Cause::limit);
      return;
    }
    dialog->fork_deadline = transaction.forks_until;
  }
  if (dialog->state == Dialog::State::terminated) return;
  if (message.is_provisional() && dialog->state == Dialog::State::confirmed) return;
  dialog->invite = transaction.id;
  for (Disposition disposition : dispositions) describe(transaction, *dialog, disposition, message, source);
  if (message.is_success()) confirm(transaction, *dialog, message);
}

// What a response to an initial INVITE describes: the answer when the INVITE had the offer, else the offer.
void Turn::describe(Transaction& transaction, Dialog& dialog, Disposition disposition,
                    const SipMessage& message, const base::Address& source) {
  const auto& description = body(message, disposition);
  const std::size_t at = index(disposition);
  if (!description || transaction.offer_void) return;
  if (disposition == Disposition::early_session && message.is_success()) return;  // it ends here (RFC 3959)
  auto& last = dialog.last_response[at];
  if (last && last->description == *description) return;
  auto announcement = admit(description, source);
  if (!announcement) return;

  Negotiation& negotiation = dialog.negotiations[at];
  if (transaction.offer[at]) {
    Agreement agreement = agree(*transaction.offer[at], *announcement, settings_);
    announce(agreement.toward_answerer);
    settle(dialog, disposition, Party::caller, std::move(agreement));
    changed(Cause::answer, Cause::replaced, true);
  } else {
    // An unreliable provisional response can't carry the offer of a session (RFC 3261 section 13.2.1).
    const bool may_offer = message.is_success() || message.rseq || disposition == Disposition::early_session;
    if (!may_offer) return;
    std::erase_if(negotiation.exchanges, [&](const Exchange& e) { return e.transaction == transaction.id; });
    Exchange& exchange = negotiation.exchanges.emplace_back();
    exchange.transaction = transaction.id;
    exchange.offerer = Party::callee;
    exchange.answer_in = message.is_success() ? AnswerIn::ack : AnswerIn::prack;
    exchange.offer = announcement;
    exchange.grants = offered(*announcement, settings_);
    announce(exchange.grants);
    changed(Cause::offer, Cause::replaced, true);
  }
  last = std::move(announcement);
}

void Turn::confirm(Transaction& transaction, Dialog& dialog, const SipMessage& message) {
  const bool first = dialog.state != Dialog::State::confirmed;
  dialog.state = Dialog::State::confirmed;
  dialog.fork_deadline.reset();
  set_session_timer(dialog, message);
  call_.last_message = now_;
  if (first) {
    if (!changed_) changed(Cause::answer, Cause::replaced, false);
    dialog.negotiations[early_session] = {};
    transaction.offer[early_session].reset();
    transaction.offer_grants[early_session].clear();
    if (!transaction.forks_until) transaction.forks_until = now_ + settings_.terminating;
    for (Dialog& sibling : call_.dialogs) {
      const bool early = sibling.invite == transaction.id && sibling.state == Dialog::State::early;
      if (early) sibling.fork_deadline = transaction.forks_until;
    }
  }
  if (dialog.negotiations[session].answered) transaction.offer_grants = {};
  // An offer made in a reliable provisional response may still be answered in the ACK of a phone that never
  // sent its PRACK.
  for (Exchange& exchange : dialog.negotiations[session].exchanges) {
    if (exchange.transaction == transaction.id) exchange.answer_in = AnswerIn::ack;
  }
  if (transaction.state == Transaction::State::proceeding) linger(transaction, Transaction::State::succeeded);
}

void Turn::fail_invite(Transaction& transaction, Cause cause) {
  linger(transaction, Transaction::State::failed);
  std::erase_if(call_.dialogs, [&](const Dialog& dialog) {
    return dialog.invite == transaction.id && dialog.state == Dialog::State::early;
  });
  changed(Cause::offer, cause, false);
}

// Responses to re-INVITE, UPDATE, and a PRACK that offered.
void Turn::in_dialog_response(Transaction& transaction, const SipMessage& message,
                              const base::Address& source) {
  if (message.status == 100) return;
  if (message.is_failure()) {
    if (transaction.state != Transaction::State::proceeding) return;
    drop_exchanges(transaction.id);
    changed(Cause::answer, transaction.cancelled ? Cause::cancelled : Cause::rejected, false);
    linger(transaction, Transaction::State::failed);
    return;
  }
  if (message.is_provisional()) transaction.deadline = now_ + settings_.early;
  bool answered = false;
  for (Dialog* dialog : targets(transaction)) {
    if (message.is_provisional()) {
      provisional_in_dialog(transaction, *dialog, message, source);
    } else {
      answered |= success_in_dialog(transaction, *dialog, message, source);
    }
  }
  if (answered && transaction.takes_over) take_over(transaction);
  if (message.is_success() && transaction.state == Transaction::State::proceeding) {
    linger(transaction, Transaction::State::succeeded);
  }
}

// An answer before the final response stands beside the running session, which stays if the re-INVITE is
// refused after all (RFC 6337 section 3.3).
void Turn::provisional_in_dialog(Transaction& transaction, Dialog& dialog, const SipMessage& message,
                                 const base::Address& source) {
  if (transaction.state != Transaction::State::proceeding || !message.session || transaction.offer_void)
    return;
  auto& exchanges = dialog.negotiations[session].exchanges;
  auto exchange = std::find_if(exchanges.begin(), exchanges.end(),
                               [&](const Exchange& e) { return e.transaction == transaction.id; });
  const bool late = exchange == exchanges.end() || exchange->offerer != transaction.sender;
  if (late && !message.rseq) return;
  auto announcement = admit(message.session, source);
  if (!announcement) return;
  if (!late) {
    Agreement agreement = agree(*exchange->offer, *announcement, settings_);
    if (agreement == exchange->provisional) return;
    announce(agreement.toward_answerer);
    exchange->provisional = std::move(agreement);
    changed(Cause::answer, Cause::replaced, true);
    return;
  }
  if (exchange == exchanges.end()) exchange = exchanges.insert(exchanges.end(), Exchange{});
  exchange->transaction = transaction.id;
  exchange->offerer = other(transaction.sender);
  exchange->answer_in = AnswerIn::prack;
  exchange->offer = announcement;
  exchange->grants = offered(*announcement, settings_);
  announce(exchange->grants);
  changed(Cause::offer, Cause::replaced, true);
}

bool Turn::success_in_dialog(Transaction& transaction, Dialog& dialog, const SipMessage& message,
                             const base::Address& source) {
  bool answered = false;
  if (transaction.method != Method::prack) set_session_timer(dialog, message);
  for (Disposition disposition : dispositions) {
    auto& exchanges = dialog.negotiations[index(disposition)].exchanges;
    auto exchange = std::find_if(exchanges.begin(), exchanges.end(),
                                 [&](const Exchange& e) { return e.transaction == transaction.id; });
    if (exchange != exchanges.end() && exchange->offerer == transaction.sender) {
      auto answer = admit(body(message, disposition), source);
      Agreement agreement = answer ? agree(*exchange->offer, *answer, settings_) : exchange->provisional;
      if (!answer && agreement == Agreement{}) continue;  // unanswered, or not to be read: it waits
      announce(agreement.toward_answerer);
      settle(dialog, disposition, transaction.sender, std::move(agreement));
      exchanges.erase(exchange);
      changed(Cause::answer, Cause::replaced, true);
      answered = true;
    } else if (disposition == Disposition::session && transaction.method == Method::invite &&
               message.session && transaction.state == Transaction::State::proceeding &&
               !transaction.offer_void) {
      auto offer = admit(message.session, source);
      if (!offer) continue;
      if (exchange == exchanges.end()) exchange = exchanges.insert(exchanges.end(), Exchange{});
      exchange->transaction = transaction.id;
      exchange->offerer = other(transaction.sender);
      exchange->answer_in = AnswerIn::ack;
      exchange->offer = offer;
      exchange->grants = offered(*offer, settings_);
      announce(exchange->grants);
      changed(Cause::offer, Cause::replaced, true);
    }
  }
  return answered;
}

// The dialog goes another way from now on: what its older legs opened is not needed any more.
void Turn::take_over(const Transaction& transaction) {
  const Leg& pair = transaction.pair;
  std::erase_if(call_.dialogs, [&](const Dialog& older) {
    const bool caller_sent = transaction.sender == Party::caller;
    const bool same = older.caller_tag == (caller_sent ? transaction.from_tag : transaction.to_tag) &&
                      older.callee_tag == (caller_sent ? transaction.to_tag : transaction.from_tag);
    const Leg& leg = call_.legs[older.leg];
    return same && leg != pair && (leg.caller == pair.caller || leg.callee == pair.callee);
  });
}

// 2xx, 481 and 408 end the dialog (RFC 3261 section 15.1.1); after any other final response it goes on: a BYE
// that an endpoint rejects may be forged.
void Turn::bye_response(Transaction& transaction, const SipMessage& message) {
  if (message.is_provisional() || transaction.state != Transaction::State::proceeding) return;
  const bool ends = message.is_success() || message.status == 481 || message.status == 408;
  if (ends) {
    for (Dialog* dialog : targets(transaction)) end_dialog(*dialog);
    changed(Cause::answer, Cause::bye, false);
  }
  linger(transaction, ends ? Transaction::State::succeeded : Transaction::State::failed);
}

}  // namespace dpinholer::negotiation
