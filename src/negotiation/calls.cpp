// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/calls.h"

#include <algorithm>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Method;
using message::SipMessage;

namespace {

// Only a request that may start state makes a table entry for its Call-ID.
bool starts_call(const SipMessage& message) {
  if (!message.is_request()) return false;
  return message.method == Method::invite || (message.method == Method::update && !message.to_tag.empty());
}

// A dialog that the gateway met in the middle is worth no more than its offer until that is answered.
bool is_answered(const Dialog& dialog) {
  const bool met_in_the_middle = dialog.invite == 0;
  return dialog.state == Dialog::State::confirmed &&
         (!met_in_the_middle || dialog.negotiations[index(Disposition::session)].answered);
}

Standing standing_of(const Call& call) {
  if (std::any_of(call.dialogs.begin(), call.dialogs.end(), is_answered)) return Standing::answered;
  if (is_open(call.recovered)) return call.recovered->answered ? Standing::answered : Standing::ringing;
  auto is_up = [](const Dialog& dialog) { return dialog.is_live() && !dialog.dormant; };
  const bool ringing = std::any_of(call.dialogs.begin(), call.dialogs.end(), [&](const Dialog& dialog) {
    return is_up(dialog) && dialog.state == Dialog::State::early;
  });
  if (ringing) return Standing::ringing;
  if (std::any_of(call.dialogs.begin(), call.dialogs.end(), is_up)) return Standing::unanswered;
  Standing standing = Standing::over;
  for (const Transaction& transaction : call.transactions) {
    if (!transaction.initial_invite() || transaction.state != Transaction::State::proceeding) continue;
    if (!transaction.dormant) return Standing::unanswered;
    standing = Standing::late;
  }
  return standing;
}

// The ends of an answered call's own legs; none for any other call.
std::vector<base::Address> parties_of(const Call& call) {
  std::vector<base::Address> parties;
  if (call.standing != Standing::answered) return parties;
  for (const Leg& leg : call.legs) {
    if (!leg.own) continue;
    parties.push_back(leg.caller);
    parties.push_back(leg.callee);
  }
  if (is_open(call.recovered)) {
    for (const Grant& grant : call.recovered->grants) {
      parties.push_back(grant.announced_by);
      parties.insert(parties.end(), grant.senders.begin(), grant.senders.end());
    }
  }
  return parties;
}

bool may_answer(const SipMessage& message) {
  if (!message.session) return false;
  if (message.is_request()) return message.method == Method::ack;
  return message.status < 300 && (message.method == Method::invite || message.method == Method::update ||
                                  message.method == Method::prack);
}

}  // namespace

Calls::Calls(Settings settings, base::HashKey hash_key, bool knows_parties)
    : settings_(settings),
      calls_(0, KeyedHash{hash_key}, std::equal_to<>{}),
      knows_parties_(knows_parties),
      talking_(0, base::AddressHash{hash_key}) {}

void Calls::process(const SipMessage& message, const Origin& origin, const base::Address& destination,
                    base::TimePoint now, Updates& updates) {
  const base::Address source = source_of(origin.address);
  auto refuse = [&](Cause cause) {
    Update& refusal = updates.emplace_back();
    refusal.call_id = message.call_id;
    refusal.time = now;
    refusal.announced = refused_media(*message.session, origin, settings_);
    refusal.refused = cause;
  };
  if (message.ambiguous) {
    note_unread(message, origin, now);
    if (message.session) refuse(Cause::ambiguous);
    return;
  }
  Call* call = find(message.call_id);
  if (call == nullptr) call = find_recovered(message.call_id);
  if (call == nullptr && !starts_call(message)) {
    if (may_answer(message)) refuse(Cause::no_request);
    return;
  }
  if (call != nullptr && call->closed_until) {
    if (message.session) refuse(Cause::requested);
    return keep_closed(*call, now);
  }
  const bool starts = starts_call(message) && (call == nullptr || call->standing <= Standing::late);
  if (starts && (was_refused(message.call_id) || !may_start(source) ||
                 (call == nullptr && !make_room(source, now, updates)))) {
    if (!origin.elsewhere.empty()) note_refused_start(message.call_id);
    if (message.session) refuse(Cause::limit);
    return;
  }
  if (call == nullptr) call = create(message.call_id, source, now);
  Turn turn(*call, settings_, now);
  if (message.is_request()) {
    turn.request(message, origin, destination);
  } else {
    turn.response(message, origin, destination);
  }
  turn.finish(updates);
  schedule(*call);
}

void Calls::note_unread(const SipMessage& message, const Origin& origin, base::TimePoint now) {
  if (origin.elsewhere.empty()) return;
  if (Call* call = find(message.call_id)) {
    Turn(*call, settings_, now).note_refused(message, origin);
  } else if (starts_call(message)) {
    note_refused_start(message.call_id);
  }
}

