// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "pinhole/element.h"
#include "pinhole/key_hash.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// The pinholes whose elements the kernel did not take, oldest first, each for the set that they are to be
/// written to. Every set has its own pause between tries: it doubles with each that fails, and ends when
/// something was removed from the set.
class Backlog {
 public:
  explicit Backlog(base::HashKey hash_key) : places_(0, KeyHash{hash_key}) {}

  /// `key` waits for `set`, behind all others, and for no other set any more. `full`: the set had no room.
  void put(const Key& key, Set set, bool full, base::TimePoint now);
  void remove(const Key& key);
  void clear();

  bool waits(const Key& key) const { return places_.contains(key); }
  std::size_t size() const { return places_.size(); }
  /// Whether pinholes wait for room in `set`: another one would find none either.
  bool full(Set set) const;

  /// There is room in `set` now.
  void room(Set set, base::TimePoint now);

  /// A set to try again, if it is time for one.
  std::optional<Set> due(base::TimePoint now) const;
  std::optional<base::TimePoint> next() const;
  /// What to try: the oldest, one alone after a failure and up to `most` after a success. They wait no more.
  std::vector<Key> take(Set set, std::size_t most);
  /// What became of the try. One that failed has been `put` again.
  void tried(Set set, bool succeeded, base::TimePoint now);

 private:
  struct Place {
    Set set = Set::rtp4;
    std::uint64_t number = 0;
  };
  struct Queue {
    std::map<std::uint64_t, Key> waiting;  // by number
    bool full = false;
    base::Duration pause{0};
    base::TimePoint next;
  };

  Queue& queue(Set set) { return queues_[static_cast<std::size_t>(set)]; }
  const Queue& queue(Set set) const { return queues_[static_cast<std::size_t>(set)]; }

  std::array<Queue, all_sets.size()> queues_;
  std::unordered_map<Key, Place, KeyHash> places_;
  std::uint64_t last_number_ = 0;
};

}  // namespace dpinholer::pinhole
