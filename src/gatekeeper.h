// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "bans.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/interface.h"
#include "base/time.h"
#include "flow_account.h"
#include "pinhole/guard.h"
#include "pinhole/host.h"
#include "pinhole/own_media.h"
#include "pinhole/pinhole.h"
#include "pinhole/recovered.h"
#include "pipeline.h"
#include "set_keeper.h"
#include "system/call_log.h"
#include "system/config.h"
#include "system/conntrack_sweeper.h"
#include "system/nft_ban_sets.h"
#include "system/nft_sets.h"
#include "system/once.h"
#include "system/ruleset_watch.h"

namespace dpinholer {

/// Carries changes of pinholes out in the kernel and keeps account of them: sets, conntrack, log. It does not
/// believe the inspector that asks for them: pinhole::Guard judges them first.
class Gatekeeper {
 public:
  /// `host` must live longer. Throws system::KernelError when the sets are not as they should be.
  Gatekeeper(const system::Config& config, pinhole::Host& host, base::HashKey hash_key);

  /// The pinholes of a daemon before this one (and its bans), as far as their elements tell: those that carry
  /// a comment of ours. To be called at the start. Nothing is changed by it: what is to stay open comes back
  /// as openings for the cause `recovered`. Their figures go on from what the elements have counted; what was
  /// counted by elements that the other daemon renewed is forgotten with it.
  std::vector<pinhole::Recovered> recover(base::TimePoint now);
  /// The same for an inspector that begins anew: the pinholes that this gatekeeper opened, and those that it
  /// found and no inspector has claimed yet. They stay open until `close_unclaimed`.
  std::vector<pinhole::Recovered> offer();
  /// Closes what was offered and did not come back.
  void close_unclaimed(base::TimePoint now);

  /// Judges openings by these settings from now on.
  void reconfigure(const system::Config& config);

  /// A packet was handed to the inspector: from now on it may ask in the name of the packet's source.
  void heard(base::Bytes packet, base::Interface arrival);
  /// That packet belongs to a call that rings or is answered.
  void keep(base::Bytes packet);
  /// Removes from `outcome` what the guard forbids and what is done already; adds the guard's refusals.
  void judge(Outcome& outcome);

  /// Writes changes to the sets: an opened pinhole lets packets through when the commit is done, mostly when
  /// this returns. Refreshes are left to `refresh_some`.
  SetKeeper::Commit write(const std::vector<pinhole::Change>& changes) { return keeper_.write(changes); }
  bool is_done(SetKeeper::Commit commit) const { return keeper_.is_done(commit); }
  /// Does the work for which no packet needs to wait, after `write`, with the same outcome: the account, the
  /// flows of closed pinholes, bans, the log.
  void finish(const Outcome& outcome, base::TimePoint now);

  /// A commit is late because the kernel is busy: see SetKeeper. `settle` goes on when one of `late_fds` is
  /// readable, or waits for that, for `most` at the longest.
  bool busy() const { return keeper_.busy(); }
  std::array<int, 2> late_fds() const { return {keeper_.fd(), bans_.fd()}; }
  void settle(base::TimePoint now, base::Duration most = base::Duration{0});

  /// Looks at a few of the pinholes that are to be refreshed, oldest first: calls `seen` for those that media
  /// went through, for each of its sources, and starts the timeouts of those again that need it. True when
  /// more are left.
  bool refresh_some(const SetKeeper::Seen& seen);

  /// See Questions.
  pinhole::Sources has_media(const pinhole::Senders& asked);

  /// Readable when others have changed the ruleset: `read_news` is to be called then.
  int news_fd() const { return watch_.fd(); }
  void read_news(base::TimePoint now);
  /// Mends what others did to the sets and what the kernel refused, and reads what is known of offloaded
  /// media elsewhere, a little at a time. True when more is left for now.
  bool mend(base::TimePoint now);
  /// When `mend` is to be called, unless it said that more is left.
  std::optional<base::TimePoint> next_deadline() const;

  /// Is told what `finish` was, whoever asked for it, which offences led to a ban, and which parties behind a
  /// NAT the log tells of.
  using Witness = std::function<void(const Outcome& outcome, const std::vector<scanners::Offence>& banned,
                                     const std::vector<pinhole::FarNat>& far_nats)>;
  void tell(Witness witness) { witness_ = std::move(witness); }

  /// Removes all its elements from the sets. Waits until the kernel has done so, for
  /// limits::flush_wait_seconds at most.
  void close_all(base::TimePoint now);

  std::size_t open_pinholes() const { return keeper_.installed().size(); }
  /// The sets are missing or wrong, and no pinhole is in the kernel: see SetKeeper::recover.
  bool has_no_sets() const { return keeper_.has_no_sets(); }
  const SetKeeper::Counters& counters() const { return keeper_.counters(); }
  std::uint64_t refused() const { return refused_; }    ///< pinholes, by policy
  std::uint64_t repelled() const { return repelled_; }  ///< of them, those that the inspector let pass
  system::ConntrackSweeper::Report conntrack() const { return sweeper_.report(); }

  /// For whoever lists them (control/listing.h).
  const system::CallLog& calls() const { return call_log_; }
  const pinhole::Installed& installed() const { return keeper_.installed(); }
  system::PinholeSets& sets() { return sets_; }
  std::size_t waiting() const { return keeper_.waiting(); }  ///< pinholes that the kernel refuses
  Bans& bans() { return bans_; }

 private:
  void account(const pinhole::Change& change, const pinhole::Installed::Entry* entry,
               std::vector<system::Closing>& closings);
  void note_own_media(const pinhole::Key& key, const pinhole::Installed::Entry& entry);
  void forget_late();
  void log_refusal(const pinhole::Refusal& refusal, base::TimePoint now);
  void log_unread(const message::UnreadEvent& unread, base::TimePoint now);

  bool observe_;
  std::optional<base::seconds> held_;
  bool offload_;
  system::NftSets sets_;
  system::RulesetWatch watch_;  // since before the sets were found in order
  SetKeeper keeper_;
  FlowAccount flows_;  // if media may be offloaded
  pinhole::OwnMedia own_media_;
  system::CallLog call_log_;
  system::OncePerMinute refusals_told_;
  system::OncePerMinute unread_told_;
  system::ConntrackSweeper sweeper_;
  pinhole::Guard guard_;
  system::NftBanSets ban_sets_;
  Bans bans_;
  Witness witness_;
  std::uint64_t refused_ = 0;
  std::uint64_t repelled_ = 0;
};

}  // namespace dpinholer
