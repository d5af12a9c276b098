// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/limits.h"
#include "fuzz/check.h"
#include "message/session_description.h"

namespace dpinholer::message {

/// What holds for every session description, whatever it was read from.
inline void check(const SessionDescription& description, const DescriptionLimits& limits) {
  std::size_t candidates = 0;
  FUZZ_CHECK(description.media.size() <= limits.media_sections);
  FUZZ_CHECK(description.bundles.size() <= base::limits::bundle_groups);
  for (const auto& group : description.bundles) FUZZ_CHECK(group.size() <= base::limits::bundle_groups);
  for (const auto& media : description.media) {
    FUZZ_CHECK(media.media.size() <= base::limits::token_length &&
               media.mid.size() <= base::limits::token_length);
    FUZZ_CHECK(media.port_count >= 1);
    FUZZ_CHECK((media.connection.kind == Connection::Kind::host_name) == !media.connection.host_name.empty());
    FUZZ_CHECK(media.connection.host_name.size() <= base::limits::host_name_length);
    // What could be an address must not pass as a name.
    FUZZ_CHECK(!base::Address::parse(media.connection.host_name));
    FUZZ_CHECK(media.candidates.empty() || media.ice);
    for (const auto& candidate : media.candidates) {
      FUZZ_CHECK(candidate.component >= 1 && candidate.component <= 256);
      FUZZ_CHECK(candidate.protocol == base::Protocol::tcp || candidate.tcp_type == Candidate::TcpType::none);
    }
    candidates += media.candidates.size();
    FUZZ_CHECK(media.silent.size() <= base::limits::silent_addresses && (media.silent.empty() || media.ice));
  }
  FUZZ_CHECK(candidates <= limits.candidates);
}

}  // namespace dpinholer::message
