// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/speakers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.h"

namespace dpinholer::pinhole {

void Speakers::heard(const base::Address& source, base::Interface arrival, std::size_t pinholes) {
  Speaker* known = find(source);
  Speaker& speaker = known != nullptr ? *known : keep(source, {});
  speaker.credit = std::min(speaker.credit + pinholes, base::limits::pinholes_per_speaker);
  auto& arrivals = speaker.arrivals;
  const auto place = std::find(arrivals.begin(), arrivals.end(), arrival);
  const auto last = place == arrivals.end() ? std::prev(place) : place;
  std::rotate(arrivals.begin(), last, std::next(last));
  arrivals.front() = arrival;
}

Speakers::Speaker* Speakers::find(const base::Address& source) {
  if (const auto young = young_.find(source); young != young_.end()) return &young->second;
  const auto old = old_.find(source);
  return old == old_.end() ? nullptr : &keep(source, old->second);
}

Speakers::Speaker& Speakers::keep(const base::Address& source, Speaker speaker) {
  if (young_.size() >= generation_) old_ = std::exchange(young_, Table(0, young_.hash_function()));
  return young_[source] = speaker;
}

}  // namespace dpinholer::pinhole
