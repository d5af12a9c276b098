// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "system/config.h"
#include "system/netlink.h"
#include "system/nft_element.h"
#include "system/pinhole_sets.h"

namespace dpinholer::system {

/// What others did to the pinhole sets.
struct RulesetNews {
  /// The table or a set was deleted or made. What became of elements meanwhile is not told one by one.
  bool sets = false;
  /// More happened than can be told here: anything may have.
  bool lost = false;
  std::vector<ElementState> added;    ///< elements, in order
  std::vector<ElementState> removed;  ///< as they were last; also those of a set that was flushed
  bool rules = false;                 ///< rules of the table were deleted, or others took their place

  bool empty() const { return !sets && !rules && !lost && added.empty() && removed.empty(); }
};

/// Listens to the kernel's notifications of changes to the ruleset, from its construction on.
class RulesetWatch {
 public:
  /// Transactions from the netlink port `own_port` are not told: the kernel drops them before they cost
  /// anything here. In this thread's network namespace. Throws KernelError.
  RulesetWatch(TableName table, unsigned own_port);

  /// Readable when there is news.
  int fd() const { return socket_.fd(); }

  /// All that happened since the last time, but for elements beyond limits::ruleset_news. Never waits.
  /// Elements that expire, and those that a rule adds, are not told by the kernel.
  RulesetNews read();

 private:
  void note(const nlmsghdr& message, RulesetNews& news) const;
  bool is_about(const nlmsghdr& message) const;

  TableName table_;
  NetlinkSocket socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace dpinholer::system
