// SPDX-License-Identifier: GPL-2.0-or-later
// The dialogs of a call: which a message belongs to, on which legs they go, and what they agreed on (calls.md
// sections 2 and 3).
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

namespace limits = base::limits;

namespace {

const std::string& tag_of(const Dialog& dialog, Party party) {
  return party == Party::caller ? dialog.caller_tag : dialog.callee_tag;
}

bool has_tags(const Dialog& dialog, Party sender, std::string_view from_tag, std::string_view to_tag) {
  return tag_of(dialog, sender) == from_tag && tag_of(dialog, other(sender)) == to_tag;
}

// Leaves of `grants` what `open` does not have.
void forget_open(Grants& grants, const Grants& open) {
  auto is_open = [&](const Transport& transport) {
    return std::any_of(open.begin(), open.end(), [&](const Grant& grant) {
      return std::any_of(grant.to.begin(), grant.to.end(), [&](const Transport& known) {
        return !known.held && known.protocol == transport.protocol && known.port == transport.port &&
               known.address == transport.address;
      });
    });
  };
  for (Grant& grant : grants) std::erase_if(grant.to, is_open);
}

}  // namespace

std::vector<Exchange>::iterator exchange_of(Negotiation& negotiation, TransactionId transaction) {
  return std::find_if(negotiation.exchanges.begin(), negotiation.exchanges.end(),
                      [&](const Exchange& exchange) { return exchange.transaction == transaction; });
}

std::optional<Party> Turn::sender_of_request(std::string_view from_tag, std::string_view to_tag) const {
  for (Party party : {Party::caller, Party::callee}) {
    for (const Dialog& dialog : call_.dialogs) {
      if (has_tags(dialog, party, from_tag, to_tag)) return party;
    }
  }
  return std::nullopt;
}

// The same, where the tags alone don't tell: a stranger may have a dialog of his own with the two swapped.
std::optional<Party> Turn::sender_of_request(std::string_view from_tag, std::string_view to_tag,
                                             const base::Address& source,
                                             const base::Address& destination) const {
  std::optional<Party> near;
  for (Party party : {Party::caller, Party::callee}) {
    const Leg pair = pair_of(party, source, destination);
    for (const Dialog& dialog : call_.dialogs) {
      if (!has_tags(dialog, party, from_tag, to_tag)) continue;
      const Leg& leg = call_.legs[dialog.leg];
      if (leg == pair) return party;
      if (!near && shares_an_end(leg, pair)) near = party;
    }
  }
  return near ? near : sender_of_request(from_tag, to_tag);
}

// The dialogs that a message inside a dialog applies to: the one of its own address pair, or else, when it
// took a way that its dialog did not take before, all those it could belong to. A pair that shares no end
// with a leg of the dialog is somebody else's: without that rule a stranger who learned the tags could have a
// host of his own choosing answer 481 to a BYE (attack A8). A leg that a stranger began shares its
// ends with no other: else his accomplice could agree with him in that dialog (attack A30).
Turn::Targets Turn::targets(Party sender, std::string_view from_tag, std::string_view to_tag, const Leg& pair,
                            bool& known_pair) {
  Targets found;
  known_pair = false;
  const bool parties_known = has_own_leg(call_);
  for (Dialog& dialog : call_.dialogs) {
    if (!has_tags(dialog, sender, from_tag, to_tag)) continue;
    const Leg& leg = call_.legs[dialog.leg];
    if (leg == pair && !dialog.joining && dialog.state != Dialog::State::superseded) {
      known_pair = true;
      return dialog.is_live() ? Targets{&dialog} : Targets{};
    }
    const bool near = leg == pair || ((leg.own || !parties_known) && shares_an_end(leg, pair));
    if (dialog.is_live() && near) found.push_back(&dialog);
  }
  return found;
}

Turn::Targets Turn::targets(const Transaction& transaction) {
  bool known_pair = false;
  return targets(transaction.sender, transaction.from_tag, transaction.to_tag, transaction.pair, known_pair);
}

