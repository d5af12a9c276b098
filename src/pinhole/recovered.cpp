// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/recovered.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "pinhole/installed.h"

namespace dpinholer::pinhole {

Recovered recovered(const Key& key, const std::vector<base::Address>& from, const Label& label,
                    base::seconds timeout) {
  CommentContent tells = content(label);
  return {key,
          from,
          negotiation::media_of(tells.media),
          tells.component,
          std::move(tells.call),
          tells.call_hash,
          timeout};
}

Label label_of(const Recovered& pinhole) {
  return {pinhole.call, std::string(name(pinhole.media)), pinhole.component, pinhole.call_hash};
}

// Sorted so that the elements of one pinhole stand together, those with a source first and in their order.
std::vector<Recovered> recovered(std::vector<FoundElement> elements) {
  auto place = [](const FoundElement& element) {
    return std::tuple(pinhole_of(element.key), !element.key.source, element.key.source);
  };
  std::sort(elements.begin(), elements.end(),
            [&](const FoundElement& a, const FoundElement& b) { return place(a) < place(b); });
  std::vector<Recovered> pinholes;
  for (const FoundElement& element : elements) {
    const Key key = pinhole_of(element.key);
    if (pinholes.empty() || pinholes.back().key != key) {
      pinholes.push_back({key,
                          {},
                          negotiation::media_of(element.content.media),
                          element.content.component,
                          element.content.call,
                          element.content.call_hash,
                          base::seconds{0}});
    }
    pinholes.back().timeout = std::max(pinholes.back().timeout, element.timeout);
    std::vector<base::Address>& from = pinholes.back().from;
    if (element.key.source && (from.empty() || from.back() != *element.key.source)) {
      from.push_back(*element.key.source);
    }
  }
  return pinholes;
}

}  // namespace dpinholer::pinhole
