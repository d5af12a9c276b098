// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "inspection.h"

/// Whether what an inspector says can be true of what it was given. Its form was read (inspection_codec.h);
/// what it asks for is judged by pinhole::Guard.
namespace dpinholer {

/// There is a finding for each of the first packets, and for one at least; flows are those that the packets
/// have, connections those of packets or of the batch; no more calls were closed than were to be.
bool answers(const Findings& findings, const Batch& batch);

/// Counters only grow.
bool goes_on(const Counters& counters, const Counters& before);

}  // namespace dpinholer
