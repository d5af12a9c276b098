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
  base::seconds longest_timeout{300};   ///< of a set element that lets anybody in
  base::seconds longest_bound{3600};    ///< of one that lets a peer in
  bool tcp = false;                     ///< media.tcp
};

/// Judges changes of pinholes for which an inspector asks that has read strangers' messages, and may have
/// been taken over. It lets through no more than hosts that were really heard could have asked for:
///
///  - addresses and ports, of sources too, are those that policy allows (calls.md section 5), by the same
///    code; sources are of the pinhole's own family;
///  - a pinhole opens in the name of a host whose SIP was seen, toward the side that it came from;
///  - what is bound, refreshed or closed was opened here before: elements of others can't be named;
///  - each call has limits.pinholes-per-call of them, each host as many as its messages could have asked for,
///    and so have all sources together; there are bounds in all;
///  - timeouts are clamped.
///
/// It records each pinhole that it let open: for which sources, and for which call. It fills each change that
/// it lets through from this record. It ignores what the inspector says of the pinhole: neither what it was
/// bound to before nor whose it is counts.
///
/// It can't tell whether a host said what is asked for in its name: it reads no SIP.
class Guard {
 public:
  /// `host` may be null, as for Policy. It must live longer.
  Guard(const GuardSettings& settings, Host* host, base::HashKey hash_key);

  void reconfigure(const GuardSettings& settings);

  /// A packet of so many octets was handed over that came from `source` through `arrival`.
  void heard(const base::Address& source, base::Interface arrival, std::size_t octets);

  /// A packet of a call that rings or is answered came from `party`, or goes there: the guard remembers for
  /// longer what it heard from there.
  void keep(const base::Address& party) { speakers_.keep(party); }

  /// Whether a packet of it was handed over lately.
  bool has_heard(const base::Address& source) { return speakers_.find(source) != nullptr; }

  /// Removes forbidden changes from `changes`, and fills the others from its record: `from_before`, `label`,
  /// and of a refresh and a closing `from` too. Openings that it removes come back as refusals with a cause
  /// of calls.md section 5; changes that make no sense, like the closing of a pinhole that is not open, it
  /// removes without a word.
  std::vector<Refusal> judge(std::vector<Change>& changes);

  /// The next inspector has to claim these pinholes: from now on nothing is open here, and openings with
  /// Cause::recovered are let through for these pinholes and no others, bound as they are. Until they were
  /// claimed or taken, no other opening of them is let through.
  void offer(const std::vector<Recovered>& pinholes);
  /// Those that were not claimed yet.
  std::vector<Recovered> unclaimed() const;
  /// The same as closings. Ends what `offer` began.
  std::vector<Change> take_unclaimed(base::TimePoint now);

  /// A pinhole that was let open.
  struct Record {
    std::vector<base::Address> from;  ///< sorted; empty: anybody
    Label label;                      ///< of whoever opened it
    std::uint64_t call = 0;           ///< the hash of its Call-ID
    std::uint64_t refreshed = 0;      ///< the judgement that let it through last, by its number
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
  void clamp_timeout(Change& change, const std::vector<base::Address>& from) const;
  bool admits_open(Change& change, std::vector<Refusal>& refusals);
  bool admits_bind(Change& change, Record& record);
  bool admits_refresh(Change& change, Record& record) const;
  bool claims(Change& change);
  bool admits_sources(const Key& key, const std::vector<base::Address>& from,
                      const std::vector<base::Address>& before);
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
  std::size_t credit_ = 0;        // elements that may still be bound, for what was heard
  std::uint64_t judgements_ = 0;  // so far
  std::unordered_map<std::uint64_t, std::size_t, CallHash> per_call_;  // pinholes
  std::unordered_map<Key, Recovered, KeyHash> offered_;
};

}  // namespace dpinholer::pinhole