bool Calls::run_timer(base::TimePoint now, Updates& updates) {
  if (wake_ups_.empty() || wake_ups_.begin()->first > now) return false;
  Call& call = *by_serial_.at(wake_ups_.begin()->second);
  if (call.is_empty()) {
    remove(call);
    return true;
  }
  const Timer timer = next_timer(call, settings_);
  if (timer.due <= now) {
    Turn turn(call, settings_, now);
    turn.timer(timer);
    turn.finish(updates);
  }
  schedule(call);
  return true;
}

std::optional<base::TimePoint> Calls::next_deadline() const {
  if (wake_ups_.empty()) return std::nullopt;
  return wake_ups_.begin()->first;
}

std::vector<CallSerial> Calls::suspected_idle(base::TimePoint now) const {
  std::vector<CallSerial> suspected;
  for (auto it = wake_ups_.begin(); it != wake_ups_.end() && it->first <= now; ++it) {
    const Call& call = *by_serial_.at(it->second);
    if (call.is_empty()) continue;
    const Timer timer = next_timer(call, settings_);
    if (timer.due <= now && media_matters(call, timer)) suspected.push_back(it->second);
  }
  return suspected;
}

void Calls::media_seen(CallSerial serial, base::TimePoint when) {
  auto found = by_serial_.find(serial);
  if (found != by_serial_.end()) found->second->last_media = std::max(found->second->last_media, when);
}

bool Calls::close(std::string_view call_id, base::TimePoint now, Updates& updates) {
  Call* call = find(call_id);
  if (call == nullptr) call = find_recovered(call_id);
  if (call == nullptr) call = find_unnamed(call_id);
  if (call == nullptr || (call->standing == Standing::over && call->tails.empty())) return false;
  Turn turn(*call, settings_, now);
  turn.end(Cause::requested);
  turn.finish(updates);
  keep_closed(*call, now);
  return true;
}

void Calls::keep_closed(Call& call, base::TimePoint now) {
  call.closed_until = now + base::seconds{base::limits::closed_call_seconds};
  schedule(call);
}

bool Calls::are_parties(std::string_view call_id, const base::Address& a, const base::Address& b) const {
  const auto found = calls_.find(call_id);
  if (found == calls_.end() || found->second.standing < Standing::ringing) return false;
  return std::ranges::any_of(found->second.legs, [&](const Leg& leg) {
    return leg.own && (leg == Leg{a, b} || leg == Leg{b, a});
  });
}

void Calls::for_each(const std::function<void(const Call&)>& visit) const {
  for (const auto& [call_id, call] : calls_) visit(call);
}

Call* Calls::find(std::string_view call_id) {
  auto found = calls_.find(call_id);
  return found == calls_.end() ? nullptr : &found->second;
}

// The first message of a call that was recovered tells its Call-ID.
Call* Calls::find_recovered(std::string_view call_id) {
  if (unnamed_.empty()) return nullptr;
  const auto known = unnamed_.find(base::stable_hash(call_id));
  if (known == unnamed_.end()) return nullptr;
  Call& call = *by_serial_.at(known->second);
  unnamed_.erase(known);
  call.recovered->call_hash.reset();
  auto node = calls_.extract(calls_.find(call.call_id));
  node.key() = call_id;
  call.call_id = calls_.insert(std::move(node)).position->first;
  return &call;
}

// By what its comment told, which other calls may have in common with it: long Call-IDs are cut there.
Call* Calls::find_unnamed(std::string_view text) {
  Call* found = nullptr;
  for (const auto& [hash, serial] : unnamed_) {
    Call* call = by_serial_.at(serial);
    if (call->call_id.substr(0, call->call_id.rfind(' ')) != text) continue;
    if (found != nullptr) return nullptr;
    found = call;
  }
  return found;
}

void Calls::recover(std::uint64_t call_hash, std::string_view text, Grants grants, bool answered,
                    base::TimePoint now, Updates& updates) {
  // No Call-ID has a blank (RFC 3261 section 25.1).
  std::string key = std::string(text) + " " + std::to_string(call_hash);
  if (grants.empty() || calls_.size() >= settings_.calls || find(key) != nullptr) return;
  Call& call = *create(std::move(key), {}, now);
  ++recovered_;
  call.recovered = std::make_unique<Recovered>();
  call.recovered->grants = std::move(grants);
  call.recovered->answered = answered;
  call.recovered->held = std::ranges::any_of(call.recovered->grants,
                                             [](const Grant& grant) { return grant.phase == Phase::held; });
  call.recovered->deadline = now + settings_.early;
  call.recovered->call_hash = call_hash;
  unnamed_.emplace(call_hash, call.serial);
  Turn turn(call, settings_, now);
  turn.recover();
  turn.finish(updates);
  schedule(call);
}

