// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

namespace dpinholer {

/// How many packets reached the rule that queues SIP and were not read: the counter of the rule less the
/// packets read. Never too many; a few too few while packets come in.
class Unread {
 public:
  struct Sample {
    std::uint64_t before = 0;  ///< counted by the rule, of which at most `waiting` may still wait to be read
    std::uint64_t read = 0;    ///< after that
    std::uint64_t after = 0;   ///< counted by the rule after that
    std::uint64_t waiting = 0;
  };
  /// The first sample tells what the rule had counted before the daemon read; so does the first one after the
  /// counter was set back, as by a ruleset that is loaded anew.
  void note(const Sample& sample);
  /// There is no counter.
  void lose() { last_.reset(); }

  /// Nothing while there is no counter.
  std::optional<std::uint64_t> packets() const;

 private:
  std::optional<std::uint64_t> last_;
  std::int64_t before_ = 0;    // counted before the daemon could read; or a little more
  std::uint64_t earlier_ = 0;  // unread, until the counter was set back
  std::uint64_t since_ = 0;
};

}  // namespace dpinholer
