// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/hash.h"
#include "base/time.h"
#include "negotiation/call.h"
#include "negotiation/cause.h"
#include "pinhole/key_hash.h"
#include "pinhole/pinhole.h"
#include "pinhole/wanted.h"

namespace dpinholer::pinhole {

using negotiation::CallSerial;

/// The pinholes that are to be open, and which calls want each: it opens with the first and closes with the
/// last. While a call binds it, it is open only to the sources of the calls that do: the offer of another
/// call adds nothing until it is answered (attack A27). The sets of the kernel follow it, change by change.
class Table {
 public:
  explicit Table(base::HashKey hash_key) : entries_(0, KeyHash{hash_key}) {}

  /// Why and when a call's wants are what they are now.
  struct Reason {
    CallSerial call = 0;
    std::string_view call_id;
    std::optional<std::uint64_t> call_hash;  ///< see Label
    base::TimePoint time;
    Cause opened = Cause::offer;
    Cause closed = Cause::replaced;
    bool described = false;  ///< an SDP did it: sources change for `opened`, else for `closed`
    bool refresh = false;    ///< start the timeouts of what stays open again
  };

  /// Makes `wants` the call's wants, and appends the changes: openings and bindings in the order of `wants`,
  /// then closings. The cost of a pinhole does not depend on how many there are, nor, but for the list of its
  /// sources, on how many calls share it.
  void update(const Reason& reason, const std::vector<Want>& wants, std::vector<Change>& changes);

  /// Whether a packet from `source` to `key` is let through.
  bool passes(const Key& key, const base::Address& source) const;

  /// Whether `key` is open, and to certain sources only.
  bool is_bound(const Key& key) const;

  /// The calls that want `key` open to packets from `source`; without a source, all that want it open.
  std::vector<CallSerial> owners(const Key& key, const std::optional<base::Address>& source) const;
  /// The sources whose packets to `key` count as those of `call`; nothing stands for anybody.
  Sources sources(const Key& key, CallSerial call) const;
  /// The pinholes that `call` wants open, in the order in which it came to want them.
  std::vector<Key> pinholes(CallSerial call) const;

  /// Whether exactly `wants` is what `call` has open here: neither more, nor less, nor to others.
  bool agrees(CallSerial call, const std::vector<Want>& wants) const;

  /// Whether each pinhole is open to the sources that its calls are bound to and to no other, and to anybody
  /// only where no call is bound. Walks all: for tests and fuzzing.
  bool widens_nothing() const;

  std::size_t size() const { return entries_.size(); }
  /// Pinholes times the calls that want them.
  std::size_t claims() const;

 private:
  /// The wants of one call for a pinhole, and their purpose. There are millions: 32 octets.
  struct Claim {
    std::vector<base::Address> from;
    std::chrono::duration<std::int32_t> timeout{0};
    negotiation::Media media = negotiation::Media::other;
    Component component = Component::rtp;
  };
  /// The claims of several calls on one pinhole, as all the calls of a media server with a single port have
  /// them: kept so that one more or one less costs the same among thousands.
  class SharedClaims {
   public:
    void set(CallSerial call, Claim claim);
    void remove(CallSerial call);
    /// Combines all claims into `claim`: the sources of those that are bound, anybody when none is; the
    /// longest timeout. Its purpose stays.
    void combine_into(Claim& claim) const;
    const std::map<CallSerial, Claim>& by_call() const { return by_call_; }
    /// The calls with a claim that lets `source` in.
    std::vector<CallSerial> calls_with(const base::Address& source) const;

   private:
    void count(CallSerial call, const Claim& claim, bool more);

    std::map<CallSerial, Claim> by_call_;
    std::map<base::Address, std::set<CallSerial>> sources_;  // each with the calls whose claims name it
    std::map<decltype(Claim::timeout), std::size_t> timeouts_;
    std::set<CallSerial> unbound_;
  };
  struct Entry {
    CallSerial owner = 0;                  // while one call alone wants it
    std::unique_ptr<SharedClaims> shared;  // while several do
    Claim in_force;                        // for the purpose of whoever came first

    const Claim* claim_of(CallSerial call) const;
    void set(CallSerial call, const Want& want);
    void remove(CallSerial call);  ///< one of several
    Change change(Change::Kind kind, const Key& key, const Reason& reason, Cause cause) const;
  };
  using Entries = std::unordered_map<Key, Entry, KeyHash>;

  void claim(const Reason& reason, const Want& want, std::vector<Change>& changes);
  void release(const Reason& reason, const Key& key, Cause cause, std::vector<Change>& changes);

  Entries entries_;
  std::unordered_map<CallSerial, std::vector<Key>> by_call_;
};

}  // namespace dpinholer::pinhole
