// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "pinhole/backlog.h"
#include "pinhole/installed.h"
#include "pinhole/key_hash.h"
#include "pinhole/pinhole.h"
#include "pinhole/recovered.h"
#include "system/once.h"
#include "system/pinhole_sets.h"
#include "system/ruleset_watch.h"
#include "system/set_writer.h"
#include "system/worker.h"

namespace dpinholer {

/// Makes the sets hold what the account says, and mends them when they do not: what the kernel refused is
/// tried again while it is wanted, what others removed is written again, and elements that nobody wants any
/// more are removed. Foreign elements, those without a comment of ours, are left alone.
///
/// The kernel lets nobody change a ruleset while another program changes one, for as long as that takes. So
/// commits run in a thread of their own, one at a time. One that takes long is late: the account goes on
/// without it, and later changes are written in one commit behind it, as the account then says.
class SetKeeper {
 public:
  /// `sets` outlives it. `observe`: writes nothing. `wait`: how long a commit may take
  /// before it is late.
  SetKeeper(system::PinholeSets& sets, bool observe, base::HashKey hash_key,
            base::Duration wait = std::chrono::seconds{10});

  /// See Gatekeeper. From then on all elements of ours are known, and others with our comment are removed.
  /// Nothing, and one line in the log, while the sets are missing or wrong: they are looked for from then on.
  std::vector<pinhole::Recovered> recover(base::TimePoint now);

  /// The number of a commit in the order of all.
  using Commit = std::uint64_t;
  /// Writes changes to the sets. Refreshes are left to `refresh_some`. Returns the commit that carries them
  /// out: it is in the kernel when `is_done` says so, which it mostly does at once.
  Commit write(const std::vector<pinhole::Change>& changes);
  bool is_done(Commit commit) const { return commit <= done_; }
  /// A commit is late. Until it and the one behind it are done, nothing is looked at or mended.
  bool busy() const { return worker_.busy(); }
  /// Readable when a commit that was late is done: `settle` is to be called then.
  int fd() const { return worker_.fd(); }
  /// Takes the result of the late commit, and writes the changes behind it. Waits for it for `most`.
  void settle(base::TimePoint now, base::Duration most = base::Duration{0});
  /// Pinholes some of whose elements the kernel removed later than the account said: flows may have begun
  /// since.
  std::set<pinhole::Key> take_removed_late() { return std::exchange(removed_late_, {}); }

  /// Carries the same changes over into the account. Shows each to `visit` before, with what was known of the
  /// pinhole, if anything.
  using Visit = std::function<void(const pinhole::Change&, const pinhole::Installed::Entry*)>;
  void finish(const std::vector<pinhole::Change>& changes, base::TimePoint now, const Visit& visit);

  using Seen = std::function<void(const pinhole::Key&, const std::optional<base::Address>& source)>;
  bool refresh_some(const Seen& seen);
  pinhole::Sources has_media(const pinhole::Senders& asked);

  /// Notes what others did to the sets.
  void note(const system::RulesetNews& news, base::TimePoint now);
  /// Does a little of what is to be done, a millisecond's worth. True when more is left for now.
  bool mend(base::TimePoint now);
  /// When `mend` has something to do next, unless it said that more is left.
  std::optional<base::TimePoint> next_deadline() const;

  struct Counters {
    std::uint64_t transactions = 0;
    std::uint64_t elements = 0;  ///< changes
    std::uint64_t failures = 0;  ///< changes that did not come to be when they were to
    std::uint64_t lookups_failed = 0;
    std::uint64_t rewritten = 0;  ///< pinholes that were gone although they should be there
    std::uint64_t retried = 0;    ///< pinholes that the kernel refused first and took later
    std::uint64_t swept = 0;      ///< elements that were there although nobody wanted them
    std::uint64_t late = 0;       ///< commits that took longer than was waited for
  };
  const Counters& counters() const { return counters_; }
  const pinhole::Installed& installed() const { return installed_; }
  pinhole::Installed& installed() { return installed_; }
  /// Pinholes that are not in the kernel because it refuses them.
  std::size_t waiting() const { return backlog_.size(); }
  /// The sets are missing or wrong.
  bool has_no_sets() const { return missing_; }

