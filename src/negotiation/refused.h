// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dpinholer::negotiation {

/// Addresses and places that the parties of a call announced and were refused because they lie on another
/// side (calls.md section 2, attack A24). A proxy may send the same description through the gateway once
/// more, from a side that could speak for them; the Call-ID and the party's tag tell that it is the same.
///
///   an address  refused where its party was first heard: none of its ports is the party's in this call
///   a place     an address and port, refused somewhere else. Somebody who has learned the tag may have sent
///               that: the party itself can go on announcing other ports of this address
///
/// Holds limits::refused_per_call of both together.
class Refused {
 public:
  void add(std::string_view tag, const base::Address& address);
  void add(std::string_view tag, const base::Endpoint& place);

  bool has(std::string_view tag, const base::Address& address) const;
  bool has(std::string_view tag, const base::Endpoint& place) const;

  /// There was no room to remember some of them.
  bool overflowed() const { return overflowed_; }

 private:
  struct OfParty {
    std::string tag;
    std::vector<base::Address> addresses;  // sorted, as are the places
    std::vector<base::Endpoint> places;
  };
  const OfParty* find(std::string_view tag) const;
  OfParty* get(std::string_view tag);
  template <typename Value>
  void insert(std::vector<Value>& values, const Value& value);

  std::vector<OfParty> parties_;
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace dpinholer::negotiation
