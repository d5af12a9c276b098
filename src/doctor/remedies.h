// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "doctor/traffic.h"

/// Mending lines for rules that others own. None of them opens more than calls need.
namespace dpinholer::doctor {

/// "filter - 10"
std::string priority_words(int priority);

/// Whether iptables-nft looks after this base chain and those that it leads to: a rule that nft writes there
/// is saved by iptables-save as something else.
bool is_of_iptables(const system::Chain& base);

/// Takes `range`, which is among the destination ports of a rule that accepts, out of it; SIP that the rule
/// accepts stays accepted. A remark where no command is certain. `base`: the base chain that leads to it.
std::string close_range_line(const Facts& facts, const system::Chain& base, const Ending& open,
                             const pinhole::PortRange& range);

/// For a rule that accepts UDP to any port: what services need is not known here.
std::string name_ports_line(const system::Chain& base, const Ending& open);

/// For a base chain of another table that drops what sip_media accepted: a rule that accepts what carries the
/// mark, or what has to come before that. `ours`: the base chain with the jump.
std::string pass_media_line(const Facts& facts, const system::Chain& theirs, const system::Chain& ours);

/// For a chain that drops SIP, of whatever table: a rule that accepts SIP and nothing else.
std::string accept_sip_line(const Facts& facts, const Path& refusal);

}  // namespace dpinholer::doctor
