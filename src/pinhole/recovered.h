// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "negotiation/media.h"
#include "pinhole/element.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// An open pinhole that a starting daemon found in the kernel: what its elements and their comments tell.
struct Recovered {
  Key key;
  std::vector<base::Address> from;  ///< who may send, sorted; empty: anybody
  negotiation::Media media = negotiation::Media::other;
  Component component = Component::rtp;
  std::string call;             ///< what the comment tells of the Call-ID of whoever opened it
  std::uint64_t call_hash = 0;  ///< its base::stable_hash
  base::seconds timeout{0};     ///< of its elements, the longest

  friend bool operator==(const Recovered&, const Recovered&) = default;
};

/// A pinhole that was opened with `label`, as its comment would tell.
Recovered recovered(const Key& key, const std::vector<base::Address>& from, const Label& label,
                    base::seconds timeout);
/// The label of a pinhole that was found.
Label label_of(const Recovered& pinhole);

/// An element of a set, with what its comment says: one of ours.
struct FoundElement {
  ElementKey key;
  CommentContent content;
  base::seconds timeout{0};
};

/// The pinholes that these elements are, sorted by key. An element may come more than once. Where a pinhole
/// is found both open to anybody and bound, its sources stand: the other element is a leftover. What a
/// pinhole is for is said by the element of its first source.
std::vector<Recovered> recovered(std::vector<FoundElement> elements);

}  // namespace dpinholer::pinhole
