// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/address_hash.h"
#include "base/hash.h"
#include "base/time.h"
#include "message/sip_message.h"
#include "negotiation/call.h"
#include "negotiation/settings.h"

namespace dpinholer::negotiation {

/// One m-line of a message, before policy has judged it.
struct Announced {
  Grant grant;
  std::string host_name;  ///< for transports that are `named`
};

/// The effect of a message or a timer on one call.
struct Update {
  CallSerial call = 0;
  std::string call_id;
  std::optional<std::uint64_t> call_hash;  ///< when `call_id` is only what a comment told of it
  base::TimePoint time;                    ///< of the message, or when the timer was due
  Cause opened = Cause::offer;             ///< why pinholes opened, if any did
  Cause closed = Cause::replaced;          ///< why pinholes closed, if any did
  bool described = false;                  ///< it came from a session description
  bool made_room = false;                  ///< what closed gave way to what opened: it closes first
  bool refresh = false;                    ///< a sign of life: start the timeouts of what is open again
  /// Everything that the call wants from now on, early things first. Valid until the next call of `Calls`.
  std::vector<const Grant*> wanted;
  /// The message announced these: policy has not judged them yet. Or they were refused as a whole.
  std::vector<Announced> announced;
  /// Set: `announced` was refused as a whole for this reason, and `wanted` is as it was (and empty here).
  std::optional<Cause> refused;
};

using Updates = std::vector<Update>;

/// All calls: SIP messages and time in, changes of what the calls want out. calls.md sections 1 to 4.
///
/// Deterministic; `now` never goes backwards. Bounded by the settings and base/limits.h; what is over a bound
/// is refused with `Cause::limit` and changes nothing. When there are settings.calls already, the oldest call
/// that is over, or was not answered in time, gives way to a new one; or else the oldest to which nobody has
/// responded yet, unless the newcomer has its share of such calls itself (attack A6). A call that rings or is
/// answered never gives way.
class Calls {
 public:
  /// `knows_parties`: whether `talks` can be asked.
  Calls(Settings settings, base::HashKey hash_key, bool knows_parties);

  /// `destination` is that of the packet that carried the message.
  void process(const message::SipMessage& message, const Origin& origin, const base::Address& destination,
               base::TimePoint now, Updates& updates);

  /// A message opens and closes nothing for what else it is, but a proxy may send it on: what it names from
  /// the wrong side stays refused at the next crossing (attack A24).
  void note_unread(const message::SipMessage& message, const Origin& origin, base::TimePoint now);

  /// Runs the first of the timers that are due at `now` or earlier; false when there is none. To be called
  /// until then, each update being used before the next call.
  bool run_timer(base::TimePoint now, Updates& updates);
  /// No later than the next timer is due; nothing while there are no calls.
  std::optional<base::TimePoint> next_deadline() const;

  /// Calls that timers due at `now` might close because no media was reported for them.
  std::vector<CallSerial> suspected_idle(base::TimePoint now) const;
  /// Media of the call was seen at `when`. Unknown serials are ignored.
  void media_seen(CallSerial call, base::TimePoint when);

  /// A call that a daemon before this one knew: what it had open, and the stable_hash of its Call-ID. `text`
  /// is what it is called until a message tells its Call-ID; it is that message's call from then on, and
  /// goes on where it was as far as that can be told. `answered`: something of it was bound to a peer.
  void recover(std::uint64_t call_hash, std::string_view text, Grants grants, bool answered,
               base::TimePoint now, Updates& updates);

  /// Ends a call with `Cause::requested`, and refuses its messages from then on. `call_id` may be what a
  /// comment told of it, while no message has told more. False when there is no such call that goes on, or
  /// two of them.
  bool close(std::string_view call_id, base::TimePoint now, Updates& updates);

  /// Whether an address is a party of a call that was answered and goes on: its messages come from there, or
  /// its media. Of IPv6, all addresses of one settings.ipv6_prefix count as one.
  bool talks(const base::Address& address) const { return talking_.contains(source_of(address)); }

  /// Whether `a` and `b` are the parties of a call of that Call-ID that rings or is answered.
  bool are_parties(std::string_view call_id, const base::Address& a, const base::Address& b) const;

  std::size_t size() const { return calls_.size(); }
  std::uint64_t total() const { return last_serial_ - recovered_; }  ///< that began here
  /// For whoever shows them. In no particular order.
  void for_each(const std::function<void(const Call&)>& visit) const;
  const Settings& settings() const { return settings_; }

 private:
  struct KeyedHash {
    using is_transparent = void;
    base::HashKey key;
    std::size_t operator()(std::string_view text) const {
      return base::keyed_hash(key, base::as_bytes(text));
    }
  };
  using Table = std::unordered_map<std::string, Call, KeyedHash, std::equal_to<>>;

  // Keyed hashes of the Call-IDs of calls that were refused at a message that named an address on another
  // side.
  class RefusedStarts {
   public:
    bool has(std::uint64_t id) const { return recent_.contains(id) || older_.contains(id); }
    bool empty() const { return recent_.empty(); }
    void add(std::uint64_t id);

   private:
    std::set<std::uint64_t> recent_;
    std::set<std::uint64_t> older_;
  };

  bool was_refused(std::string_view call_id) const;
  void note_refused_start(std::string_view call_id);
  Call* find(std::string_view call_id);
  Call* find_recovered(std::string_view call_id);
  Call* find_unnamed(std::string_view text);
  Call* create(std::string call_id, const base::Address& source, base::TimePoint now);
  bool make_room(const base::Address& source, base::TimePoint now, Updates& updates);
  bool may_start(const base::Address& source) const;
  void remove(Call& call);
  void schedule(Call& call);
  void keep_closed(Call& call, base::TimePoint now);
  void set_standing(Call& call, Standing standing);
  void note_parties(Call& call);
  base::Address source_of(const base::Address& address) const {
    return base::Network::source(address, settings_.ipv6_prefix).first();
  }

  Settings settings_;
  Table calls_;
  std::unordered_map<CallSerial, Call*> by_serial_;
  std::unordered_map<std::uint64_t, CallSerial> unnamed_;  // recovered, by the hash of their Call-ID
  std::set<std::pair<base::TimePoint, CallSerial>> wake_ups_;
  std::set<std::pair<Standing, CallSerial>> dispensable_;  // over or unanswered; oldest first
  std::map<base::Address, std::size_t> per_source_;        // those that are neither over nor late
  std::map<base::Address, std::size_t> unanswered_per_source_;
  RefusedStarts refused_starts_;
  bool knows_parties_;
  std::unordered_map<base::Address, std::size_t, base::AddressHash> talking_;  // calls they are parties of
  CallSerial last_serial_ = 0;
  std::uint64_t recovered_ = 0;  // of them
};

}  // namespace dpinholer::negotiation
