// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "system/config.h"
#include "system/netlink.h"
#include "system/nft_element.h"

namespace dpinholer::system {

/// What keeps the table or its pinhole sets from being used, each one line with its remedy; nothing when they
/// are as nft/dpinholer.nft makes them. Reads their default timeouts too.
std::vector<std::string> set_faults(NetlinkSocket& socket, const TableName& table, SetTimeouts& timeouts);

}  // namespace dpinholer::system
