// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/own_media.h"

#include <algorithm>

namespace dpinholer::pinhole {

void OwnMedia::note_counted(const Key& key, const base::Address& source) {
  if (sends(source) && !host_.is_own(key.destination.address)) counted_.insert(source);
}

bool OwnMedia::is_unseen(const std::vector<base::Address>& own) const {
  return !own.empty() &&
         std::ranges::none_of(own, [&](const base::Address& source) { return counted_.contains(source); });
}

}  // namespace dpinholer::pinhole
