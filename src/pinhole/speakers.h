// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "base/address.h"
#include "base/hash.h"
#include "base/interface.h"
#include "base/recent_addresses.h"

namespace dpinholer::pinhole {

/// The hosts that sent SIP lately, the interfaces through which it came, and how much each can have asked
/// for. Remembers at least the last `generation` addresses that were heard or asked for, and no more than
/// twice as many. Beside them stand the last `parties` parties of calls that ring or are answered: a flood of
/// forged sources, none of which anybody answers, does not push them out (attack A29).
class Speakers {
 public:
  struct Speaker {
    /// The last first, Interface::unknown where there were fewer; of a host with more ways, the last ones.
    std::array<base::Interface, 4> arrivals{};
    std::size_t credit = 0;  ///< pinholes that may still be opened for what it has sent
  };

  Speakers(std::size_t generation, std::size_t parties, base::HashKey hash_key)
      : speakers_(generation, hash_key), parties_(parties, hash_key) {}

  /// A packet with room for messages that ask for `pinholes` of them.
  void heard(const base::Address& source, base::Interface arrival, std::size_t pinholes);

  /// `party` is one of such a call. Does nothing when it was not heard.
  void keep(const base::Address& party);

  /// Null when it was not heard of; valid until the next call.
  Speaker* find(const base::Address& source) {
    Speaker* party = parties_.find(source);
    return party != nullptr ? party : speakers_.find(source);
  }

  std::size_t size() const { return speakers_.size() + parties_.size(); }

 private:
  base::RecentAddresses<Speaker> speakers_;
  base::RecentAddresses<Speaker> parties_;
};

}  // namespace dpinholer::pinhole
