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
  /// `sets` and `host` must live longer. `observe`: writes nothing. `wait`: for the kernel to write a ban,
  /// which it does later when it is busy with somebody else's ruleset (set_keeper.h).
  Bans(system::BanSets& sets, pinhole::Host& host, bool observe, scanners::Settings settings,
       base::HashKey hash_key, base::Duration wait = std::chrono::seconds{10});

  /// For bans from now on.
  void reconfigure(scanners::Settings settings) { settings_ = std::move(settings); }

  /// Knows again what a daemon before this one has banned.
  void recover(base::TimePoint now);

  /// Who accuses is not believed about everything: never banned are those of scanners.never, and this host.
  /// Of IPv6 a whole network is banned (Network::source), or the address alone where it has somebody in it
  /// who never is. Returns those that were banned by it, or that will be as soon as the kernel is not busy any
  /// more.
  std::vector<scanners::Offence> ban(std::vector<scanners::Offence> offences, base::TimePoint now);

  /// Readable when the kernel has written what was late: `settle` is to be called then.
  int fd() const { return worker_.fd(); }
  void settle(base::TimePoint now);

  /// Lifts the bans of a source, whoever made them. False when there is none. The error is one line: not while
  /// the kernel is busy.
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

  /// Whether anybody is to be banned for this cause.
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
  std::optional<system::SystemError> error_;  // of what was done last
  std::vector<base::Network> lifted_;         // by it
  system::Worker worker_;                     // the last member: its work uses `sets_` and what is written
};

}  // namespace dpinholer
