// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/set_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace dpinholer::system {

namespace {

using pinhole::ElementChange;

// What one try leaves out can't make another element fail, so that two would do but for a table that somebody
// else changes at the same time.
constexpr unsigned most_tries = 4;

// The changes that are to be tried again: without those that stand in the kernel and those that it refused.
std::vector<ElementChange> rest(std::vector<ElementChange> changes, const CommitError& error,
                                Written& written) {
  std::vector<ElementChange> left;
  auto refused = error.refused.begin();
  for (std::size_t i = error.committed; i < changes.size(); ++i) {
    if (refused != error.refused.end() && refused->index == i) {
      const SystemError reason{"nft element", refused->code, to_string(changes[i].key)};
      written.failures.push_back({std::move(changes[i]), reason});
      ++refused;
    } else {
      left.push_back(std::move(changes[i]));
    }
  }
  return left;
}

}  // namespace

Written write_changes(const Commit& commit, std::vector<ElementChange> changes) {
  Written written;
  SystemError last;
  while (!changes.empty() && written.transactions < most_tries && last.code != ETIMEDOUT) {
    ++written.transactions;
    const auto result = commit(changes, &written.removed);
    if (result) return written;
    last = result.error().error;
    changes = rest(std::move(changes), result.error(), written);
  }
  for (ElementChange& change : changes) written.failures.push_back({std::move(change), last});
  return written;
}

}  // namespace dpinholer::system
