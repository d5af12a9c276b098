// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "base/hash.h"
#include "base/time.h"
#include "pinhole/host.h"
#include "scanners/offence.h"
#include "scanners/settings.h"
#include "system/ban_sets.h"
#include "system/once.h"
#include "system/worker.h"

namespace dpinholer {

/// Bans sources of SIP: writes them to the sets whose elements the ruleset drops ahead of the queue. The
/// kernel ends a ban by itself.
class Bans {
 public:
  /// `sets` and `host` must live longer. `observe`: writes nothing. `wait`: how long a ban may take; one that
  /// takes longer, because another program loads a ruleset, is finished later (set_keeper.h).
  Bans(system::BanSets& sets, pinhole::Host& host, bool observe, scanners::Settings settings,
       base::HashKey hash_key, base::Duration wait = std::chrono::seconds{10});

  /// For bans from now on.
  void reconfigure(scanners::Settings settings) { settings_ = std::move(settings); }

  /// Knows again what a daemon before this one has banned.
  void recover(base::TimePoint now);

  /// Never bans sources of scanners.never, nor this host, whoever accuses them. Bans an IPv6 source with its
  /// whole network (Network::source), or alone where that network contains an address that is never banned.
  /// Returns the offences for which it bans: at once, or as soon as the kernel is not busy any more.
  std::vector<scanners::Offence> ban(std::vector<scanners::Offence> offences, base::TimePoint now);

  /// Readable when the kernel has written what was late: `settle` is to be called then.
  int fd() const { return worker_.fd(); }
  void settle(base::TimePoint now);

  /// Lifts the bans of a source, those of others too. False when there is none. The error is one line: the
  /// kernel is busy, or refuses.
  tl::expected<bool, std::string> lift(const base::Address& source);

  struct Banned {
    std::string why;  ///< "user-agent friendly-scanner", escaped
    base::TimePoint since;
    base::TimePoint until;
  };
  /// In force.
  std::size_t count(base::TimePoint now);
  /// Calls `visit` for so many of them, those that end last first.
  void for_each(std::size_t most,
                const std::function<void(const base::Network& source, const Banned& banned)>& visit) const;

  struct Counters {
    std::uint64_t bans = 0;
    std::uint64_t failed = 0;  ///< bans that the kernel refused, or for which there was no room
  };
  const Counters& counters() const { return counters_; }

  /// Whether the settings ban for this cause.
  bool looks_for(scanners::Cause cause) const;

 private:
  bool takes(scanners::Offence& offence, base::TimePoint now);
  bool write(std::vector<base::Network> sources, base::TimePoint now);
  bool conclude(base::TimePoint now);
  base::Network network_of(const base::Address& source);
  void enter(const base::Network& source, Banned banned);
  void erase(const base::Network& source);
  void end_some(base::TimePoint now);
  void tell(const scanners::Offence& offence, base::TimePoint now);
  void tell_failure(const std::string& why, std::size_t bans, base::TimePoint now);

  system::BanSets& sets_;
  pinhole::Host& host_;
  bool observe_;
  scanners::Settings settings_;
  system::OncePerHour bans_told_;
  system::OncePerHour failures_told_;
  std::map<base::Network, Banned> banned_;
  std::set<std::pair<base::TimePoint, base::Network>> ends_;
  Counters counters_;

  base::Duration wait_;
  std::vector<base::Network> writing_;
  std::vector<base::Network> behind_;         // no more than `banned_` has room for
  std::optional<system::SystemError> error_;  // of the work that was done last
  std::vector<base::Network> lifted_;         // by it
  system::Worker worker_;                     // the last member: its work uses `sets_` and what is written
};

}  // namespace dpinholer
