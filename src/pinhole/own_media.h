// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <vector>

#include "base/address.h"
#include "pinhole/host.h"
#include "pinhole/pinhole.h"

namespace dpinholer::pinhole {

/// Media that this host itself sends, as a SIP server on it does (media.local). It passes the output hook,
/// where many rulesets have no jump to sip_media: then no element counts it, and a count of none means
/// nothing. A packet that was counted shows that the rules see what comes from its address.
class OwnMedia {
 public:
  /// `host` must live longer.
  OwnMedia(Host& host, bool local) : host_(host), local_(local) {}

  void set_local(bool local) { local_ = local; }

  /// Whether media may come from there, and would be this host's own.
  bool sends(const base::Address& source) const { return local_ && host_.is_own(source); }

  /// Packets from `source` were counted on their way through this pinhole. Those that stay on this host show
  /// nothing.
  void note_counted(const Key& key, const base::Address& source);
  /// The rules may be others now.
  void forget() { counted_.clear(); }

  /// Whether packets from these addresses of this host are not seen, as far as is known. False for none.
  bool is_unseen(const std::vector<base::Address>& own) const;

 private:
  Host& host_;
  bool local_;
  std::set<base::Address> counted_;  // no more than the host has
};

}  // namespace dpinholer::pinhole
