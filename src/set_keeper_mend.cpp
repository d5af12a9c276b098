// SPDX-License-Identifier: GPL-2.0-or-later
// Causes for mending, and the time of each:
//
//   sets flushed or made anew      at the notification: all pinholes are looked at, the missing ones written
//   sets missing or wrong          every check_period, and at the notification that they are made
//   elements removed by others     at the notification
//   pinholes that were refused     after the pauses of pinhole/backlog.h, and when there is room
//   elements that were removed     after stray_wait, and again after last_stray_wait: a packet on its way
//                                  may have made them again
//   elements that nobody wants     every sweep_period, and at the notification that somebody made them
//   elements that are missing      whenever a call is refreshed (negotiation/timers.cpp), told or not
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/counted.h"
#include "set_keeper.h"
#include "system/log.h"

namespace dpinholer {

namespace {

using base::counted;
using pinhole::ElementChange;
using pinhole::ElementKey;
using pinhole::Key;
using system::ElementState;

constexpr base::Duration check_period = std::chrono::seconds{1};
constexpr base::Duration first_sweep = std::chrono::seconds{1};
constexpr base::Duration sweep_period = std::chrono::seconds{60};
constexpr base::Duration stray_wait = std::chrono::milliseconds{20};
constexpr base::Duration last_stray_wait = std::chrono::seconds{1};
// Each of them takes the kernel some half a millisecond.
constexpr std::size_t written_at_once = 128;  // pinholes
constexpr std::size_t looked_at_once = 128;   // elements

}  // namespace

void SetKeeper::note(const system::RulesetNews& news, base::TimePoint now) {
  if (observe_) return;
  if (news.sets) {
    flushed_ = true;
    check_due_ = now;
  }
  if (news.lost) {  // perhaps by what somebody does to another table all the time
    flushed_ = true;
    if (!check_due_) last_lost_ = std::max(now, last_lost_ + check_period);
    if (!check_due_) check_due_ = last_lost_;
    if (next_sweep_) next_sweep_ = std::min(*next_sweep_, *check_due_);
  }
  for (const ElementState& gone : news.removed) {
    installed_.count_removed(gone.key, gone.packets);
    const Key key = pinhole_of(gone.key);
    const bool again = !to_rewrite_.empty() && to_rewrite_.back() == key;
    if (installed_.holds(gone.key) && !again) to_rewrite_.push_back(key);
  }
  for (const ElementState& made : news.added) {
    if (pinhole::read_comment(made.comment) && !is_wanted(made.key)) {
      closed_.emplace(now, Closed{made.key});
    }
  }
}

bool SetKeeper::mend(base::TimePoint now) {
  if (observe_ || busy()) return false;
  now_ = now;
  if (check_due_ && *check_due_ <= now) check_sets(now);
  if (missing_) return false;
  if (!to_rewrite_.empty()) {
    rewrite_some(now);
    return true;
  }
  return retry_some(now) || check_closed(now) || sweep_some(now);
}

std::optional<base::TimePoint> SetKeeper::next_deadline() const {
  if (observe_ || busy()) return std::nullopt;
  std::optional<base::TimePoint> next = check_due_;
  if (missing_) return next;
  auto consider = [&](std::optional<base::TimePoint> due) {
    if (due) next = std::min(next.value_or(*due), *due);
  };
  if (!to_rewrite_.empty()) consider(now_);
  if (!closed_.empty()) consider(closed_.begin()->first);
  if (knows_all_) consider(next_sweep_.value_or(now_));
  consider(backlog_.next());
  return next;
}

void SetKeeper::check_sets(base::TimePoint now) {
  check_due_.reset();
  const std::vector<std::string> faults = sets_.faults();
  if (faults.empty()) {
    if (std::exchange(missing_, false)) {
      flushed_ = true;
      system::log::info("the sets are there");
    }
    fault_told_.clear();
    if (flushed_) rewrite_all();
    return;
  }
  check_due_ = now + check_period;
  flushed_ = true;
  missing_ = true;
  to_rewrite_.clear();
  closed_.clear();
  backlog_.clear();
  sweeping_.reset();
  if (std::exchange(fault_told_, faults.front()) == faults.front()) return;
  const std::string until_then =
      installed_.size() == 0 ? "no pinhole opens until then"
                             : counted(installed_.size(), "pinhole", "pinholes") + " will be written then";
  system::log::error(faults.front() + "; " + until_then);
}

void SetKeeper::rewrite_all() {
  to_rewrite_.clear();
  installed_.for_each([&](const Key& key, const pinhole::Installed::Entry&) { to_rewrite_.push_back(key); });
  if (to_rewrite_.empty()) tell_rewritten();
}

void SetKeeper::rewrite_some(base::TimePoint now) {
  std::vector<Key> keys;
  while (!to_rewrite_.empty() && keys.size() < written_at_once) {
    const Key key = to_rewrite_.front();
    to_rewrite_.pop_front();
    if (installed_.find(key) != nullptr) keys.push_back(key);
  }
  std::vector<ElementChange> additions;
  std::vector<Key> missing;
  for (const Look& look : look_at(keys)) {
    if (look.missing > 0 || look.unknown) put_elements(look.key, ElementChange::Kind::add, additions);
    note_missing(look);
    if (look.missing > 0) missing.push_back(look.key);
  }
  write_elements(std::move(additions), [this, now, missing = std::move(missing)](const Result& result) {
    put_back(result.failed, now);
    const std::size_t count = written_of(missing, result);
    rewritten_ += count;
    counters_.rewritten += count;
    if (to_rewrite_.empty()) tell_rewritten();
  });
}

void SetKeeper::tell_rewritten() {
  const bool flushed = std::exchange(flushed_, false);
  const std::size_t done = std::exchange(rewritten_, 0);
  if (done == 0) return;
  system::log::warning((flushed ? "sets were flushed: " : "elements were removed by others: ") +
                       counted(done, "pinhole", "pinholes") + " written again");
}

bool SetKeeper::retry_some(base::TimePoint now) {
  const auto set = backlog_.due(now);
  if (!set) return false;
  const std::vector<Key> keys = backlog_.take(*set, written_at_once);
  std::vector<ElementChange> additions;
  for (const Key& key : keys) put_elements(key, ElementChange::Kind::add, additions);
  const auto then = [this, now, keys, set = *set](const Result& result) {
    put_back(result.failed, now);
    counters_.retried += written_of(keys, result);
    backlog_.tried(set, result.failed.empty(), now);
  };
  write_elements(std::move(additions), then, Try::anyway);
  return true;
}

void SetKeeper::note_closed(base::TimePoint now) {
  for (const ElementKey& key : std::exchange(closing_, {}))
    closed_.emplace(now + stray_wait, Closed{key, true});
}

bool SetKeeper::check_closed(base::TimePoint now) {
  std::vector<ElementKey> keys;
  while (!closed_.empty() && closed_.begin()->first <= now && keys.size() < looked_at_once) {
    const Closed closed = closed_.extract(closed_.begin()).mapped();
    keys.push_back(closed.key);
    if (closed.once_more) closed_.emplace(now + last_stray_wait, Closed{closed.key});
  }
  remove_unwanted(keys, true, now, [this](std::size_t removed) { counters_.swept += removed; });
  return !keys.empty();
}

// Those of `keys` that are there and not wanted, if they are ours; `without_comment` too: a rule has made
// them.
void SetKeeper::remove_unwanted(const std::vector<ElementKey>& keys, bool without_comment,
                                base::TimePoint now, std::function<void(std::size_t removed)> then) {
  if (keys.empty()) return;
  const auto states = sets_.find_all(keys);
  if (!states) ++counters_.lookups_failed;
  std::vector<ElementChange> removals;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (is_wanted(keys[i])) continue;
    if (!states) {
      closed_.emplace(now + last_stray_wait, Closed{keys[i]});
      continue;
    }
    const auto& state = (*states)[i];
    if (!state) continue;
    const bool ours = pinhole::read_comment(state->comment).has_value();
    if (!ours && !(without_comment && state->comment.empty())) continue;
    removals.push_back({ElementChange::Kind::remove, keys[i], base::seconds{0}, ""});
    closed_.emplace(now + stray_wait, Closed{keys[i], true});
    if (state->packets > 0) note_removed_late(pinhole_of(keys[i]));
  }
  const std::size_t count = removals.size();
  write_elements(std::move(removals),
                 [then = std::move(then), count](const Result& result) { then(count - result.not_removed); });
}

