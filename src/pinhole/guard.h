// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/hash.h"
#include "base/interface.h"
#include "base/time.h"
#include "pinhole/host.h"
#include "pinhole/key_hash.h"
#include "pinhole/pinhole.h"
#include "pinhole/policy.h"
#include "pinhole/policy_settings.h"
#include "pinhole/recovered.h"
#include "pinhole/sides.h"
#include "pinhole/speakers.h"

namespace dpinholer::pinhole {

struct GuardSettings {
  PolicySettings policy;
  std::size_t pinholes_per_call = 256;  ///< limits.pinholes-per-call
  base::seconds longest_timeout{300};   ///< of a set element
  bool tcp = false;                     ///< media.tcp
};

/// Judges changes of pinholes that somebody asks for who has read what strangers wrote, and may have fallen
/// for it. What gets past it is no more than those who were really heard could have asked for:
///
///  - addresses and ports, of sources too, are those that policy allows (calls.md section 5), by the same
///    code; sources are of the pinhole's own family;
///  - a pinhole opens in the name of a host whose SIP was seen, toward the side that it came from;
///  - what is bound, refreshed or closed was opened here before: elements of others can't be named;
///  - each call has limits.pinholes-per-call of them, each host as many as its messages could have asked for,
///    and so have all sources together; there are bounds in all;
///  - timeouts are clamped.
///
/// It keeps the record of what it let open: from whom, and for which call. A change that it lets through is
/// made of this record. What the one who asks says of it has no meaning: neither what a pinhole was bound to
/// before, nor whose it is.
///
/// It can't tell whether a host said what is asked for in its name: it reads no SIP.
class Guard {
 public:
  /// `host` may be null, as for Policy. It must live longer.
  Guard(const GuardSettings& settings, Host* host, base::HashKey hash_key);

  void reconfigure(const GuardSettings& settings);

  /// A packet of so many octets was handed over that came from `source` through `arrival`.
  void heard(const base::Address& source, base::Interface arrival, std::size_t octets);

  /// A packet of a call that rings or is answered came from there, or goes there: what was heard of it is
  /// remembered for longer.
  void keep(const base::Address& party) { speakers_.keep(party); }

  /// Whether a packet of it was handed over lately.
  bool has_heard(const base::Address& source) { return speakers_.find(source) != nullptr; }

  /// Removes from `changes` what may not be, and makes the rest what its record says: `from_before`, `label`,
  /// and of a refresh and a closing `from` too. Openings that are removed come back as refusals with a cause
  /// of calls.md section 5; of what makes no sense, like the closing of a pinhole that is not open, nothing
  /// is said.
  std::vector<Refusal> judge(std::vector<Change>& changes);

  /// What is open is to be claimed anew by whoever comes after the one that asked for it: from now on nothing
  /// is open here, and openings with Cause::recovered are let through for these pinholes and no others, bound
  /// as they are. Nothing else opens these until they were claimed or taken.
  void offer(const std::vector<Recovered>& pinholes);
  /// Those that were not claimed yet.
  std::vector<Recovered> unclaimed() const;
  /// The same as closings. Ends what `offer` began.
  std::vector<Change> take_unclaimed(base::TimePoint now);

  /// What was let open.
  struct Record {
    std::vector<base::Address> from;  ///< sorted; empty: anybody
    Label label;                      ///< of whoever opened it
    std::uint64_t call = 0;           ///< the hash of its Call-ID
    std::uint64_t refreshed = 0;      ///< when that was let through last, as number of a judgement
  };
  /// Null when it is not open; valid until the next change.
  const Record* find(const Key& key) const;
  std::size_t open() const { return open_.size(); }
  std::size_t elements() const { return elements_; }  ///< that all these take

 private:
  struct CallHash {
    base::HashKey hash_key;
    std::size_t operator()(std::uint64_t call) const;
  };

  bool admits(Change& change, std::vector<Refusal>& refusals);
  bool admits_open(Change& change, std::vector<Refusal>& refusals);
  bool admits_bind(Change& change, Record& record);
  bool admits_refresh(Change& change, Record& record) const;
  bool claims(Change& change);
  bool admits_sources(const Key& key, const std::vector<base::Address>& from);
  std::optional<Cause> refusal(const Change& change);
  bool speaks(const base::Address& address, const Speakers::Speaker& speaker,
              const base::Address& announced_by);
  void enter(const Change& change);
  void leave(const Key& key);

  GuardSettings settings_;
  Host* host_;
  Policy policy_;
  Sides sides_;
  Speakers speakers_;
  std::unordered_map<Key, Record, KeyHash> open_;
  std::size_t elements_ = 0;
  std::size_t credit_ = 0;        // elements that may still be bound to somebody for what was heard
  std::uint64_t judgements_ = 0;  // that there were
  std::unordered_map<std::uint64_t, std::size_t, CallHash> per_call_;  // pinholes
  std::unordered_map<Key, Recovered, KeyHash> offered_;
};

}  // namespace dpinholer::pinhole
