// SPDX-License-Identifier: GPL-2.0-or-later
// What requests do (calls.md sections 2 and 3).
#include <algorithm>

#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Method;
using message::SessionDescription;
using message::SipMessage;

namespace {

Leg pair_of(Party sender, const base::Address& source, const base::Address& destination) {
  return sender == Party::caller ? Leg{source, destination} : Leg{destination, source};
}

const base::Address& end_of(const Leg& pair, Party party) {
  return party == Party::caller ? pair.caller : pair.callee;
}

// The transports of a new offer that the session has open already keep their binding; the others open to
// anybody until the answer.
Grants only_new(Grants offered, const Grants& session) {
  auto open_already = [&](const Transport& transport) {
    return std::any_of(session.begin(), session.end(), [&](const Grant& grant) {
      return std::any_of(grant.to.begin(), grant.to.end(), [&](const Transport& open) {
        return !open.held && open.protocol == transport.protocol && open.port == transport.port &&
               open.address == transport.address;
      });
    });
  };
  for (Grant& grant : offered) std::erase_if(grant.to, open_already);
  return offered;
}

}  // namespace

void Turn::request(const SipMessage& message, const base::Address& source, const base::Address& destination) {
  if (message.method == Method::cancel) return cancel(message, source, destination);
  if (message.method == Method::invite && message.to_tag.empty()) return invite(message, source, destination);

  const auto sender = sender_of_request(message.from_tag, message.to_tag);
  if (!sender) {
    const bool starts_state = message.method == Method::invite || message.method == Method::update;
    if (starts_state && !message.to_tag.empty()) return pick_up(message, {source, destination});
    if (message.method == Method::ack && message.session) refuse(*message.session, source, Cause::no_request);
    return;
  }
  const Leg pair = pair_of(*sender, source, destination);
  bool known_pair = false;
  if (!targets(*sender, message.from_tag, message.to_tag, pair, known_pair).empty())
    call_.last_message = now_;
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
  const auto leg = leg_for(pair);
  if (!leg) {
    if (message.session) refuse(*message.session, source, Cause::limit);
    return;
  }
  Transaction* transaction = begin(message, Party::caller, pair, leg);
  if (transaction == nullptr) return;
  const std::optional<SessionDescription>* bodies[] = {&message.session, &message.early_session};
  for (Disposition disposition : dispositions) {
    const auto& body = *bodies[index(disposition)];
    auto offer = admit(body, source);
    if (body && !offer) transaction->offer_void = true;
    if (!offer) continue;
    transaction->offer_grants[index(disposition)] = offered(*offer, settings_);
    transaction->offer[index(disposition)] = offer;
    announce(transaction->offer_grants[index(disposition)]);
    changed(Cause::offer, Cause::replaced, true);
  }
}

// The gateway started in the middle of the call, or the dialog was established some other way.
void Turn::pick_up(const SipMessage& message, const Leg& pair) {
  const auto leg = leg_for(pair);
  Dialog* dialog =
      leg ? add_dialog(*leg, message.from_tag, message.to_tag, Dialog::State::confirmed) : nullptr;
  if (dialog == nullptr) {
    if (message.session) refuse(*message.session, pair.caller, Cause::limit);
    return;
  }
  call_.last_message = now_;
  offering_request(message, Party::caller, pair);
}

// re-INVITE and UPDATE (RFC 3261 section 14, RFC 3311).
void Turn::offering_request(const SipMessage& message, Party sender, const Leg& pair) {
  bool known_pair = false;
  Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (known_pair && found.empty()) return;  // the dialog is over
  bool takes_over = false;
  if (!known_pair) {
    takes_over = !found.empty();
    const auto leg = leg_for(pair);
    const std::string& caller_tag = sender == Party::caller ? message.from_tag : message.to_tag;
    const std::string& callee_tag = sender == Party::caller ? message.to_tag : message.from_tag;
    Dialog* dialog = leg ? add_dialog(*leg, caller_tag, callee_tag, Dialog::State::confirmed) : nullptr;
    if (dialog == nullptr) {
      if (message.session) refuse(*message.session, end_of(pair, sender), Cause::limit);
      return;
    }
    found = {dialog};
  }
  Transaction* transaction = begin(message, sender, pair, found.front()->leg);
  if (transaction == nullptr) return;
  transaction->takes_over = takes_over;
  if (message.session) {
    auto offer = admit(message.session, end_of(pair, sender));
    if (!offer) transaction->offer_void = true;
    if (offer) offer_in_dialog(*transaction, found, Disposition::session, offer);
  }
}

