// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/installed.h"

#include <algorithm>
#include <utility>

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
      entry.set_from(change.from);
      entry.timeout = change.timeout;
      entry.accounted = false;
      entry.absent = 0;
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

void Installed::change_timeout(base::seconds before, base::seconds now) {
  for (auto& [key, entry] : entries_) {
    if (entry.timeout == before) entry.timeout = now;
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
  entry->look(element.source, packets);
  if (auto* source = entry->source_of(element.source))
    source->seen = 0;  // if it is there again, it counts anew
}

void Installed::count_removed(const ElementKey& element, std::uint64_t packets) {
  count(element, packets, false);
  if (holds(element)) ++find(pinhole_of(element))->absent;
}

void Installed::note_absent(const Key& key) {
  if (Entry* entry = find(key)) entry->absent = static_cast<std::uint16_t>(entry->sources.size());
}

bool Installed::holds(const ElementKey& element) const {
  const auto place = entries_.find(pinhole_of(element));
  if (place == entries_.end()) return false;
  const std::vector<base::Address>& from = place->second.from;
  return element.source ? std::binary_search(from.begin(), from.end(), *element.source) : from.empty();
}

std::uint64_t Installed::Entry::passed(std::uint64_t counted) const {
  return std::max(pinhole::passed(counted), offloaded);
}

bool Installed::Entry::lets(const base::Address& source) const {
  return from.empty() || std::binary_search(from.begin(), from.end(), source);
}

void Installed::Entry::note_flow(const base::Address& source, std::uint64_t more) {
  offloaded += more;
  Source* known = from.empty() ? source_of(std::nullopt) : source_of(source);
  if (known != nullptr && more > 0) known->heard = true;
}

void Installed::Entry::note_missing(std::size_t elements) {
  lost = lost || elements > absent;
  absent = 0;
}

// Once the sources are known, packets counted for anybody are no source's sign of life.
void Installed::Entry::set_from(const std::vector<base::Address>& now) {
  std::vector<Source> kept(std::max<std::size_t>(now.size(), 1));
  if (from.empty() && now.empty()) kept = sources;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (const Source* known = from.empty() ? nullptr : source_of(now[i])) kept[i] = *known;
  }
  from = now;
  sources = std::move(kept);
}

Installed::Entry::Source* Installed::Entry::source_of(const std::optional<base::Address>& source) {
  if (source.has_value() == from.empty()) return nullptr;
  if (!source) return &sources.front();
  const auto at = std::ranges::lower_bound(from, *source);
  return at == from.end() || *at != *source ? nullptr : &sources[static_cast<std::size_t>(at - from.begin())];
}

// An element that has counted less was made anew.
void Installed::Entry::look(const std::optional<base::Address>& source, std::uint64_t counted) {
  Source* known = source_of(source);
  if (known == nullptr) return;
  known->heard = known->heard || (counted != known->seen && counted > 0);
  known->seen = counted;
}

Sources Installed::Entry::take_heard(const Sources* asked) {
  Sources heard;
  auto take = [&](const std::optional<base::Address>& source) {
    Source* known = source_of(source);
    if (known != nullptr && std::exchange(known->heard, false)) heard.push_back(source);
  };
  const bool as_thought = asked != nullptr && !from.empty() &&
                          std::ranges::all_of(*asked, [](const auto& source) { return source.has_value(); });
  if (as_thought) std::ranges::for_each(*asked, take);
  if (!as_thought && from.empty()) take(std::nullopt);
  if (!as_thought) std::ranges::for_each(from, take);
  return heard;
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
