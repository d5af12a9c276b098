// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <signal.h>

#include <cstdint>
#include <initializer_list>

namespace dpinholer::system {

/// Octets of memory of a process that are resident (proc(5), statm); 0 when it can't be told. `process` 0:
/// this one.
std::uint64_t resident_octets(int process);

/// Keeps `signals` from this thread and from those that it starts later; they wait for sigwait(3) or a
/// signalfd(2). Returns them as a set.
sigset_t block_signals(std::initializer_list<int> signals);

}  // namespace dpinholer::system