 private:
  struct Failed {
    pinhole::Key key;
    pinhole::Set set = pinhole::Set::rtp4;
    bool full = false;
  };
  /// The result of changes: pinholes that are not in the kernel, elements that still are.
  struct Result {
    std::vector<system::ElementState> removed;
    std::vector<Failed> failed;
    std::size_t not_removed = 0;
  };
  using Then = std::function<void(Result)>;
  struct Look {
    pinhole::Key key;
    std::uint64_t packets = 0;
    bool unknown = false;     // the kernel could not be asked
    std::size_t missing = 0;  // elements
    bool aged = false;
  };
  struct Closed {
    pinhole::ElementKey key;
    bool once_more = false;  // is it to be looked at after this time
  };
  enum class Try : std::uint8_t { unless_full, anyway };

  void read_ours(pinhole::Set set, std::map<pinhole::ElementKey, system::ElementState>& ours);
  void take_over(const pinhole::Change& change);
  void write_elements(std::vector<pinhole::ElementChange> changes, Then then, Try how = Try::unless_full);
  void drop_hopeless(std::vector<pinhole::ElementChange>& changes, std::vector<Failed>& failed);
  void put_behind(const std::vector<pinhole::ElementChange>& changes);
  void write_behind();
  void conclude();
  void note_late(const std::vector<pinhole::Change>& changes, bool under_way);
  void note_removed_late(const pinhole::Key& key);
  bool is_wanted(const pinhole::ElementKey& element) const;
  bool is_hopeless(const pinhole::ElementChange& change) const;
  void note_failure(const pinhole::ElementChange& change, const system::SystemError& error);
  void count(const std::vector<system::ElementState>& removed);
  void put_back(const std::vector<Failed>& failed, base::TimePoint now);
  void put_elements(const pinhole::Key& key, pinhole::ElementChange::Kind kind,
                    std::vector<pinhole::ElementChange>& changes);
  static std::size_t written_of(const std::vector<pinhole::Key>& pinholes, const Result& result);
  void note_missing(const Look& look);
  std::vector<Look> look_at(std::span<const pinhole::Key> keys);

  // Mending: set_keeper_mend.cpp
  void check_sets(base::TimePoint now);
  void rewrite_all();
  void rewrite_some(base::TimePoint now);
  void tell_rewritten();
  bool retry_some(base::TimePoint now);
  void note_closed(base::TimePoint now);
  bool check_closed(base::TimePoint now);
  bool sweep_some(base::TimePoint now);
  void remove_unwanted(const std::vector<pinhole::ElementKey>& keys, bool without_comment,
                       base::TimePoint now, std::function<void(std::size_t removed)> then);

  system::PinholeSets& sets_;
  bool observe_;
  pinhole::Installed installed_;
  pinhole::Backlog backlog_;
  system::OncePerHour failures_told_;
  // Packets, until it is opened again.
  std::map<pinhole::Key, std::vector<std::pair<pinhole::ElementKey, std::uint64_t>>> found_;
  bool knows_all_ = false;
  std::deque<pinhole::Key> to_refresh_;                            // each once
  std::unordered_set<pinhole::Key, pinhole::KeyHash> refreshing_;  // the same
  // Of what was written and is not finished yet:
  std::vector<system::ElementState> removed_;
  std::vector<Failed> failed_;
  std::vector<pinhole::ElementKey> closing_;
  base::TimePoint last_change_;

  base::Duration wait_;
  Commit started_ = 0;
  Commit done_ = 0;
  Then then_;                                   // when the commit under way is done
  std::vector<Failed> not_tried_;               // with it
  system::Written written_;                     // by it
  std::map<pinhole::ElementKey, bool> behind_;  // to be written behind it, and whether to be removed first
  bool behind_lost_ = false;                    // there was no room for all
  bool writing_ = false;                        // `write` waits for it
  std::set<pinhole::Key> removed_late_;

  std::optional<base::TimePoint> check_due_;  // whether the sets are there
  base::TimePoint last_lost_;                 // when news got lost, and it was or is due
  bool missing_ = false;                      // they were not right, the last time
  std::string fault_told_;
  std::deque<pinhole::Key> to_rewrite_;
  std::size_t rewritten_ = 0;                      // since the log told of it
  bool flushed_ = false;                           // why
  std::multimap<base::TimePoint, Closed> closed_;  // elements that a packet on its way may have made again
  base::TimePoint now_;                            // of the last `mend`
  std::optional<base::TimePoint> next_sweep_;
  std::optional<std::size_t> sweeping_;  // index of a set
  std::size_t swept_ = 0;                // of this time
  Counters counters_;
  system::Worker worker_;  // the last member: its work uses `sets_` and `written_`
};

}  // namespace dpinholer
