// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <unordered_map>

#include "base/address.h"
#include "base/address_hash.h"
#include "base/hash.h"
#include "base/interface.h"

namespace dpinholer::pinhole {

/// Who sent SIP lately, through which interfaces it came, and how much it can have asked for. At least the
/// last `generation` addresses that were heard or asked for are remembered, and no more than twice as many.
class Speakers {
 public:
  struct Speaker {
    /// The last first, Interface::unknown where there were fewer; of a host with more ways, the last ones.
    std::array<base::Interface, 4> arrivals{};
    std::size_t credit = 0;  ///< pinholes that may still be opened for what it has sent
  };

  Speakers(std::size_t generation, base::HashKey hash_key)
      : generation_(generation),
        young_(0, base::AddressHash{hash_key}),
        old_(0, base::AddressHash{hash_key}) {}

  /// A packet with room for messages that ask for `pinholes` of them.
  void heard(const base::Address& source, base::Interface arrival, std::size_t pinholes);

  /// Null when it was not heard of; valid until the next call.
  Speaker* find(const base::Address& source);

  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  using Table = std::unordered_map<base::Address, Speaker, base::AddressHash>;

  Speaker& keep(const base::Address& source, Speaker speaker);

  std::size_t generation_;
  Table young_;
  Table old_;
};

}  // namespace dpinholer::pinhole
