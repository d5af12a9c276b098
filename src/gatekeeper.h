// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "pinhole/installed.h"
#include "pinhole/pinhole.h"
#include "pinhole/recovered.h"
#include "system/call_log.h"
#include "system/config.h"
#include "system/conntrack_sweeper.h"
#include "system/nft_sets.h"
#include "system/once.h"

namespace dpinholer {

/// Carries changes of pinholes out in the kernel and keeps account of them: sets, conntrack, log.
class Gatekeeper {
 public:
  /// Throws system::KernelError when the sets are not as they should be.
  Gatekeeper(const system::KernelSettings& settings, base::HashKey hash_key);

  /// The pinholes of a daemon before this one, as far as their elements tell: those that carry a comment of
  /// ours. To be called at the start. Nothing is changed by it: what is to stay open comes back as openings
  /// for the cause `recovered`. Their figures go on from what the elements have counted; what was counted by
  /// elements that the other daemon renewed is forgotten with it.
  std::vector<pinhole::Recovered> recover();

  /// Writes changes to the sets: what was opened lets packets through when it returns. Refreshes are left to
  /// `refresh_some`.
  void write(const std::vector<pinhole::Change>& changes);
  /// What no packet needs to wait for, after `write`, with the same changes: the account, the flows of what
  /// closed, the log.
  void finish(const std::vector<pinhole::Change>& changes, const std::vector<pinhole::Refusal>& refusals,
              base::TimePoint now);

  /// Looks at a few of the pinholes that are to be refreshed, oldest first: calls `seen` for those that media
  /// went through, and starts the timeouts of those again that need it. True when more are left.
  bool refresh_some(const std::function<void(const pinhole::Key&)>& seen);

  /// Whether packets went through a pinhole since it was asked last.
  bool has_media(const pinhole::Key& key);

  /// Removes all its elements from the sets.
  void close_all(base::TimePoint now);

  struct Counters {
    std::uint64_t transactions = 0;
    std::uint64_t elements = 0;  ///< changes
    std::uint64_t failures = 0;  ///< changes that are not in the kernel
    std::uint64_t lookups_failed = 0;
    std::uint64_t refused = 0;  ///< pinholes, by policy
  };
  const Counters& counters() const { return counters_; }
  system::ConntrackSweeper::Report conntrack() const { return sweeper_.report(); }

 private:
  /// Of the elements of one pinhole.
  struct Look {
    std::uint64_t packets = 0;
    bool needs_refresh = false;
  };

  /// What was found at the start of a pinhole that is to be opened for `recovered`.
  struct Found {
    std::string comment;  ///< names the call, which may not be known otherwise
    std::uint64_t packets = 0;
  };

  void read_ours(pinhole::Set set, std::map<pinhole::ElementKey, system::ElementState>& ours);
  void take_over(const Found& found, const pinhole::Change& change);
  std::vector<system::ElementState> write_elements(std::vector<pinhole::ElementChange> changes);
  void count(const std::vector<system::ElementState>& removed);
  void account(const pinhole::Change& change);
  Look look(const pinhole::Key& key, const pinhole::Installed::Entry& entry);
  void log_refusal(const pinhole::Refusal& refusal, base::TimePoint now);

  bool observe_;
  system::NftSets sets_;
  pinhole::Installed installed_;
  system::CallLog call_log_;
  system::OncePerHour refusals_told_;
  system::OncePerHour failures_told_;
  system::ConntrackSweeper sweeper_;
  std::deque<pinhole::Change> to_refresh_;
  std::map<pinhole::Key, Found> found_;  // until it is opened
  // Of what was written and is not finished yet:
  std::vector<system::ElementState> removed_;
  std::vector<system::Closing> closings_;
  base::TimePoint last_change_;
  Counters counters_;
};

}  // namespace dpinholer
