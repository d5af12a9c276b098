// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "gatekeeper.h"
#include "pipeline.h"

namespace dpinholer {

/// The last lines in the log of a daemon that stops: what it has seen and done. `dropped`: packets.
void log_figures(const Counters& seen, const Gatekeeper& gatekeeper, std::uint64_t dropped);

}  // namespace dpinholer
