// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string>

/// What a process gives up for good. Each of these throws std::system_error or KernelError when the
/// kernel does not let it; nothing of it can be taken back.
namespace dpinholer::system::sandbox {

/// All capabilities but these, as far as it has them, of all kinds, and whatever executing a program could
/// bring: no_new_privs.
void keep_capabilities(std::span<const int> capabilities);

/// Network, mount, IPC and host name namespaces of its own, as far as the system allows, and no capability
/// but one over these namespaces, if `leave_root` will work with it. Returns what was not possible; nothing
/// when all was. Needs a process with one thread.
std::string leave_host();

/// In a program that was executed by a process that has left the host, and has started since, libraries and
/// all: an empty root, and no capability any more.
void leave_root();

/// Of whatever stood open but these descriptors and standard error.
void close_all_but(std::span<const int> descriptors);

/// For who reads what strangers wrote: from now on it may read from and write to `channel`, write to standard
/// error, take memory up to `memory` octets, and end. A system call that is not needed for that kills it, and
/// so does an hour of processor time, after which whoever watches it begins anew.
void confine_inspector(int channel, std::size_t memory);

/// For who holds CAP_NET_ADMIN, all its threads: netlink, files, local sockets and memory; no other program,
/// no other process but to end it, no other namespace, nothing of the system's. What is missing fails with
/// EPERM.
void confine_gatekeeper();

}  // namespace dpinholer::system::sandbox
