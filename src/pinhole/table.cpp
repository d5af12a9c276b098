// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/table.h"

#include <algorithm>
#include <array>
#include <set>

namespace dpinholer::pinhole {

namespace {

Change change_for(Change::Kind kind, const Table::Reason& reason, const Key& key, std::string_view media,
                  Component component, Cause cause) {
  Change change;
  change.kind = kind;
  change.key = key;
  change.label = {std::string(reason.call_id), std::string(media), component};
  change.cause = cause;
  change.time = reason.time;
  return change;
}

}  // namespace

std::size_t Table::KeyHash::operator()(const Key& key) const {
  std::array<std::uint8_t, 20> octets{};
  const base::Bytes address = key.destination.address.bytes();
  std::copy(address.begin(), address.end(), octets.begin());
  octets[16] = static_cast<std::uint8_t>(key.destination.port >> 8);
  octets[17] = static_cast<std::uint8_t>(key.destination.port & 0xff);
  octets[18] = static_cast<std::uint8_t>(key.protocol);
  octets[19] = static_cast<std::uint8_t>(key.destination.address.family());
  return base::keyed_hash(hash_key, octets);
}

std::vector<base::Address> Table::Entry::from() const {
  if (claims.size() == 1) return claims.front().from;
  std::set<base::Address> all;
  for (const Claim& claim : claims) {
    if (claim.from.empty()) return {};
    all.insert(claim.from.begin(), claim.from.end());
  }
  return {all.begin(), all.end()};
}

base::seconds Table::Entry::timeout() const {
  base::seconds longest{0};
  for (const Claim& claim : claims) longest = std::max(longest, claim.timeout);
  return longest;
}

void Table::update(const Reason& reason, const std::vector<Want>& wants, std::vector<Change>& changes) {
  const auto changes_before = static_cast<std::ptrdiff_t>(changes.size());
  std::vector<Key> before;
  if (auto known = by_call_.find(reason.call); known != by_call_.end()) before = std::move(known->second);
  std::vector<Key> after;
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

void Table::claim(const Reason& reason, const Want& want, std::vector<Change>& changes) {
  auto [at, opened] = entries_.try_emplace(want.key);
  Entry& entry = at->second;
  if (opened) {
    entry.media = name(want.media);
    entry.component = want.component;
  }
  std::vector<base::Address> from_before = entry.from();
  const base::seconds timeout_before = entry.timeout();
  auto ours = std::find_if(entry.claims.begin(), entry.claims.end(),
                           [&](const Claim& c) { return c.call == reason.call; });
  if (ours == entry.claims.end()) ours = entry.claims.insert(ours, Claim{reason.call, {}, {}});
  ours->from = want.from;
  ours->timeout = want.timeout;

  auto from = entry.from();
  Change::Kind kind = Change::Kind::open;
  if (!opened) {
    kind = from != from_before ? Change::Kind::bind : Change::Kind::refresh;
    if (kind == Change::Kind::refresh && !reason.refresh && entry.timeout() == timeout_before) return;
  }
  const Cause cause = opened || reason.described ? reason.opened : reason.closed;
  Change& change =
      changes.emplace_back(change_for(kind, reason, want.key, entry.media, entry.component, cause));
  if (!opened) change.from_before = std::move(from_before);
  change.from = std::move(from);
  change.timeout = entry.timeout();
}

void Table::release(const Reason& reason, const Key& key, Cause cause, std::vector<Change>& changes) {
  auto at = entries_.find(key);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  std::vector<base::Address> from_before = entry.from();
  std::erase_if(entry.claims, [&](const Claim& claim) { return claim.call == reason.call; });
  if (!entry.claims.empty()) {
    auto from = entry.from();
    if (from == from_before) return;
    Change& change = changes.emplace_back(
        change_for(Change::Kind::bind, reason, key, entry.media, entry.component, cause));
    change.from_before = std::move(from_before);
    change.from = std::move(from);
    change.timeout = entry.timeout();
    return;
  }
  Change& change =
      changes.emplace_back(change_for(Change::Kind::close, reason, key, entry.media, entry.component, cause));
  change.from = from_before;
  change.from_before = std::move(from_before);
  entries_.erase(at);
}

bool Table::passes(const Key& key, const base::Address& source) const {
  auto at = entries_.find(key);
  if (at == entries_.end()) return false;
  return std::any_of(at->second.claims.begin(), at->second.claims.end(), [&](const Claim& claim) {
    return claim.from.empty() || std::find(claim.from.begin(), claim.from.end(), source) != claim.from.end();
  });
}

std::vector<CallSerial> Table::owners(const Key& key) const {
  std::vector<CallSerial> owners;
  if (auto at = entries_.find(key); at != entries_.end()) {
    for (const Claim& claim : at->second.claims) owners.push_back(claim.call);
  }
  return owners;
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
    const bool claimed =
        std::any_of(at->second.claims.begin(), at->second.claims.end(), [&](const Claim& claim) {
          return claim.call == call && claim.from == want.from && claim.timeout == want.timeout;
        });
    if (!claimed) return false;
  }
  return open == pinholes(call).size();
}

std::size_t Table::claims() const {
  std::size_t count = 0;
  for (const auto& [key, entry] : entries_) count += entry.claims.size();
  return count;
}

}  // namespace dpinholer::pinhole
