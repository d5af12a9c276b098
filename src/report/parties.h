// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <string>

#include "report/story.h"

namespace dpinholer::report {

/// Who is who in a call: a party is an address, or an address and port where SIP goes from an address to
/// itself (everything on one host).
class Parties {
 public:
  explicit Parties(const Call& call);

  /// "192.0.2.10" or "127.0.0.1:5060".
  std::string name(const base::Endpoint& endpoint) const;

 private:
  std::set<base::Address> shared_;
};

}  // namespace dpinholer::report
