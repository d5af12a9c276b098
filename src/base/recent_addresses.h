// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

#include "base/address.h"
#include "base/address_hash.h"
#include "base/hash.h"

namespace dpinholer::base {

/// A value for each of the addresses that were asked for lately: at least for the last `generation` of them,
/// and for no more than twice as many. Constant cost.
template <typename Value>
class RecentAddresses {
 public:
  RecentAddresses(std::size_t generation, HashKey hash_key)
      : generation_(generation), young_(0, AddressHash{hash_key}), old_(0, AddressHash{hash_key}) {}

  /// Null when there is none. What these two return is valid until the next call.
  Value* find(const Address& address) {
    if (const auto young = young_.find(address); young != young_.end()) return &young->second;
    const auto old = old_.find(address);
    return old == old_.end() ? nullptr : &keep(address, old->second);
  }
  /// A fresh one when there is none.
  Value& get(const Address& address) {
    Value* known = find(address);
    return known != nullptr ? *known : keep(address, {});
  }

  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  using Table = std::unordered_map<Address, Value, AddressHash>;

  // By value: it may come from the table that goes.
  Value& keep(const Address& address, Value value) {
    if (young_.size() >= generation_) old_ = std::exchange(young_, Table(0, young_.hash_function()));
    return young_[address] = std::move(value);
  }

  std::size_t generation_;
  Table young_;
  Table old_;
};

}  // namespace dpinholer::base
