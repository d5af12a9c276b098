// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/hash.h"
#include "base/recent_addresses.h"
#include "base/time.h"
#include "message/sip_message.h"
#include "scanners/offence.h"

namespace dpinholer::scanners {

/// Counts for each source (base::Network::source) how many of its INVITEs and REGISTERs were refused in a
/// minute that begins with the first: 403 and 404, and the challenges 401 and 407 unless a request succeeds
/// for each (RFC 3261 section 22), for which the last one has two seconds. Copies of a response count once.
///
/// Remembers the limits::failing_sources that were refused last.
class Failures {
 public:
  /// `most`: so many are borne; 0: any number.
  Failures(std::uint32_t most, base::HashKey hash_key, std::uint8_t ipv6_prefix = 64);

  /// A response went to `source`. `now` never goes backwards.
  void note(const message::SipMessage& response, const base::Address& source, base::TimePoint now,
            std::vector<Offence>& offences);
  /// Challenges that nothing followed.
  void run_timers(base::TimePoint now, std::vector<Offence>& offences);
  std::optional<base::TimePoint> next_deadline() const;

  std::size_t size() const { return records_.size(); }

 private:
  struct Record {
    base::TimePoint began;
    std::uint32_t refused = 0;                  // less what succeeded
    std::uint64_t last = 0;                     // hash of the transaction that was refused last
    std::optional<base::TimePoint> over_since;  // more than are borne
    bool awaits_judgement = false;
  };
  base::Address key_of(const base::Address& source) const {
    return base::Network::source(source, ipv6_prefix_).first();
  }
  void forgive_one(const base::Address& source);
  void convict(const base::Address& source, Record& record, base::TimePoint now,
               std::vector<Offence>& offences);

  std::uint32_t most_;
  base::HashKey hash_key_;
  std::uint8_t ipv6_prefix_;
  base::RecentAddresses<Record> records_;
  std::deque<std::pair<base::TimePoint, base::Address>> judgements_;  // when they are due, in order
};

}  // namespace dpinholer::scanners
