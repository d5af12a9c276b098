// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/turn.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/limits.h"

namespace dpinholer::negotiation {

namespace limits = base::limits;
using message::Method;
using message::SessionDescription;
using message::SipMessage;

namespace {

bool shares_an_end(const Leg& a, const Leg& b) {
  return a.caller == b.caller || a.callee == b.callee;
}

const std::string& tag_of(const Dialog& dialog, Party party) {
  return party == Party::caller ? dialog.caller_tag : dialog.callee_tag;
}

bool has_tags(const Dialog& dialog, Party sender, std::string_view from_tag, std::string_view to_tag) {
  return tag_of(dialog, sender) == from_tag && tag_of(dialog, other(sender)) == to_tag;
}

bool is_live(const Dialog& dialog) {
  return dialog.state != Dialog::State::terminated;
}

// Every grant of the call that is or may become open.
template <typename Visit>
void for_each_grants(const Call& call, Visit visit) {
  for (const Transaction& transaction : call.transactions) {
    for (const Grants& grants : transaction.offer_grants) visit(grants);
  }
  for (const Dialog& dialog : call.dialogs) {
    for (const Negotiation& negotiation : dialog.negotiations) {
      visit(negotiation.toward_caller);
      visit(negotiation.toward_callee);
      for (const Exchange& exchange : negotiation.exchanges) visit(exchange.grants);
    }
  }
}

std::size_t distinct_transports(const Call& call, const Grants& more) {
  std::set<std::tuple<base::Protocol, base::Address, std::uint32_t>> seen;
  auto count = [&](const Grants& grants) {
    for (const Grant& grant : grants) {
      for (const Transport& transport : grant.to)
        seen.emplace(transport.protocol, transport.address, transport.port);
    }
  };
  for_each_grants(call, count);
  count(more);
  return seen.size();
}

}  // namespace

Grants refused_grants(const SessionDescription& description, const base::Address& source,
                      const Settings& settings) {
  Announcement bounded{description, source};
  auto& media = bounded.description.media;
  std::size_t left = limits::refusals_per_message;
  for (std::size_t i = 0; i < media.size(); ++i) {
    media[i].port_count = 1;
    media[i].candidates.resize(std::min(media[i].candidates.size(), left));
    left -= std::min(left, media[i].candidates.size() + 2);
    if (left == 0) media.resize(i + 1);
  }
  return offered(bounded, settings);
}

// From the first answer on, the sessions of the dialogs say what the caller's side needs.
bool wants_offer(const Call& call, const Transaction& transaction) {
  if (!transaction.initial_invite() || transaction.state == Transaction::State::failed) return false;
  return std::none_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.leg == transaction.leg && dialog.caller_tag == transaction.from_tag && is_live(dialog) &&
           dialog.negotiations[index(Disposition::session)].answered;
  });
}

std::vector<const Grant*> wanted_grants(const Call& call, const Settings& settings) {
  std::vector<const Grant*> wanted;
  auto want = [&](const Grants& grants) {
    for (const Grant& grant : grants) wanted.push_back(&grant);
  };
  for (const Transaction& transaction : call.transactions) {
    if (!settings.open_before_answer || !wants_offer(call, transaction)) continue;
    for (const Grants& grants : transaction.offer_grants) want(grants);
  }
  for (const Dialog& dialog : call.dialogs) {
    if (!is_live(dialog)) continue;
    for (const Negotiation& negotiation : dialog.negotiations) {
      want(negotiation.toward_caller);
      want(negotiation.toward_callee);
      for (const Exchange& exchange : negotiation.exchanges) {
        if (settings.open_before_answer) want(exchange.grants);
        want(exchange.provisional.toward_offerer);
        want(exchange.provisional.toward_answerer);
      }
    }
  }
  return wanted;
}

