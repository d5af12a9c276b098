// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/hash.h"
#include "base/time.h"
#include "negotiation/call.h"
#include "negotiation/cause.h"
#include "pinhole/pinhole.h"
#include "pinhole/wanted.h"

namespace dpinholer::pinhole {

using negotiation::CallSerial;

/// The pinholes that are to be open, and which calls want each: it opens with the first and closes with the
/// last. What the kernel holds is made to follow it, change by change.
class Table {
 public:
  explicit Table(base::HashKey hash_key) : entries_(0, KeyHash{hash_key}) {}

  /// Why and when a call's wants are what they are now.
  struct Reason {
    CallSerial call = 0;
    std::string_view call_id;
    base::TimePoint time;
    Cause opened = Cause::offer;
    Cause closed = Cause::replaced;
    bool described = false;  ///< an SDP did it: sources change for `opened`, else for `closed`
    bool refresh = false;    ///< start the timeouts of what stays open again
  };

  /// Makes `wants` what the call wants, and appends what that changes: openings and bindings in the order of
  /// `wants`, then closings. Constant cost per pinhole of the call.
  void update(const Reason& reason, const std::vector<Want>& wants, std::vector<Change>& changes);

  /// Whether a packet from `source` to `key` is let through.
  bool passes(const Key& key, const base::Address& source) const;

  /// The calls that want `key` open.
  std::vector<CallSerial> owners(const Key& key) const;
  /// What `call` wants open, in the order in which it came to want it.
  std::vector<Key> pinholes(CallSerial call) const;

  /// Whether exactly `wants` is what `call` has open here: neither more, nor less, nor to others.
  bool agrees(CallSerial call, const std::vector<Want>& wants) const;

  std::size_t size() const { return entries_.size(); }
  /// Pinholes times the calls that want them.
  std::size_t claims() const;

 private:
  struct Claim {
    CallSerial call = 0;
    std::vector<base::Address> from;
    base::seconds timeout{0};
  };
  struct Entry {
    std::vector<Claim> claims;
    std::string media;
    Component component = Component::rtp;

    std::vector<base::Address> from() const;
    base::seconds timeout() const;
  };
  struct KeyHash {
    base::HashKey hash_key;
    std::size_t operator()(const Key& key) const;
  };
  using Entries = std::unordered_map<Key, Entry, KeyHash>;

  void claim(const Reason& reason, const Want& want, std::vector<Change>& changes);
  void release(const Reason& reason, const Key& key, Cause cause, std::vector<Change>& changes);

  Entries entries_;
  std::unordered_map<CallSerial, std::vector<Key>> by_call_;
};

}  // namespace dpinholer::pinhole
