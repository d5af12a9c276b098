// SPDX-License-Identifier: GPL-2.0-or-later
#include "set_keeper.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/limits.h"
#include "system/log.h"
#include "system/set_writer.h"

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::ElementChange;
using pinhole::ElementKey;
using pinhole::Key;
using system::ElementState;

// Looking at a pinhole of two elements takes some 10 microseconds: this many don't keep a packet waiting.
constexpr std::size_t refreshed_at_once = 8;
// Of a set that changes meanwhile: what one reading lacks, another one has.
constexpr int most_readings = 8;

// A commit that the kernel has carried out is heard of within that time, but on the slowest of machines.
constexpr base::Duration result_wait = std::chrono::milliseconds{50};

// `update` in the packet path keeps the elements of media that flows: those need nothing. One that nobody
// renewed for a fifth of its timeout does; refreshes come far more often than its other four fifths last. So
// does one that has the longer timeout of a call that was on hold.
bool is_aged(const ElementState& state, base::seconds timeout) {
  return state.expires < timeout * 4 / 5 || state.timeout >= timeout + base::seconds{1};
}

bool is_full(int code) {
  return code == ENFILE || code == ENOSPC;
}

std::string_view consequence(ElementChange::Kind kind) {
  switch (kind) {
    case ElementChange::Kind::add:
      return "not added: its media stays closed until it is";
    case ElementChange::Kind::remove:
      return "not removed yet";
    case ElementChange::Kind::renew:
      return "not renewed yet";
  }
  return "";
}

}  // namespace

SetKeeper::SetKeeper(system::PinholeSets& sets, bool observe, base::HashKey hash_key, base::Duration wait)
    : sets_(sets),
      observe_(observe),
      installed_(hash_key),
      backlog_(hash_key),
      failures_told_(hash_key),
      refreshing_(0, pinhole::KeyHash{hash_key}),
      wait_(wait) {}

std::vector<pinhole::Recovered> SetKeeper::recover(base::TimePoint now) {
  knows_all_ = true;
  if (observe_) {
    missing_ = !sets_.faults().empty();
  } else {
    check_sets(now);
  }
  if (missing_) return {};
  std::map<ElementKey, ElementState> ours;
  for (const pinhole::Set set : pinhole::all_sets) read_ours(set, ours);
  std::vector<pinhole::FoundElement> elements;
  elements.reserve(ours.size());
  for (const auto& [key, state] : ours) {
    if (auto content = pinhole::read_comment(state.comment))
      elements.push_back({key, std::move(*content), std::chrono::round<base::seconds>(state.timeout)});
  }
  const std::vector<pinhole::Recovered> pinholes = pinhole::recovered(std::move(elements));
  for (const pinhole::Recovered& pinhole : pinholes) {
    for (const ElementKey& key : pinhole::element_keys(pinhole.key, pinhole.from)) {
      found_[pinhole.key].emplace_back(key, ours.at(key).packets);
    }
  }
  return pinholes;
}

// Until a reading brings nothing new: while the kernel makes the table of a set larger or smaller, which it
// does some time after the change that asked for it and tells nobody, a reading may pass elements over.
void SetKeeper::read_ours(pinhole::Set set, std::map<ElementKey, ElementState>& ours) {
  bool complete = false;
  for (int i = 0; i < most_readings && !complete; ++i) {
    const std::size_t before = ours.size();
    const auto read = sets_.for_each(set, [&](const ElementState& state) {
      if (ours.size() >= base::limits::recovered_elements || !pinhole::read_comment(state.comment)) return;
      ours.insert_or_assign(state.key, state);
    });
    if (!read) return system::log::warning(read.error().to_string() + ": its elements are not taken over");
    complete = *read && ours.size() == before;
  }
  if (complete) return;
  system::log::warning("set " + std::string(name(set)) + " never stood still: not all may be taken over");
}

