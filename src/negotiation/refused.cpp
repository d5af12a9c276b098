// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/refused.h"

#include <algorithm>

#include "base/limits.h"

namespace dpinholer::negotiation {

const Refused::OfParty* Refused::find(std::string_view tag) const {
  const auto at = std::ranges::find(parties_, tag, &OfParty::tag);
  return at == parties_.end() ? nullptr : &*at;
}

// Null when there is no room for another one.
Refused::OfParty* Refused::get(std::string_view tag) {
  const auto at = std::ranges::find(parties_, tag, &OfParty::tag);
  if (at != parties_.end()) return &*at;
  if (size_ == base::limits::refused_per_call) {
    overflowed_ = true;
    return nullptr;
  }
  return &parties_.emplace_back(OfParty{std::string(tag), {}, {}});
}

template <typename Value>
void Refused::insert(std::vector<Value>& values, const Value& value) {
  const auto at = std::ranges::lower_bound(values, value);
  if (at != values.end() && *at == value) return;
  if (size_ == base::limits::refused_per_call) {
    overflowed_ = true;
    return;
  }
  values.insert(at, value);
  ++size_;
}

void Refused::add(std::string_view tag, const base::Address& address) {
  if (OfParty* party = get(tag)) insert(party->addresses, address);
}

void Refused::add(std::string_view tag, const base::Endpoint& place) {
  if (OfParty* party = get(tag)) insert(party->places, place);
}

bool Refused::has(std::string_view tag, const base::Address& address) const {
  const OfParty* party = find(tag);
  return party != nullptr && std::ranges::binary_search(party->addresses, address);
}

bool Refused::has(std::string_view tag, const base::Endpoint& place) const {
  const OfParty* party = find(tag);
  return party != nullptr && std::ranges::binary_search(party->places, place);
}

}  // namespace dpinholer::negotiation
