// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message/sip_message.h"
#include "scanners/offence.h"
#include "scanners/settings.h"

namespace dpinholer::scanners {

/// What programs say of themselves that do nothing but look for servers, numbers and passwords: parts of
/// User-Agent and From. Left out is what administrators use too (sipsak, SIPp), and what is so short that it
/// may be part of something else.
std::vector<std::string> well_known_user_agents();
std::vector<std::string> well_known_from();

/// The texts of the settings, to be looked for in requests. Responses repeat what the request said, so that
/// they tell nothing about who sends them.
class Signs {
 public:
  explicit Signs(const Settings& settings);

  struct Sign {
    Cause cause = Cause::user_agent;
    std::string_view text;  ///< of the settings; valid as long as this object
  };
  /// The first one in a request. Linear in its length for each text.
  std::optional<Sign> find(const message::SipMessage& message) const;

 private:
  // In lower case.
  std::vector<std::string> user_agents_;
  std::vector<std::string> from_;
  std::vector<std::string> request_uris_;
};

}  // namespace dpinholer::scanners