// The leg of that pair, or one that nothing uses any more: a phone that roams leaves legs behind. The first
// one stays: it tells who the parties are.
std::vector<Leg>::iterator Turn::place_for(const Leg& pair) {
  const auto found = std::find(call_.legs.begin(), call_.legs.end(), pair);
  if (found != call_.legs.end() || call_.legs.size() < limits::legs_per_call) return found;
  return std::find_if(call_.legs.begin() + 1, call_.legs.end(), [&](const Leg& leg) {
    auto uses = [&](const auto& user) {
      return user.leg == static_cast<std::size_t>(&leg - call_.legs.data());
    };
    return std::none_of(call_.dialogs.begin(), call_.dialogs.end(), uses) &&
           std::none_of(call_.transactions.begin(), call_.transactions.end(), uses);
  });
}

bool Turn::has_room_for(const Leg& pair) {
  const Leg back{pair.callee, pair.caller};
  const bool known = std::find(call_.legs.begin(), call_.legs.end(), back) != call_.legs.end();
  return known || call_.legs.size() < limits::legs_per_call || place_for(pair) != call_.legs.end();
}

// `own`: a party of the call begins it.
std::optional<std::size_t> Turn::leg_for(const Leg& pair, bool own) {
  auto place = place_for(pair);
  if (place == call_.legs.end()) {
    if (call_.legs.size() == limits::legs_per_call) return std::nullopt;
    place = call_.legs.insert(place, pair);
  } else if (*place != pair) {
    *place = pair;
  }
  place->own = place->own || own;
  return static_cast<std::size_t>(place - call_.legs.begin());
}

Dialog* Turn::add_dialog(Dialog dialog) {
  if (call_.dialogs.size() >= limits::dialogs_per_call) return nullptr;
  return &call_.dialogs.emplace_back(std::move(dialog));
}

// The dialog of a re-INVITE or UPDATE, on its own address pair: it joins there when it does not go there yet,
// or when the gateway started in the middle of the call. None when it is over, or one too many.
Dialog* Turn::dialog_of(const Transaction& transaction) {
  const Targets older = targets(transaction);
  Dialog joining;
  joining.leg = *transaction.leg;
  joining.joining = true;
  joining.state = Dialog::State::confirmed;
  if (!older.empty()) {
    joining.state = older.front()->state;
    joining.invite = older.front()->invite;
    joining.session_deadline = older.front()->session_deadline;
  }
  const bool from_caller = transaction.sender == Party::caller;
  joining.caller_tag = from_caller ? transaction.from_tag : transaction.to_tag;
  joining.callee_tag = from_caller ? transaction.to_tag : transaction.from_tag;
  for (Dialog& dialog : call_.dialogs) {
    if (dialog.leg != transaction.leg || !have_same_tags(dialog, joining)) continue;
    if (dialog.state == Dialog::State::superseded) dialog = std::move(joining);
    return dialog.is_live() ? &dialog : nullptr;
  }
  return add_dialog(std::move(joining));
}

// Over, or over on this leg.
void Turn::end_dialog(Dialog& dialog, Dialog::State state) {
  dialog.state = state;
  if (state == Dialog::State::terminated) end_followers(dialog);
  dialog.joining = false;
  dialog.negotiations = {};
  dialog.last_response = {};
  dialog.fork_deadline.reset();
  dialog.session_deadline.reset();
  dialog.removal = now_ + settings_.terminating;
}

void Turn::end_by_bye(Dialog& dialog) {
  if (!dialog.dormant) {
    keep_tail(dialog.negotiations[index(Disposition::session)].toward_caller);
    keep_tail(dialog.negotiations[index(Disposition::session)].toward_callee);
  }
  end_dialog(dialog);
}

// Of what is closed by a BYE, what is bound stays for timeouts.grace.
void Turn::keep_tail(const Grants& grants) {
  if (settings_.grace.count() == 0) return;
  Tail tail{{}, now_ + settings_.grace};
  std::ranges::copy_if(grants, std::back_inserter(tail.grants),
                       [](const Grant& grant) { return grant.bound; });
  if (!tail.grants.empty()) call_.tails.push_back(std::move(tail));
}

// An answer came after all.
void Turn::wake(Dialog& dialog) {
  if (!dialog.dormant) return;
  dialog.dormant = false;
  for (Transaction& transaction : call_.transactions) {
    const bool waiting = transaction.id == dialog.invite && transaction.state == Transaction::State::proceeding;
    if (waiting) transaction.deadline = now_ + settings_.early;
  }
  changed(Cause::answer, Cause::replaced, true);
}

