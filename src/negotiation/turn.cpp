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

// Every grant of the call that is or may become open.
template <typename Visit>
void for_each_grants(const Call& call, Visit visit) {
  if (call.recovered) visit(call.recovered->grants);
  for (const Tail& tail : call.tails) visit(tail.grants);
  for (const Transaction& transaction : call.transactions) {
    for (const Grants& grants : transaction.offer_grants) visit(grants);
  }
  for (const Dialog& dialog : call.dialogs) {
    dialog.negotiations.for_each([&](const Negotiation& negotiation) {
      visit(negotiation.toward_caller);
      visit(negotiation.toward_callee);
      for (const Exchange& exchange : negotiation.exchanges) {
        visit(exchange.grants);
        if (!exchange.provisional) continue;
        visit(exchange.provisional->toward_offerer);
        visit(exchange.provisional->toward_answerer);
      }
    });
  }
}

using Place = std::tuple<base::Protocol, base::Address, std::uint32_t>;

Place place(const Transport& transport) {
  return {transport.protocol, transport.address, transport.port};
}

std::set<Place> distinct_places(const Call& call) {
  std::set<Place> places;
  for_each_grants(call, [&](const Grants& grants) {
    for (const Grant& grant : grants) {
      for (const Transport& transport : grant.to) places.insert(place(transport));
    }
  });
  return places;
}

std::size_t distinct_transports(const Call& call, const Grants& more) {
  std::set<Place> places = distinct_places(call);
  for (const Grant& grant : more) {
    for (const Transport& transport : grant.to) places.insert(place(transport));
  }
  return places.size();
}

std::vector<Announced> announced_media(const Grants& grants, const Announcement& in) {
  std::vector<Announced> announced;
  for (const Grant& grant : grants)
    announced.push_back({grant, in.description.media[grant.section].connection.host_name});
  return announced;
}

}  // namespace

std::vector<Announced> refused_media(const SessionDescription& description, const Origin& origin,
                                     const Settings& settings) {
  Announcement bounded{description, origin};
  auto& media = bounded.description.media;
  std::size_t left = limits::refusals_per_message;
  for (std::size_t i = 0; i < media.size(); ++i) {
    media[i].port_count = 1;
    media[i].candidates.resize(std::min(media[i].candidates.size(), left));
    left -= std::min(left, media[i].candidates.size() + 2);
    if (left == 0) media.resize(i + 1);
  }
  return announced_media(offered(bounded, settings), bounded);
}

namespace {

bool is_alive(const Call& call, const Transaction& invite) {
  if (invite.state != Transaction::State::succeeded) return invite.state == Transaction::State::proceeding;
  return std::any_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.invite == invite.id && dialog.state == Dialog::State::confirmed && !dialog.joining;
  });
}

}  // namespace

// From the first answer on, the sessions of the dialogs say what the caller's side needs.
//
// A 2xx without an answer leaves the offer open for as long as its dialog goes on.
bool wants_offer(const Call& call, const Transaction& transaction, Disposition disposition) {
  if (!transaction.initial_invite() || transaction.dormant || !is_alive(call, transaction)) return false;
  return std::none_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return dialog.caller_tag == transaction.from_tag && dialog.is_live() &&
           (dialog.leg == transaction.leg || dialog.invite == transaction.id) &&
           dialog.negotiations[index(disposition)].answered;
  });
}

bool is_same_attempt(const Transaction& a, const Transaction& b) {
  return a.initial_invite() && b.initial_invite() && a.from_tag == b.from_tag && a.cseq == b.cseq &&
         a.pair.caller == b.pair.caller;
}

bool goes_on(const Call& call) {
  if (is_open(call.recovered) || !call.tails.empty()) return true;
  if (std::any_of(call.dialogs.begin(), call.dialogs.end(), [](const Dialog& d) { return d.is_live(); }))
    return true;
  auto was_accepted = [&](const Transaction& invite) {
    return std::any_of(call.transactions.begin(), call.transactions.end(), [&](const Transaction& other) {
      return other.state == Transaction::State::succeeded && is_same_attempt(other, invite);
    });
  };
  return std::any_of(call.transactions.begin(), call.transactions.end(), [&](const Transaction& invite) {
    return invite.initial_invite() && invite.state == Transaction::State::proceeding && !was_accepted(invite);
  });
}

std::vector<const Grant*> wanted_grants(const Call& call, const Settings& settings) {
  std::vector<const Grant*> wanted;
  auto want = [&](const Grants& grants) {
    for (const Grant& grant : grants) wanted.push_back(&grant);
  };
  if (call.recovered) want(call.recovered->grants);
  for (const Tail& tail : call.tails) want(tail.grants);
  for (const Transaction& transaction : call.transactions) {
    for (Disposition disposition : dispositions) {
      if (settings.open_before_answer && wants_offer(call, transaction, disposition))
        want(transaction.offer_grants[index(disposition)]);
    }
  }
  for (const Dialog& dialog : call.dialogs) {
    if (!dialog.is_live() || dialog.dormant) continue;
    dialog.negotiations.for_each([&](const Negotiation& negotiation) {
      want(negotiation.toward_caller);
      want(negotiation.toward_callee);
      for (const Exchange& exchange : negotiation.exchanges) {
        if (exchange.dormant) continue;
        if (exchange.provisional) {
          want(exchange.provisional->toward_offerer);
          want(exchange.provisional->toward_answerer);
        }
        if (settings.open_before_answer && exchange.offer_stands()) want(exchange.grants);
      }
    });
  }
  return wanted;
}

