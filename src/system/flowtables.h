// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "system/ruleset.h"

namespace dpinholer::system {

/// The flowtables of this network namespace, of all tables; as many as can be read. nft tells all but
/// `counts` in its JSON.
std::vector<Flowtable> read_flowtables();

}  // namespace dpinholer::system