// What both agreed on is the session now.
void Turn::settle(Dialog& dialog, Disposition disposition, Party offerer, Agreement agreement) {
  Negotiation& negotiation = dialog.negotiations[index(disposition)];
  negotiation.answered = true;
  negotiation.held = agreement.held;
  negotiation.toward(offerer) = std::move(agreement.toward_offerer);
  negotiation.toward(other(offerer)) = std::move(agreement.toward_answerer);
  prove(dialog);
  wake(dialog);
  join_parties(dialog);
  if (dialog.joining) take_over(dialog);
  for (Exchange& exchange : negotiation.exchanges)
    exchange.grants = not_yet_open(dialog, disposition, exchange.offerer, *exchange.offer);
}

// The answer to an offer made in this dialog is here. What another exchange agreed on before, and had not yet
// the final response for, is old with that (RFC 6141 section 3.4).
void Turn::conclude(Dialog& dialog, Disposition disposition, TransactionId transaction, Agreement agreement,
                    bool on_own_pair) {
  Negotiation& negotiation = dialog.negotiations[index(disposition)];
  auto exchange = exchange_of(negotiation, transaction);
  const Party offerer = exchange->offerer;
  exchange->answered_elsewhere = !on_own_pair;
  if (on_own_pair) negotiation.exchanges.erase(exchange);
  std::erase_if(negotiation.exchanges, [](const Exchange& e) { return e.provisional.has_value(); });
  negotiation.past_invite = true;
  settle(dialog, disposition, offerer, std::move(agreement));
}

// No party answered the offer: a direct answer to it is one of a party's phone.
void Turn::accept_strangers_answers(TransactionId transaction) {
  for (Dialog& dialog : call_.dialogs) {
    Negotiation& negotiation = dialog.negotiations[index(Disposition::session)];
    const auto exchange = exchange_of(negotiation, transaction);
    if (exchange == negotiation.exchanges.end() || !exchange->answered_elsewhere || !exchange->provisional)
      continue;
    Agreement agreement = *std::move(exchange->provisional);
    conclude(dialog, Disposition::session, transaction, std::move(agreement), false);
  }
}

// The dialog goes this way from now on: what its older legs opened for the same parties is not needed any
// more.
void Turn::take_over(Dialog& dialog) {
  dialog.joining = false;
  for (Dialog& older : call_.dialogs) {
    const bool same = &older != &dialog && have_same_tags(older, dialog) && older.is_live();
    if (same && shares_an_end(call_.legs[older.leg], call_.legs[dialog.leg]))
      end_dialog(older, Dialog::State::superseded);
  }
}

// The transports of an offer that the session has open already, on any of its legs, keep their binding; the
// others open to anybody until the answer.
Grants Turn::not_yet_open(const Dialog& dialog, Disposition disposition, Party offerer,
                          const Announcement& offer) const {
  Grants grants = offered(offer, settings_);
  if (call_.recovered) forget_open(grants, call_.recovered->grants);
  for (const Dialog& session : call_.dialogs) {
    if (!have_same_tags(session, dialog) || !session.is_live()) continue;
    // A stranger's session does not tell what the parties have open.
    const bool strangers = call_.legs[dialog.leg].own && !call_.legs[session.leg].own;
    if (strangers) continue;
    const Negotiation& negotiation = session.negotiations[index(disposition)];
    forget_open(grants, negotiation.toward(offerer));
  }
  return grants;
}

// A dialog that joined for an offer which came to nothing does not go that way.
void Turn::drop_exchanges(TransactionId transaction) {
  for (Dialog& dialog : call_.dialogs) {
    bool idle = true;
    dialog.negotiations.for_each([&](Negotiation& negotiation) {
      std::erase_if(negotiation.exchanges, [&](const Exchange& e) { return e.transaction == transaction; });
      idle = idle && negotiation.exchanges.empty();
    });
    if (dialog.joining && idle) end_dialog(dialog, Dialog::State::superseded);
  }
}

bool Turn::has_exchange(TransactionId transaction) const {
  bool found = false;
  for (const Dialog& dialog : call_.dialogs) {
    dialog.negotiations.for_each([&](const Negotiation& negotiation) {
      for (const Exchange& exchange : negotiation.exchanges) found |= exchange.transaction == transaction;
    });
  }
  return found;
}

}  // namespace dpinholer::negotiation
