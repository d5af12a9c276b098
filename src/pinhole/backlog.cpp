// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/backlog.h"

#include <algorithm>
#include <chrono>

namespace dpinholer::pinhole {

namespace {

// A try that fails makes the kernel wait for all its readers, some ten milliseconds in which no packet gets
// its verdict: one in two seconds does not matter.
constexpr base::Duration first_pause = std::chrono::milliseconds{100};
constexpr base::Duration longest_pause = std::chrono::seconds{2};

}  // namespace

void Backlog::put(const Key& key, Set set, bool full, base::TimePoint now) {
  remove(key);
  Queue& to = queue(set);
  if (to.pause == base::Duration{0}) {
    to.pause = first_pause;
    to.next = now + first_pause;
  }
  to.full = to.full || full;
  to.waiting.emplace(++last_number_, key);
  places_[key] = {set, last_number_};
}

void Backlog::remove(const Key& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return;
  Queue& from = queue(place->second.set);
  from.waiting.erase(place->second.number);
  if (from.waiting.empty()) from.full = false;
  places_.erase(place);
}

void Backlog::clear() {
  queues_ = {};
  places_.clear();
}

bool Backlog::full(Set set) const {
  return queue(set).full;
}

void Backlog::room(Set set, base::TimePoint now) {
  Queue& it = queue(set);
  it.full = false;
  it.pause = first_pause;
  it.next = std::min(it.next, now);
}

std::optional<Set> Backlog::due(base::TimePoint now) const {
  for (const Set set : all_sets) {
    if (!queue(set).waiting.empty() && queue(set).next <= now) return set;
  }
  return std::nullopt;
}

std::optional<base::TimePoint> Backlog::next() const {
  std::optional<base::TimePoint> soonest;
  for (const Queue& it : queues_) {
    if (!it.waiting.empty()) soonest = std::min(soonest.value_or(it.next), it.next);
  }
  return soonest;
}

std::vector<Key> Backlog::take(Set set, std::size_t most) {
  Queue& it = queue(set);
  const bool failed_before = it.pause > base::Duration{0};
  std::vector<Key> taken;
  while (!it.waiting.empty() && taken.size() < (failed_before ? 1 : most)) {
    taken.push_back(it.waiting.begin()->second);
    places_.erase(taken.back());
    it.waiting.erase(it.waiting.begin());
  }
  return taken;
}

void Backlog::tried(Set set, bool succeeded, base::TimePoint now) {
  Queue& it = queue(set);
  it.full = it.full && !succeeded && !it.waiting.empty();
  it.pause = succeeded ? base::Duration{0} : std::clamp(it.pause * 2, first_pause, longest_pause);
  it.next = now + it.pause;
}

}  // namespace dpinholer::pinhole
