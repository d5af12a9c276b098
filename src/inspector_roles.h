// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "system/channel.h"

/// The launcher and the inspectors are the program of the gatekeeper, executed anew: none of them has the
/// memory layout, the stack canary or the pointer keys of another, and a leak from one of them is of no use
/// against the others. They get what they need over descriptors.
namespace dpinholer {

/// The work of an inspector: `channel` leads to the gatekeeper, which sent `order` with the launch.
using InspectorWork = void (*)(system::Channel& channel, const std::string& order);

/// To be called first in main of every program that makes an InspectorLauncher. Returns, unless this process
/// was executed to be a launcher or an inspector; then it works as that until it ends.
void take_role(int argc, char** argv, InspectorWork work);

namespace roles {

/// Names of the processes, by which they know what they are.
inline constexpr const char* launcher = "dpinholer-spawn";
inline constexpr const char* inspector = "dpinholer-read";

/// Between the gatekeeper and the launcher, one datagram each way:
///
///   launch order, with the descriptor of a channel -> process number, or an errno as a negative number
///   end                                            -> wait status of the last one
///
/// Before the first request, the launcher says which parts of the isolation are missing: `longest_words`
/// octets of text, the last octet not zero when it can't work.
enum class Request : std::uint8_t { launch, end };
inline constexpr std::size_t longest_words = 256;

/// Executes `program` in a role. `descriptors` stay open; all others that close on exec close. Returns an
/// errno, or not at all.
int execute(int program, const char* role, pid_t parent, std::span<const int> descriptors);

}  // namespace roles

}  // namespace dpinholer
