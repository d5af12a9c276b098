// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "system/config.h"
#include "system/descriptor.h"

namespace dpinholer::system {

/// One daemon for a table: two that look after the same sets take each other's elements for faults, and write
/// theirs again for ever.
///
/// It is a netlink socket with a port id that follows from the table's name, and a member of the group of
/// nf_tables. The kernel keeps it for this network namespace alone, shows it to everybody, and lets only
/// CAP_NET_ADMIN join that group: a process that only takes the port keeps no daemon from starting. The lock
/// ends with its process, however that ends. Beside it, a local socket names the process, for messages.
class TableLock {
 public:
  /// In this thread's network namespace. Throws KernelError, one line with its remedy, when another daemon
  /// has the table.
  explicit TableLock(const KernelSettings& settings);

 private:
  Descriptor lock_;
  Descriptor name_;
};

/// In a list of local sockets (/proc/net/unix), the daemon that has locked `port`, from its name
/// "PID/QUEUES": "process PID, which reads queue QUEUES". Nothing when there is no such name in that form.
std::optional<std::string> name_of_daemon(std::string_view list, std::uint32_t port);

/// In a list of netlink sockets (/proc/net/netlink), the port other than `own` by which a daemon has locked
/// the table whose first port is `first`.
std::optional<std::uint32_t> locked_by(std::string_view list, std::uint32_t first, std::uint32_t own);

/// The first of limits::table_lock_ports that may lock a table.
std::uint32_t first_lock_port(const TableName& table);

}  // namespace dpinholer::system
