// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "system/error.h"

namespace dpinholer::system {

/// The addresses of this host's interfaces, in this thread's network namespace; sorted.
tl::expected<std::vector<base::Address>, SystemError> own_addresses();

}  // namespace dpinholer::system