SetKeeper::Commit SetKeeper::write(const std::vector<Change>& changes) {
  std::vector<ElementChange> elements;
  for (const Change& change : changes) {
    last_change_ = change.time;
    if (change.kind == Change::Kind::refresh) {
      if (refreshing_.insert(change.key).second) to_refresh_.push_back(change.key);
      continue;
    }
    for (ElementChange& element : pinhole::element_changes(change)) {
      if (element.kind == ElementChange::Kind::remove) closing_.push_back(element.key);
      elements.push_back(std::move(element));
    }
  }
  const bool nothing = elements.empty() || observe_ || missing_;
  const bool behind = busy();
  writing_ = true;
  write_elements(std::move(elements), [this](Result result) {
    if (writing_) {
      removed_ = std::move(result.removed);
      failed_ = std::move(result.failed);
    } else {
      count(result.removed);
      put_back(result.failed, now_);
    }
  });
  if (!nothing && busy()) note_late(changes, !behind);
  writing_ = false;
  if (nothing) return done_;
  return behind ? started_ + 1 : started_;
}

// The kernel tells an element's counter when it removes the element, but it is needed now. The kernel answers
// lookups while it is busy, too.
void SetKeeper::note_late(const std::vector<Change>& changes, bool under_way) {
  std::vector<ElementKey> keys;
  for (const Change& change : changes) {
    const bool closes = change.kind == Change::Kind::close;
    if (closes || change.kind == Change::Kind::bind) note_removed_late(change.key);
    if (!closes) continue;
    for (const ElementKey& key : installed_.elements(change.key)) keys.push_back(key);
  }
  const auto states = sets_.find_all(keys);
  if (!states) ++counters_.lookups_failed;
  // An element that is gone went with the commit, whose own result is about to tell what it had counted.
  const bool gone = states && std::ranges::any_of(*states, [](const auto& state) { return !state; });
  if (gone && under_way && worker_.wait(result_wait)) return conclude();
  for (std::size_t i = 0; states && i < keys.size(); ++i) {
    if ((*states)[i]) removed_.push_back(*(*states)[i]);
  }
}

void SetKeeper::note_removed_late(const Key& key) {
  if (removed_late_.size() < base::limits::elements_behind) removed_late_.insert(key);
}

// Pinholes found at the start that wait to be claimed are wanted, too.
bool SetKeeper::is_wanted(const ElementKey& element) const {
  return installed_.holds(element) || found_.contains(pinhole_of(element));
}

// A try that can't succeed would hold up everything else that is written with it.
bool SetKeeper::is_hopeless(const ElementChange& change) const {
  switch (change.kind) {
    case ElementChange::Kind::add:
      return backlog_.full(change.key.set);
    case ElementChange::Kind::renew:  // room for itself it makes itself, if it is there
      return backlog_.full(change.key.set) && backlog_.waits(pinhole_of(change.key));
    case ElementChange::Kind::remove:
      return false;
  }
  return false;
}

void SetKeeper::drop_hopeless(std::vector<ElementChange>& changes, std::vector<Failed>& failed) {
  std::erase_if(changes, [&](const ElementChange& change) {
    if (!is_hopeless(change)) return false;
    ++counters_.failures;
    failed.push_back({pinhole_of(change.key), change.key.set, true});
    return true;
  });
}

void SetKeeper::write_elements(std::vector<ElementChange> changes, Then then, Try how) {
  if (observe_ || changes.empty()) return then({});
  if (busy()) return put_behind(changes);
  counters_.elements += changes.size();
  if (missing_) {  // all pinholes are written when the sets are back
    counters_.failures += changes.size();
    Result none;
    for (const ElementChange& change : changes)
      none.failed.push_back({pinhole_of(change.key), change.key.set, false});
    none.not_removed = changes.size();
    return then(std::move(none));
  }
  if (how == Try::unless_full) drop_hopeless(changes, not_tried_);
  then_ = std::move(then);
  ++started_;
  worker_.start([this, changes = std::move(changes)]() mutable {
    const auto commit = [this](auto some, auto* removed) { return sets_.commit(some, removed); };
    written_ = system::write_changes(commit, std::move(changes));
  });
  if (worker_.wait(wait_)) return conclude();
  ++counters_.late;
}