void Turn::finish(Updates& updates) {
  for (Update& refusal : refusals_) updates.push_back(std::move(refusal));
  if (release_recovered()) changed_ = true;
  if (!changed_ && !refresh_) return;
  update_.call = call_.serial;
  update_.call_id = std::string(call_.call_id);
  if (call_.recovered && call_.recovered->call_hash) {
    update_.call_hash = call_.recovered->call_hash;
    update_.call_id.resize(update_.call_id.rfind(' '));
  }
  update_.time = now_;
  update_.refresh = refresh_;
  update_.wanted = wanted_grants(call_, settings_);
  updates.push_back(std::move(update_));
}

Transaction* Turn::begin(const SipMessage& message, Party sender, const Leg& pair,
                         std::optional<std::size_t> leg) {
  for (const Transaction& known : call_.transactions) {
    if (began_with(known, message) && known.sender == sender && known.pair == pair) return nullptr;
  }
  const bool in_dialog = sender_of_request(message.from_tag, message.to_tag).has_value();
  const bool may_have_all = in_dialog && speaks_for_call(end_of(pair, sender));
  if (call_.transactions.size() >= limits::transactions_per_call / (may_have_all ? 1 : 2)) {
    if (message.session) refuse(*message.session, Cause::limit);
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
  transaction.has_offer = {message.session.has_value(), message.early_session.has_value()};
  const bool invite = message.method == Method::invite;
  transaction.deadline = now_ + (invite || message.session ? settings_.early : settings_.terminating);
  return &transaction;
}

// A 2xx that answered nothing (its SDP could not be read, or comes in the ACK) leaves the offer waiting.
void Turn::linger(Transaction& transaction, Transaction::State state) {
  transaction.state = state;
  transaction.cancel_deadline.reset();
  const bool waiting = state == Transaction::State::succeeded && has_exchange(transaction.id);
  const bool offering =
      transaction.offer[index(Disposition::session)] && wants_offer(call_, transaction, Disposition::session);
  transaction.deadline = now_ + (waiting || offering ? settings_.early : settings_.terminating + t4);
  if (state == Transaction::State::failed) {
    transaction.offer = {};
    transaction.offer_grants = {};
  }
}

// Timer C (RFC 3261 section 16.7 step 2). A dormant INVITE stays remembered at least as long as before.
void Turn::prolong(Transaction& transaction) const {
  const base::TimePoint due = now_ + settings_.early;
  transaction.deadline = transaction.dormant ? std::max(transaction.deadline, due) : due;
}

// RFC 4028 section 9: a 2xx without Session-Expires means no session timer. Below 90 seconds none may be, and
// above the longest call it means nothing (attack A15).
void Turn::set_session_timer(Dialog& dialog, const SipMessage& message) const {
  dialog.session_deadline.reset();
  if (!message.session_expires) return;
  constexpr base::seconds least{90};
  constexpr base::seconds most{7 * 24 * 3600};
  dialog.session_deadline = now_ + std::clamp(*message.session_expires, least, most);
}

// The description as an announcement, or nothing when there is none or it is over a bound: then the refusal
// is on record.
std::shared_ptr<const Announcement> Turn::admit(const std::optional<SessionDescription>& description) {
  if (!description) return nullptr;
  auto announcement = std::make_shared<Announcement>(Announcement{*description, origin_});
  if (fits(*description, *announcement)) return announcement;
  refuse(*description, Cause::limit);
  return nullptr;
}

// Whether there is room for `description` beside all that the call has announced.
bool Turn::fits(const SessionDescription& description, const Announcement& in) const {
  const std::size_t most = most_pinholes(description);
  if (description.over_limit || most > settings_.pinholes_per_call) return false;
  std::size_t all = most;
  for_each_grants(call_, [&](const Grants& grants) { all += transport_count(grants); });
  return all <= settings_.pinholes_per_call ||
         distinct_transports(call_, offered(in, settings_)) <= settings_.pinholes_per_call;
}

void Turn::refuse(const SessionDescription& description, Cause cause) {
  Update& refusal = refusals_.emplace_back();
  refusal.call = call_.serial;
  refusal.call_id = std::string(call_.call_id);
  refusal.time = now_;
  refusal.announced = refused_media(description, origin_, settings_);
  refusal.refused = cause;
}

void Turn::announce(const Grants& grants, const Announcement& in) {
  for (Announced& announced : announced_media(grants, in)) update_.announced.push_back(std::move(announced));
}

// Leaves what the call has not announced before.
void Turn::forget_known(Grants& grants) const {
  const std::set<Place> known = distinct_places(call_);
  for (Grant& grant : grants)
    std::erase_if(grant.to, [&](const Transport& transport) { return known.contains(place(transport)); });
}

void Turn::changed(Cause opened, Cause closed, bool described) {
  changed_ = true;
  update_.opened = opened;
  update_.closed = closed;
  update_.described = described;
}

}  // namespace dpinholer::negotiation
