// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace dpinholer::test {

/// Reads `choices` as a script of SIP messages (few parties, few tags, branches and numbers, so that they
/// meet often), of media, of waiting, of restarts and of calls that the operator closes; runs it through a
/// pipeline and checks after every step that what is open is exactly what some live call wants, that nothing
/// opens twice, that a copy of a message does nothing, that a restart changes nothing, and that in the end
/// nothing is left. Returns the first fault, with the step, or nothing.
std::string run_random_calls(base::Bytes choices);

}  // namespace dpinholer::test
