// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/speakers.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"

namespace dpinholer::pinhole {

void Speakers::heard(const base::Address& source, base::Interface arrival, std::size_t pinholes) {
  Speaker* known = find(source);
  Speaker& speaker = known != nullptr ? *known : speakers_.get(source);
  speaker.credit = std::min(speaker.credit + pinholes, base::limits::pinholes_per_speaker);
  auto& arrivals = speaker.arrivals;
  const auto place = std::find(arrivals.begin(), arrivals.end(), arrival);
  const auto last = place == arrivals.end() ? std::prev(place) : place;
  std::rotate(arrivals.begin(), last, std::next(last));
  arrivals.front() = arrival;
}

void Speakers::keep(const base::Address& party) {
  if (parties_.find(party) != nullptr) return;
  if (const Speaker* speaker = speakers_.find(party)) parties_.get(party) = *speaker;
}

}  // namespace dpinholer::pinhole
