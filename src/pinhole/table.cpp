// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/table.h"

#include <algorithm>
#include <set>

#include "base/limits.h"

namespace dpinholer::pinhole {

void Table::SharedClaims::set(CallSerial call, Claim claim) {
  remove(call);
  count(call, claim, true);
  by_call_.emplace(call, std::move(claim));
}

void Table::SharedClaims::remove(CallSerial call) {
  auto known = by_call_.find(call);
  if (known == by_call_.end()) return;
  count(call, known->second, false);
  by_call_.erase(known);
}

void Table::SharedClaims::count(CallSerial call, const Claim& claim, bool more) {
  std::size_t& alike = timeouts_[claim.timeout];
  more ? ++alike : --alike;
  if (alike == 0) timeouts_.erase(claim.timeout);
  auto note = [&](std::set<CallSerial>& calls) {
    if (more) calls.insert(call);
    if (!more) calls.erase(call);
  };
  for (const base::Address& source : claim.from) {
    const auto calls = sources_.try_emplace(source).first;
    note(calls->second);
    if (calls->second.empty()) sources_.erase(calls);
  }
  if (claim.from.empty()) note(unbound_);
}

void Table::SharedClaims::combine_into(Claim& claim) const {
  claim.timeout = timeouts_.rbegin()->first;
  claim.from.clear();
  claim.from.reserve(sources_.size());
  for (const auto& [source, calls] : sources_) claim.from.push_back(source);
}

std::vector<CallSerial> Table::SharedClaims::calls_with(const base::Address& source) const {
  std::vector<CallSerial> calls(unbound_.begin(), unbound_.end());
  if (const auto named = sources_.find(source); named != sources_.end())
    calls.insert(calls.end(), named->second.begin(), named->second.end());
  return calls;
}

const Table::Claim* Table::Entry::claim_of(CallSerial call) const {
  if (!shared) return owner == call ? &in_force : nullptr;
  auto at = shared->by_call().find(call);
  return at == shared->by_call().end() ? nullptr : &at->second;
}

void Table::update(const Reason& reason, const std::vector<Want>& wants, std::vector<Change>& changes) {
  const auto changes_before = static_cast<std::ptrdiff_t>(changes.size());
  std::vector<Key> before;
  if (auto known = by_call_.find(reason.call); known != by_call_.end()) before = std::move(known->second);
  std::vector<Key> after;
  after.reserve(wants.size());
  std::set<Key> held;
  for (const Want& want : wants) {
    if (want.held) {
      held.insert(want.key);
      continue;
    }
    claim(reason, want, changes);
    after.push_back(want.key);
  }
  std::vector<Key> kept = after;
  std::sort(kept.begin(), kept.end());
  for (const Key& key : before) {
    if (std::binary_search(kept.begin(), kept.end(), key)) continue;
    const bool put_on_hold = reason.described && held.contains(key);
    release(reason, key, put_on_hold ? Cause::held : reason.closed, changes);
  }
  // One that another call still wants is bound anew, not closed.
  std::stable_partition(changes.begin() + changes_before, changes.end(),
                        [](const Change& change) { return change.kind != Change::Kind::close; });
  if (after.empty()) {
    by_call_.erase(reason.call);
  } else {
    by_call_[reason.call] = std::move(after);
  }
}

void Table::Entry::set(CallSerial call, const Want& want) {
  if (!shared && owner == call) {
    in_force.from = want.from;
    in_force.timeout = want.timeout;
    return;
  }
  if (!shared) {
    shared = std::make_unique<SharedClaims>();
    shared->set(owner, in_force);
  }
  shared->set(call, {want.from, want.timeout, want.media, want.component});
  shared->combine_into(in_force);
}

void Table::Entry::remove(CallSerial call) {
  shared->remove(call);
  shared->combine_into(in_force);
  if (shared->by_call().size() > 1) return;
  owner = shared->by_call().begin()->first;
  shared.reset();
}

Change Table::Entry::change(Change::Kind kind, const Key& key, const Reason& reason, Cause cause) const {
  Change change;
  change.kind = kind;
  change.key = key;
  change.from = in_force.from;
  change.timeout = in_force.timeout;
  change.label = {std::string(reason.call_id), std::string(name(in_force.media)), in_force.component,
                  reason.call_hash};
  change.cause = cause;
  change.time = reason.time;
  return change;
}

void Table::claim(const Reason& reason, const Want& want, std::vector<Change>& changes) {
  auto [at, opened] = entries_.try_emplace(want.key);
  Entry& entry = at->second;
  if (opened) {
    entry.owner = reason.call;
    entry.in_force.media = want.media;
    entry.in_force.component = want.component;
  }
  Claim before = entry.in_force;
  entry.set(reason.call, want);

  Change::Kind kind = Change::Kind::open;
  if (!opened) {
    kind = entry.in_force.from != before.from ? Change::Kind::bind : Change::Kind::refresh;
    const bool same = kind == Change::Kind::refresh && entry.in_force.timeout == before.timeout;
    if (same && !reason.refresh) return;
  }
  const Cause cause = opened || reason.described ? reason.opened : reason.closed;
  changes.push_back(entry.change(kind, want.key, reason, cause));
  changes.back().from_before = std::move(before.from);
  if (opened) changes.back().announced_by = want.announced_by;
}

void Table::release(const Reason& reason, const Key& key, Cause cause, std::vector<Change>& changes) {
  auto at = entries_.find(key);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  std::vector<base::Address> from_before = entry.in_force.from;
  if (entry.shared) {
    entry.remove(reason.call);
    if (entry.in_force.from == from_before) return;
    changes.push_back(entry.change(Change::Kind::bind, key, reason, cause));
  } else {
    changes.push_back(entry.change(Change::Kind::close, key, reason, cause));
    entries_.erase(at);
  }
  changes.back().from_before = std::move(from_before);
}

bool Table::passes(const Key& key, const base::Address& source) const {
  auto at = entries_.find(key);
  if (at == entries_.end()) return false;
  const std::vector<base::Address>& from = at->second.in_force.from;
  return from.empty() || std::binary_search(from.begin(), from.end(), source);
}

bool Table::is_bound(const Key& key) const {
  auto at = entries_.find(key);
  return at != entries_.end() && !at->second.in_force.from.empty();
}

std::vector<CallSerial> Table::owners(const Key& key, const std::optional<base::Address>& source) const {
  auto at = entries_.find(key);
  if (at == entries_.end()) return {};
  const Entry& entry = at->second;
  if (!entry.shared) return {entry.owner};
  if (source) return entry.shared->calls_with(*source);
  std::vector<CallSerial> owners;
  for (const auto& [call, claim] : entry.shared->by_call()) owners.push_back(call);
  return owners;
}

Sources Table::sources(const Key& key, CallSerial call) const {
  auto at = entries_.find(key);
  if (at == entries_.end()) return {};
  const Claim* claim = at->second.claim_of(call);
  if (claim == nullptr) return {};
  if (claim->from.empty() || at->second.in_force.from.empty()) return {std::nullopt};
  const auto some = std::min(claim->from.size(), base::limits::asked_sources);
  return {claim->from.begin(), claim->from.begin() + static_cast<std::ptrdiff_t>(some)};
}

std::vector<Key> Table::pinholes(CallSerial call) const {
  auto at = by_call_.find(call);
  return at == by_call_.end() ? std::vector<Key>{} : at->second;
}

bool Table::agrees(CallSerial call, const std::vector<Want>& wants) const {
  std::size_t open = 0;
  for (const Want& want : wants) {
    if (want.held) continue;
    ++open;
    auto at = entries_.find(want.key);
    if (at == entries_.end()) return false;
    const Claim* claim = at->second.claim_of(call);
    if (claim == nullptr || claim->from != want.from || claim->timeout != want.timeout) return false;
  }
  return open == pinholes(call).size();
}

bool Table::widens_nothing() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& key_and_entry) {
    const Entry& entry = key_and_entry.second;
    if (!entry.shared) return true;
    std::set<base::Address> sources;
    for (const auto& [call, claim] : entry.shared->by_call())
      sources.insert(claim.from.begin(), claim.from.end());
    return std::equal(sources.begin(), sources.end(), entry.in_force.from.begin(), entry.in_force.from.end());
  });
}

std::size_t Table::claims() const {
  std::size_t count = 0;
  for (const auto& [key, entry] : entries_) count += entry.shared ? entry.shared->by_call().size() : 1;
  return count;
}

}  // namespace dpinholer::pinhole
