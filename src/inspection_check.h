// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "inspection.h"

/// Whether an inspector's answer can be true of the batch that it was given. inspection_codec.h has read its
/// form; pinhole::Guard judges the changes that it asks for.
namespace dpinholer {

/// There is a finding for each of the first packets, and for one at least; each flow is that of its packet,
/// each connection that of a packet or of the batch; no more calls were closed than the batch names.
bool answers(const Findings& findings, const Batch& batch);

/// No counter is less than before.
bool goes_on(const Counters& counters, const Counters& before);

}  // namespace dpinholer
