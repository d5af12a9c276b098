// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "control/listing.h"
#include "control/server.h"
#include "daemon/fake_sets.h"
#include "pinhole/installed.h"
#include "pinhole/own_media.h"
#include "support/host.h"
#include "system/call_log.h"

namespace dpinholer::control::test {

inline base::Address address(std::string_view text) {
  return base::Address::parse(text).value();
}

/// What a daemon knows of its calls: each opens and closes RTP and RTCP at once.
class Office {
 public:
  FakeSets sets;
  dpinholer::test::FakeHost host;
  pinhole::OwnMedia own{host, true};
  system::CallLog log{[](const std::string&, const std::vector<system::log::Field>&) {}, true,
                      base::seconds{300}, base::seconds{3600}, &own};
  pinhole::Installed installed{base::HashKey{}};
  Events events;
  std::set<base::Address> banned;
  base::Address unreachable;  ///< can't be lifted
  base::TimePoint now{base::seconds{1000}};

  void offer(const std::string& call_id, std::string_view to, std::uint16_t port,
             base::seconds timeout = base::seconds{180});
  /// What was offered is bound, and the other side opens.
  void answer(const std::string& call_id, std::string_view caller, std::uint16_t caller_port,
              std::string_view callee, std::uint16_t callee_port);
  /// Closes what is open for it; false when there is nothing.
  bool hang_up(const std::string& call_id, pinhole::Cause cause = pinhole::Cause::bye);
  void refuse(const std::string& call_id, const std::string& address, std::uint32_t port);
  /// Packets that came to a pinhole.
  void count(std::string_view to, std::uint16_t port, std::uint64_t packets);
  /// The count of packets that came to it is lost.
  void lose_count(std::string_view to, std::uint16_t port);
  /// The daemon looks at all counters.
  void see();

  Listing listing() { return Listing(log, installed, sets); }
  Source source();

 private:
  void apply(const pinhole::Change& change);
};

}  // namespace dpinholer::control::test
