// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/hash.h"
#include "base/time.h"
#include "system/once.h"

namespace dpinholer {

/// Counts the messages that went on before the kernel had their changes, and logs when that begins and when
/// it is over: once an hour, since anybody on this host who loads a large ruleset can cause it.
class Lateness {
 public:
  Lateness(base::HashKey hash_key, std::chrono::milliseconds patience)
      : told_(hash_key), patience_(patience) {}

  void let_go(std::size_t messages, base::TimePoint now);
  /// `busy`: a commit is late now.
  void look(bool busy, base::TimePoint now);

  std::uint64_t messages() const { return messages_; }
  /// For how long a commit has been late; zero: none is.
  base::Duration lasts(base::TimePoint now) const { return since_ ? now - *since_ : base::Duration{0}; }

 private:
  system::OncePerHour told_;
  std::chrono::milliseconds patience_;
  std::uint64_t messages_ = 0;
  std::optional<base::TimePoint> since_;
  std::uint64_t these_ = 0;  // messages since then
  bool telling_ = false;     // the log has been told that it began
};

}  // namespace dpinholer
