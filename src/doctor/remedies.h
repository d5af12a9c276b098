// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "doctor/traffic.h"

/// Mending lines for rules that others own. None of them opens more than calls need.
namespace dpinholer::doctor {

/// "filter - 10"
std::string priority_words(int priority);

/// For a base chain of another table that drops what sip_media accepted: a rule that accepts what carries the
/// mark, or what has to come before that. `ours`: the base chain with the jump.
std::string pass_media_line(const Facts& facts, const system::Chain& theirs, const system::Chain& ours);

/// For a chain that drops SIP, of whatever table: a rule that accepts SIP and nothing else.
std::string accept_sip_line(const Facts& facts, const Path& refusal);

}  // namespace dpinholer::doctor
