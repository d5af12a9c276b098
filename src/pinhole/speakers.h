// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "base/address.h"
#include "base/hash.h"
#include "base/interface.h"
#include "base/recent_addresses.h"

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

  Speakers(std::size_t generation, base::HashKey hash_key) : speakers_(generation, hash_key) {}

  /// A packet with room for messages that ask for `pinholes` of them.
  void heard(const base::Address& source, base::Interface arrival, std::size_t pinholes);

  /// Null when it was not heard of; valid until the next call.
  Speaker* find(const base::Address& source) { return speakers_.find(source); }

  std::size_t size() const { return speakers_.size(); }

 private:
  base::RecentAddresses<Speaker> speakers_;
};

}  // namespace dpinholer::pinhole