void Turn::finish(Updates& updates) {
  for (Update& refusal : refusals_) updates.push_back(std::move(refusal));
  if (!changed_ && !refresh_) return;
  update_.call = call_.serial;
  update_.call_id = call_.call_id;
  update_.time = now_;
  update_.refresh = refresh_;
  update_.wanted = wanted_grants(call_, settings_);
  updates.push_back(std::move(update_));
}

std::optional<Party> Turn::sender_of_request(std::string_view from_tag, std::string_view to_tag) const {
  for (Party party : {Party::caller, Party::callee}) {
    for (const Dialog& dialog : call_.dialogs) {
      if (has_tags(dialog, party, from_tag, to_tag)) return party;
    }
  }
  return std::nullopt;
}

// The dialogs that a message inside a dialog applies to: the one of its own address pair, or else, when it
// took a way that its dialog did not take before, all those it could belong to. A pair that shares no end
// with a leg of the dialog is somebody else's: without that rule a stranger who learned the tags could have a
// host of his own choosing answer 481 to a BYE (attack A8).
Turn::Targets Turn::targets(Party sender, std::string_view from_tag, std::string_view to_tag, const Leg& pair,
                            bool& known_pair) {
  Targets found;
  known_pair = false;
  for (Dialog& dialog : call_.dialogs) {
    if (!has_tags(dialog, sender, from_tag, to_tag)) continue;
    if (call_.legs[dialog.leg] == pair) {
      known_pair = true;
      return is_live(dialog) ? Targets{&dialog} : Targets{};
    }
    if (is_live(dialog) && shares_an_end(call_.legs[dialog.leg], pair)) found.push_back(&dialog);
  }
  return found;
}

Turn::Targets Turn::targets(const Transaction& transaction) {
  bool known_pair = false;
  return targets(transaction.sender, transaction.from_tag, transaction.to_tag, transaction.pair, known_pair);
}

Transaction* Turn::begin(const SipMessage& message, Party sender, const Leg& pair,
                         std::optional<std::size_t> leg) {
  for (const Transaction& known : call_.transactions) {
    const bool copy = known.method == message.method && known.cseq == message.cseq &&
                      known.branch == message.branch && known.from_tag == message.from_tag &&
                      known.to_tag == message.to_tag && known.sender == sender && known.pair == pair;
    if (copy) return nullptr;
  }
  if (call_.transactions.size() >= limits::transactions_per_call) {
    if (message.session)
      refuse(*message.session, sender == Party::caller ? pair.caller : pair.callee, Cause::limit);
    return nullptr;
  }
  Transaction& transaction = call_.transactions.emplace_back();
  transaction.id = ++call_.last_transaction;
  transaction.method = message.method;
  transaction.cseq = message.cseq;
  transaction.branch = message.branch;
  transaction.from_tag = message.from_tag;
  transaction.to_tag = message.to_tag;
  transaction.sender = sender;
  transaction.pair = pair;
  transaction.leg = leg;
  const bool invite = message.method == Method::invite;
  transaction.deadline = now_ + (invite || message.session ? settings_.early : settings_.terminating);
  return &transaction;
}

std::optional<std::size_t> Turn::leg_for(const Leg& pair) {
  auto found = std::find(call_.legs.begin(), call_.legs.end(), pair);
  if (found != call_.legs.end()) return static_cast<std::size_t>(found - call_.legs.begin());
  if (call_.legs.size() >= limits::legs_per_call) return std::nullopt;
  call_.legs.push_back(pair);
  return call_.legs.size() - 1;
}

Dialog* Turn::add_dialog(std::size_t leg, std::string_view caller_tag, std::string_view callee_tag,
                         Dialog::State state) {
  if (call_.dialogs.size() >= limits::dialogs_per_call) return nullptr;
  Dialog& dialog = call_.dialogs.emplace_back();
  dialog.leg = leg;
  dialog.caller_tag = caller_tag;
  dialog.callee_tag = callee_tag;
  dialog.state = state;
  return &dialog;
}

void Turn::end_dialog(Dialog& dialog) {
  dialog.state = Dialog::State::terminated;
  dialog.negotiations = {};
  dialog.last_response = {};
  dialog.fork_deadline.reset();
  dialog.session_deadline.reset();
  dialog.removal = now_ + settings_.terminating;
}

