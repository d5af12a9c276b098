// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "control/rows.h"
#include "pinhole/installed.h"
#include "system/call_log.h"
#include "system/pinhole_sets.h"

namespace dpinholer::control {

/// The open calls, page by page. Each page costs the same however many there are, and nothing is kept between
/// two of them: a call that comes or goes meanwhile is in the list or not, and none is there twice.
class Listing {
 public:
  /// All references must live longer.
  Listing(const system::CallLog& calls, const pinhole::Installed& installed, system::PinholeSets& sets)
      : calls_(calls), installed_(installed), sets_(sets) {}

  /// The calls after `last`, in the order of their Call-IDs: some, or none at the end.
  std::vector<CallRow> after(const std::string& last) const;

 private:
  CallRow row(const std::string& call_id, const system::CallLog::Call& call) const;
  void look_up(std::vector<CallRow>& rows) const;

  const system::CallLog& calls_;
  const pinhole::Installed& installed_;
  system::PinholeSets& sets_;
};

}  // namespace dpinholer::control
