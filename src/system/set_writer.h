// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "pinhole/element.h"
#include "system/nft_sets.h"

namespace dpinholer::system {

/// NftSets::commit, or what stands for it in a test.
using Commit = std::function<tl::expected<void, CommitError>(std::span<const pinhole::ElementChange>,
                                                             std::vector<ElementState>*)>;

/// What became of changes.
struct Written {
  /// A change that is not in the kernel.
  struct Failure {
    pinhole::ElementChange change;
    SystemError error;
  };
  std::vector<ElementState> removed;  ///< as NftSets::commit says
  std::vector<Failure> failures;
  unsigned transactions = 0;  ///< tried
};

/// Writes as many of the changes as the kernel takes. An element that it refuses is left out of the next try,
/// so that one full set does not keep a pinhole of another from opening; a lost acknowledgement is no reason
/// to give up, since doing it again does no harm, unless it was waited for: so does a packet. Bounded: a few
/// tries.
Written write_changes(const Commit& commit, std::vector<pinhole::ElementChange> changes);

}  // namespace dpinholer::system