// What both agreed on is the session now.
void Turn::settle(Dialog& dialog, Disposition disposition, Party offerer, Agreement agreement) {
  Negotiation& negotiation = dialog.negotiations[index(disposition)];
  negotiation.answered = true;
  negotiation.toward(offerer) = std::move(agreement.toward_offerer);
  negotiation.toward(other(offerer)) = std::move(agreement.toward_answerer);
}

void Turn::drop_exchanges(TransactionId transaction) {
  for (Dialog& dialog : call_.dialogs) {
    for (Negotiation& negotiation : dialog.negotiations) {
      std::erase_if(negotiation.exchanges, [&](const Exchange& e) { return e.transaction == transaction; });
    }
  }
}

bool Turn::has_exchange(TransactionId transaction) const {
  for (const Dialog& dialog : call_.dialogs) {
    for (const Negotiation& negotiation : dialog.negotiations) {
      for (const Exchange& exchange : negotiation.exchanges) {
        if (exchange.transaction == transaction) return true;
      }
    }
  }
  return false;
}

// A 2xx that answered nothing (its SDP could not be read, or comes in the ACK) leaves the offer waiting.
void Turn::linger(Transaction& transaction, Transaction::State state) {
  transaction.state = state;
  transaction.cancel_deadline.reset();
  const bool waiting = state == Transaction::State::succeeded && has_exchange(transaction.id);
  const bool offering = transaction.offer[index(Disposition::session)] && wants_offer(call_, transaction);
  constexpr base::seconds t4{5};  // RFC 3261 table 4: how long a message may be on its way
  transaction.deadline = now_ + (waiting || offering ? settings_.early : settings_.terminating + t4);
  if (state == Transaction::State::failed) {
    transaction.offer = {};
    transaction.offer_grants = {};
  }
}

// RFC 4028 section 9: a 2xx without Session-Expires means no session timer. Below 90 seconds none may be, and
// above the longest call it means nothing (attack A15).
void Turn::set_session_timer(Dialog& dialog, const SipMessage& message) {
  dialog.session_deadline.reset();
  if (!message.session_expires) return;
  constexpr base::seconds least{90};
  constexpr base::seconds most{7 * 24 * 3600};
  dialog.session_deadline = now_ + std::clamp(*message.session_expires, least, most);
}

// The description as an announcement, or nothing when there is none or it is over a bound: then the refusal
// is on record.
std::shared_ptr<const Announcement> Turn::admit(const std::optional<SessionDescription>& description,
                                                const base::Address& source) {
  if (!description) return nullptr;
  auto announcement = std::make_shared<Announcement>(Announcement{*description, source});
  bool within = !description->over_limit && most_pinholes(*description) <= settings_.pinholes_per_call;
  if (within) {
    std::size_t all = most_pinholes(*description);
    for_each_grants(call_, [&](const Grants& grants) { all += transport_count(grants); });
    within = all <= settings_.pinholes_per_call ||
             distinct_transports(call_, offered(*announcement, settings_)) <= settings_.pinholes_per_call;
  }
  if (within) return announcement;
  refuse(*description, source, Cause::limit);
  return nullptr;
}

void Turn::refuse(const SessionDescription& description, const base::Address& source, Cause cause) {
  Update& refusal = refusals_.emplace_back();
  refusal.call = call_.serial;
  refusal.call_id = call_.call_id;
  refusal.time = now_;
  refusal.announced = refused_grants(description, source, settings_);
  refusal.refused = cause;
}

void Turn::announce(const Grants& grants) {
  update_.announced.insert(update_.announced.end(), grants.begin(), grants.end());
}

void Turn::changed(Cause opened, Cause closed, bool described) {
  changed_ = true;
  update_.opened = opened;
  update_.closed = closed;
  update_.described = described;
}

}  // namespace dpinholer::negotiation