void Calls::RefusedStarts::add(std::uint64_t id) {
  if (recent_.size() == base::limits::refused_starts) {
    older_ = std::move(recent_);
    recent_.clear();
  }
  recent_.insert(id);
}

// No description of such a message was judged, and a proxy may send it on (attack A24): it begins no call at
// another crossing either.
bool Calls::was_refused(std::string_view call_id) const {
  return !refused_starts_.empty() && refused_starts_.has(calls_.hash_function()(call_id));
}

void Calls::note_refused_start(std::string_view call_id) {
  refused_starts_.add(calls_.hash_function()(call_id));
}

bool Calls::may_start(const base::Address& source) const {
  if (settings_.calls_per_source == 0) return true;
  auto count = per_source_.find(source);
  return count == per_source_.end() || count->second < settings_.calls_per_source;
}

// A source that has many unanswered calls itself can't have others give way: a flood from one source is
// refused, and one from many does not keep a newcomer out.
bool Calls::make_room(const base::Address& source, base::TimePoint now, Updates& updates) {
  if (calls_.size() < settings_.calls) return true;
  if (dispensable_.empty()) return false;
  Call& call = *by_serial_.at(dispensable_.begin()->second);
  if (call.standing > Standing::late) {
    const std::size_t fair_share = std::max<std::size_t>(1, settings_.calls / 100);
    auto own = unanswered_per_source_.find(source);
    if (own != unanswered_per_source_.end() && own->second >= fair_share) return false;
  }
  Turn turn(call, settings_, now);
  turn.end(call.tails.empty() ? Cause::early_timeout : Cause::bye);
  turn.finish(updates);
  if (call.refused) note_refused_start(call.call_id);
  remove(call);
  return true;
}

Call* Calls::create(std::string id, const base::Address& source, base::TimePoint now) {
  auto& [call_id, call] = *calls_.try_emplace(std::move(id)).first;
  call.serial = ++last_serial_;
  call.call_id = call_id;
  call.source = source;
  call.started = call.last_message = call.last_media = now;
  call.refresh_due = now + refresh_interval(settings_);
  call.wake_up = now;
  by_serial_.emplace(call.serial, &call);
  wake_ups_.emplace(call.wake_up, call.serial);
  dispensable_.emplace(call.standing, call.serial);
  return &call;
}

void Calls::remove(Call& call) {
  if (call.recovered && call.recovered->call_hash) unnamed_.erase(*call.recovered->call_hash);
  set_standing(call, Standing::over);
  note_parties(call);
  dispensable_.erase({Standing::over, call.serial});
  wake_ups_.erase({call.wake_up, call.serial});
  by_serial_.erase(call.serial);
  calls_.erase(calls_.find(call.call_id));
}

void Calls::set_standing(Call& call, Standing standing) {
  if (standing == call.standing) return;
  auto count = [&](std::map<base::Address, std::size_t>& counts, bool before, bool after) {
    if (before == after) return;
    std::size_t& of_source = counts[call.source];
    after ? ++of_source : --of_source;
    if (of_source == 0) counts.erase(call.source);
  };
  count(per_source_, call.standing > Standing::late, standing > Standing::late);
  count(unanswered_per_source_, call.standing == Standing::unanswered, standing == Standing::unanswered);
  if (call.standing <= Standing::unanswered) dispensable_.erase({call.standing, call.serial});
  if (standing <= Standing::unanswered) dispensable_.emplace(standing, call.serial);
  call.standing = standing;
}

void Calls::note_parties(Call& call) {
  if (!knows_parties_) return;
  std::vector<base::Address> parties = parties_of(call);
  for (base::Address& address : parties) address = source_of(address);
  std::ranges::sort(parties);  // each once
  parties.erase(std::unique(parties.begin(), parties.end()), parties.end());
  if (parties == call.parties) return;
  for (const base::Address& address : parties) ++talking_[address];
  for (const base::Address& address : call.parties) {
    const auto count = talking_.find(address);
    if (--count->second == 0) talking_.erase(count);
  }
  call.parties = std::move(parties);
}

// A wake-up may be early: a sign of life moves a timer without touching the queue. An empty call is removed
// at the next one.
void Calls::schedule(Call& call) {
  set_standing(call, standing_of(call));
  note_parties(call);
  const base::TimePoint due = call.is_empty() ? call.started : next_timer(call, settings_).due;
  if (due == call.wake_up) return;
  wake_ups_.erase({call.wake_up, call.serial});
  call.wake_up = due;
  wake_ups_.emplace(due, call.serial);
}

}  // namespace dpinholer::negotiation