bool SetKeeper::sweep_some(base::TimePoint now) {
  if (!knows_all_) return false;
  if (!next_sweep_) next_sweep_ = now + first_sweep;
  if (!sweeping_) {
    if (now < *next_sweep_) return false;
    sweeping_ = 0;
    if (!sets_.begin_reading(pinhole::all_sets[0])) ++counters_.lookups_failed;
  }
  std::vector<ElementKey> unwanted;
  std::vector<ElementChange> renewals;
  const auto more = sets_.read_some([&](const ElementState& state) {
    if (!is_wanted(state.key) && pinhole::read_comment(state.comment)) unwanted.push_back(state.key);
    if (installed_.holds(state.key) && state.comment.empty())
      put_elements(pinhole_of(state.key), ElementChange::Kind::renew, renewals);
  });
  if (!more) ++counters_.lookups_failed;
  remove_unwanted(unwanted, false, now, [this](std::size_t removed) {
    swept_ += removed;
    counters_.swept += removed;
  });
  write_elements(std::move(renewals), [this, now](const Result& result) {
    count(result.removed);
    put_back(result.failed, now);
  });
  if (more && *more) return true;
  if (++*sweeping_ < pinhole::all_sets.size()) {
    if (!sets_.begin_reading(pinhole::all_sets[*sweeping_])) ++counters_.lookups_failed;
    return true;
  }
  sweeping_.reset();
  next_sweep_ = now + sweep_period;
  if (const std::size_t done = std::exchange(swept_, 0); done > 0) {
    system::log::warning(counted(done, "element", "elements") + " of calls that are over removed");
  }
  return false;
}

}  // namespace dpinholer