// The commit under way is done.
void SetKeeper::conclude() {
  done_ = started_;
  Result result;
  result.failed = std::exchange(not_tried_, {});
  const system::Written written = std::exchange(written_, {});
  result.removed = written.removed;
  // An element that was closed and opened again meanwhile has counted nothing yet.
  std::erase_if(result.removed, [&](const ElementState& gone) { return behind_.contains(gone.key); });
  counters_.transactions += written.transactions;
  counters_.failures += written.failures.size();
  for (const auto& failure : written.failures) {
    note_failure(failure.change, failure.error);
    // An element that was not removed is looked at soon, with all that were.
    const bool stays = failure.change.kind == ElementChange::Kind::remove;
    result.not_removed += stays ? 1 : 0;
    if (stays) continue;
    result.failed.push_back(
        {pinhole_of(failure.change.key), failure.change.key.set, is_full(failure.error.code)});
  }
  std::exchange(then_, nullptr)(std::move(result));
}

void SetKeeper::settle(base::TimePoint now, base::Duration most) {
  now_ = now;
  if (!busy() || !worker_.wait(most)) return;
  conclude();
  write_behind();
}

// Of several changes of an element only the last counts, and the account knows that one.
void SetKeeper::put_behind(const std::vector<ElementChange>& changes) {
  for (const ElementChange& change : changes) {
    const bool removes = change.kind != ElementChange::Kind::add;
    const bool room = behind_.size() < base::limits::elements_behind || behind_.contains(change.key);
    behind_lost_ = behind_lost_ || !room;
    if (room) behind_[change.key] |= removes;
  }
}

void SetKeeper::write_behind() {
  std::vector<ElementChange> changes;
  for (const auto& [key, removed] : std::exchange(behind_, {})) {
    const auto* entry = installed_.holds(key) ? installed_.find(pinhole_of(key)) : nullptr;
    if (entry == nullptr) {
      changes.push_back({ElementChange::Kind::remove, key, base::seconds{0}, ""});
    } else {
      const auto kind = removed ? ElementChange::Kind::renew : ElementChange::Kind::add;
      changes.push_back({kind, key, entry->timeout, pinhole::comment(entry->label)});
    }
  }
  if (std::exchange(behind_lost_, false)) {
    flushed_ = true;
    check_due_ = next_sweep_ = now_;
  }
  write_elements(std::move(changes), [this](const Result& result) { put_back(result.failed, now_); });
}

void SetKeeper::note_failure(const ElementChange& change, const system::SystemError& error) {
  if (error.code == ENOENT) check_due_ = last_change_;
  const auto ending =
      failures_told_.tell(std::string(name(change.key.set)) + std::to_string(error.code), last_change_);
  if (!ending) return;
  const std::string remedy = is_full(error.code) ? " (the set is full: it needs a larger size)" : "";
  system::log::error(error.to_string() + remedy + ", " + std::string(consequence(change.kind)) + *ending,
                     {{"ADDRESS", change.key.destination.address.to_string()},
                      {"PORT", std::to_string(change.key.destination.port)}});
}

// A pinhole that was closed or bound in the same batch again waits for nothing, or for another set.
void SetKeeper::put_back(const std::vector<Failed>& failed, base::TimePoint now) {
  if (missing_) return;
  for (const Failed& one : failed) {
    const auto* entry = installed_.find(one.key);
    if (entry == nullptr || pinhole::set_for(one.key, !entry->from.empty()) != one.set) continue;
    backlog_.put(one.key, one.set, one.full, now);
  }
}

void SetKeeper::finish(const std::vector<Change>& changes, base::TimePoint now, const Visit& visit) {
  count(removed_);
  for (const ElementState& gone : removed_) {
    if (!gone.comment.empty() && backlog_.full(gone.key.set)) backlog_.room(gone.key.set, now);
  }
  removed_.clear();
  for (const Change& change : changes) {
    visit(change, installed_.find(change.key));
    installed_.apply(change);
    if (change.kind == Change::Kind::refresh) continue;
    if (missing_) installed_.note_absent(change.key);
    backlog_.remove(change.key);
    take_over(change);
  }
  put_back(std::exchange(failed_, {}), now);
  note_closed(now);
}

void SetKeeper::take_over(const Change& change) {
  const auto found = found_.find(change.key);
  if (found == found_.end()) return;
  auto* entry = installed_.find(change.key);
  if (entry != nullptr && change.cause == pinhole::Cause::recovered) {
    entry->seen = 0;
    for (const auto& [element, packets] : found->second) {
      entry->seen += packets;
      if (auto* source = entry->source_of(element.source)) source->seen = packets;
    }
    entry->lost = true;  // the daemon before this one may have counted more
  }
  found_.erase(found);
}

