// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report/story.h"

namespace dpinholer::report {

/// Something about a call that whoever asks "why can't I hear you" wants to be told, in one or two sentences.
struct Finding {
  bool trouble = false;  ///< else it is only worth knowing
  std::string text;      ///< may hold text from the wire
};

/// What stands out in a call, the gravest first.
struct Verdict {
  /// Two or three words for a list: "one-way audio", "no media", "refused", "media both ways", ...
  std::string brief;
  bool trouble = false;
  bool good = false;  ///< media reached all who agreed on it
  std::vector<Finding> findings;
  /// Parties (Parties::name) that media should have reached, and did not, while others got theirs.
  std::set<std::string> heard_nothing;
};

/// What the capture holds beside SIP: a call without media says nothing where there is none at all.
enum class MediaSeen : std::uint8_t { none, of_calls, of_no_call };

Verdict verdict_on(const Call& call, MediaSeen seen);

/// What a refusal's cause means, as half a sentence: "the port is below 1024, ...".
std::string_view meaning_of(pinhole::Cause cause);

}  // namespace dpinholer::report
