// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/installed.h"

#include <algorithm>

namespace dpinholer::pinhole {

namespace {

constexpr std::uint64_t counted_twice = 64;  // one packet in so many

}  // namespace

void Installed::apply(const Change& change) {
  switch (change.kind) {
    case Change::Kind::open:
    case Change::Kind::bind: {
      const auto [place, is_new] = entries_.try_emplace(change.key);
      Entry& entry = place->second;
      if (is_new) {
        entry.label = change.label;
        entry.opened = change.time;
      }
      entry.from = change.from;
      entry.timeout = change.timeout;
      entry.accounted = false;
      return;
    }
    case Change::Kind::refresh:
      if (Entry* entry = find(change.key)) entry->timeout = change.timeout;
      return;
    case Change::Kind::close:
      entries_.erase(change.key);
      return;
  }
}

Installed::Entry* Installed::find(const Key& key) {
  const auto place = entries_.find(key);
  return place == entries_.end() ? nullptr : &place->second;
}

const Installed::Entry* Installed::find(const Key& key) const {
  const auto place = entries_.find(key);
  return place == entries_.end() ? nullptr : &place->second;
}

std::vector<ElementKey> Installed::elements(const Key& key) const {
  const auto place = entries_.find(key);
  if (place == entries_.end()) return {};
  return element_keys(key, place->second.from);
}

void Installed::count(const ElementKey& element, std::uint64_t packets, bool known) {
  Entry* entry = find(pinhole_of(element));
  if (entry == nullptr) return;
  entry->packets += packets;
  entry->accounted = entry->accounted || known;
}

bool Installed::holds(const ElementKey& element) const {
  const auto place = entries_.find(pinhole_of(element));
  if (place == entries_.end()) return false;
  const std::vector<base::Address>& from = place->second.from;
  return element.source ? std::binary_search(from.begin(), from.end(), *element.source) : from.empty();
}

void Installed::lose_count(const Key& key) {
  Entry* entry = find(key);
  if (entry == nullptr) return;
  entry->packets = std::max(entry->packets, entry->seen);
  entry->seen = entry->packets;
  entry->lost = true;
}

void Installed::for_each(const std::function<void(const Key&, const Entry&)>& visit) const {
  for (const auto& [key, entry] : entries_) visit(key, entry);
}

Key pinhole_of(const ElementKey& element) {
  switch (element.set) {
    case Set::rtp4:
    case Set::rtp6:
    case Set::rtp4_from:
    case Set::rtp6_from:
      return {base::Protocol::udp, element.destination};
    case Set::tcp4:
    case Set::tcp6:
    case Set::tcp4_from:
    case Set::tcp6_from:
      break;
  }
  return {base::Protocol::tcp, element.destination};
}

std::uint64_t passed(std::uint64_t counted) {
  return counted - counted / (counted_twice + 1);
}

}  // namespace dpinholer::pinhole