// One that was made only to be removed has no comment.
void SetKeeper::count(const std::vector<ElementState>& removed) {
  for (const ElementState& gone : removed) {
    installed_.count(gone.key, gone.packets, !gone.comment.empty());
  }
}

void SetKeeper::put_elements(const Key& key, ElementChange::Kind kind, std::vector<ElementChange>& changes) {
  const auto* entry = installed_.find(key);
  if (entry == nullptr) return;
  for (const ElementKey& element : pinhole::element_keys(key, entry->from)) {
    changes.push_back({kind, element, entry->timeout, pinhole::comment(entry->label)});
  }
}

// A pinhole that the kernel refuses has counted nothing.
void SetKeeper::note_missing(const Look& look) {
  if (!look.unknown && !backlog_.waits(look.key)) installed_.find(look.key)->note_missing(look.missing);
}

// How many of `pinholes` the commit has written.
std::size_t SetKeeper::written_of(const std::vector<Key>& pinholes, const Result& result) {
  std::set<Key> failed;
  for (const Failed& one : result.failed) failed.insert(one.key);
  return static_cast<std::size_t>(
      std::ranges::count_if(pinholes, [&](const Key& key) { return !failed.contains(key); }));
}

bool SetKeeper::refresh_some(const Seen& seen) {
  if (busy()) return false;
  std::vector<Key> keys;
  for (std::size_t i = 0; i < refreshed_at_once && !to_refresh_.empty(); ++i) {
    const Key key = to_refresh_.front();
    to_refresh_.pop_front();
    refreshing_.erase(key);
    if (installed_.find(key) == nullptr || observe_) continue;  // closed meanwhile
    keys.push_back(key);
  }
  std::vector<ElementChange> renewals;
  std::vector<Key> missing;
  for (const Look& look : look_at(keys)) {
    auto* entry = installed_.find(look.key);
    for (const auto& source : entry->take_heard()) seen(look.key, source);
    entry->seen = look.packets;
    note_missing(look);
    if (look.missing > 0 && !backlog_.waits(look.key)) missing.push_back(look.key);
    if (look.missing > 0 || look.unknown || look.aged)
      put_elements(look.key, ElementChange::Kind::renew, renewals);
  }
  write_elements(std::move(renewals), [this, missing = std::move(missing)](const Result& result) {
    count(result.removed);
    put_back(result.failed, last_change_);
    counters_.rewritten += written_of(missing, result);
  });
  return !busy() && !to_refresh_.empty();
}

pinhole::Sources SetKeeper::has_media(const pinhole::Senders& asked) {
  auto* entry = installed_.find(asked.key);
  if (entry == nullptr || observe_) return {};
  entry->seen = look_at({&asked.key, 1}).front().packets;
  return entry->take_heard(&asked.sources);
}

// Of known pinholes. The counters of elements that are gone are lost, but not what was seen of them.
std::vector<SetKeeper::Look> SetKeeper::look_at(std::span<const Key> keys) {
  std::vector<ElementKey> elements;
  for (const Key& key : keys) {
    for (const ElementKey& element : installed_.elements(key)) elements.push_back(element);
  }
  auto states = sets_.find_all(elements);
  if (!states) states = sets_.find_all(elements);  // somebody may just have replaced the ruleset
  if (!states) ++counters_.lookups_failed;
  std::vector<Look> looks;
  std::size_t at = 0;
  for (const Key& key : keys) {
    auto* entry = installed_.find(key);
    Look look{key, entry->packets, !states.has_value(), 0, false};
    for (const std::size_t end = at + installed_.elements(key).size(); states && at < end; ++at) {
      const auto& state = (*states)[at];
      if (!state) ++look.missing;
      if (!state) continue;
      look.packets += state->packets;
      entry->look(state->key.source, state->packets);
      look.aged = look.aged || is_aged(*state, entry->timeout);
    }
    if (look.packets < entry->seen) {
      entry->lost = entry->lost || states.has_value();
      if (states) entry->packets += entry->seen - look.packets;
      look.packets = entry->seen;
    }
    looks.push_back(look);
  }
  return looks;
}

}  // namespace dpinholer