void Turn::offer_in_dialog(const Transaction& transaction, Targets& found, Disposition disposition,
                           const std::shared_ptr<const Announcement>& offer) {
  const Grants grants = offered(*offer, settings_);
  announce(grants);
  for (Dialog* dialog : found) {
    Negotiation& negotiation = dialog->negotiations[index(disposition)];
    Exchange& exchange = negotiation.exchanges.emplace_back();
    exchange.transaction = transaction.id;
    exchange.offerer = transaction.sender;
    exchange.offer = offer;
    exchange.grants = only_new(grants, negotiation.toward(transaction.sender));
  }
  changed(Cause::offer, Cause::replaced, true);
}

// The offer came in a response to a request of `sender`; this request answers it.
bool Turn::answer_in_request(const SipMessage& message, Party sender, Targets& found, AnswerIn where,
                             const base::Address& signalled_from) {
  bool answered = false;
  const std::optional<SessionDescription>* bodies[] = {&message.session, &message.early_session};
  for (Disposition disposition : dispositions) {
    for (Dialog* dialog : found) {
      auto& exchanges = dialog->negotiations[index(disposition)].exchanges;
      auto belongs = [&](const Exchange& exchange) {
        if (exchange.answer_in != where || exchange.offerer == sender) return false;
        const std::uint32_t cseq = where == AnswerIn::ack ? message.cseq
                                   : message.rack         ? message.rack->cseq_number
                                                          : 0;
        auto t = std::find_if(call_.transactions.begin(), call_.transactions.end(),
                              [&](const Transaction& known) { return known.id == exchange.transaction; });
        return t != call_.transactions.end() && t->cseq == cseq;
      };
      auto exchange = std::find_if(exchanges.begin(), exchanges.end(), belongs);
      if (exchange == exchanges.end()) continue;
      auto answer = admit(*bodies[index(disposition)], signalled_from);
      if (!answer) continue;
      Agreement agreement = agree(*exchange->offer, *answer, settings_);
      announce(agreement.toward_answerer);
      settle(*dialog, disposition, exchange->offerer, std::move(agreement));
      exchanges.erase(exchange);
      changed(Cause::answer, Cause::replaced, true);
      answered = true;
    }
  }
  return answered;
}

void Turn::prack(const SipMessage& message, Party sender, const Leg& pair) {
  if (!message.session && !message.early_session) return;
  bool known_pair = false;
  Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (found.empty()) return;
  const base::Address& source = end_of(pair, sender);
  if (answer_in_request(message, sender, found, AnswerIn::prack, source)) return;
  Transaction* transaction =
      begin(message, sender, pair, known_pair ? std::optional(found.front()->leg) : std::nullopt);
  if (transaction == nullptr) return;
  const std::optional<SessionDescription>* bodies[] = {&message.session, &message.early_session};
  for (Disposition disposition : dispositions) {
    auto offer = admit(*bodies[index(disposition)], source);
    if (offer) offer_in_dialog(*transaction, found, disposition, offer);
  }
}

void Turn::ack(const SipMessage& message, Party sender, const Leg& pair) {
  if (!message.session) return;
  bool known_pair = false;
  Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  answer_in_request(message, sender, found, AnswerIn::ack, end_of(pair, sender));
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

// INFO with a trickle ICE fragment (RFC 8840): candidates for what its sender offered or answered.
void Turn::trickle(const SipMessage& message, Party sender, const Leg& pair) {
  if (!message.ice_fragment) return;
  bool known_pair = false;
  Targets found = targets(sender, message.from_tag, message.to_tag, pair, known_pair);
  if (found.empty()) return;
  const base::Address& source = end_of(pair, sender);
  auto admitted = admit(message.ice_fragment, source);
  if (!admitted) return;
  const SessionDescription& fragment = admitted->description;

  bool added = false;
  auto extend = [&](std::shared_ptr<const Announcement>& offer) {
    Announcement more = *offer;
    if (!add_candidates(more.description, fragment)) return false;
    offer = std::make_shared<Announcement>(std::move(more));
    return true;
  };
  constexpr std::size_t session = index(Disposition::session);
  for (Transaction& transaction : call_.transactions) {
    const bool own = transaction.initial_invite() && transaction.state == Transaction::State::proceeding &&
                     sender == Party::caller && transaction.from_tag == message.from_tag &&
                     transaction.pair == pair && transaction.offer[session];
    if (!own || !extend(transaction.offer[session])) continue;
    transaction.offer_grants[session] = offered(*transaction.offer[session], settings_);
    added = true;
  }
  for (Dialog* dialog : found) {
    Negotiation& negotiation = dialog->negotiations[session];
    added |= add_candidates(negotiation.toward(sender), negotiation.toward(other(sender)), fragment,
                            settings_.tcp);
    for (Exchange& exchange : negotiation.exchanges) {
      if (exchange.offerer != sender || !extend(exchange.offer)) continue;
      exchange.grants = only_new(offered(*exchange.offer, settings_), negotiation.toward(sender));
      added = true;
    }
  }
  if (!added) return;
  announce(offered(*admitted, settings_));
  changed(Cause::candidate, Cause::replaced, true);
}

}  // namespace dpinholer::negotiation
