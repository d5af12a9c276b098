// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "system/config.h"
#include "system/descriptor.h"

namespace dpinholer::system {

/// One daemon for a table: two that look after the same sets take each other's elements for a mistake and
/// write them again, for ever.
///
/// It is a netlink socket with a port id that follows from the table's name, and a member of the group of
/// nf_tables. The kernel keeps it for this network namespace, whatever other namespaces and users there are,
/// shows it to everybody, and lets only CAP_NET_ADMIN join that group: whoever just takes the port keeps no
/// daemon from starting. It ends with its process, however that ends. Beside it, for a message that names the
/// process, the name of a local socket says which one it is.
class TableLock {
 public:
  /// In this thread's network namespace. Throws KernelError, one line with its remedy, when another daemon
  /// has the table.
  explicit TableLock(const KernelSettings& settings);

 private:
  Descriptor lock_;
  Descriptor name_;
};

/// Where "PID/QUEUES" of a daemon stands in a list of local sockets (/proc/net/unix) that has locked `port`:
/// "process PID, which reads queue QUEUES". Nothing when it does not stand there in that form.
std::optional<std::string> name_of_daemon(std::string_view list, std::uint32_t port);

/// Of a list of netlink sockets (/proc/net/netlink), the port other than `own` by which a daemon has locked
/// what `first` is the first port for.
std::optional<std::uint32_t> locked_by(std::string_view list, std::uint32_t first, std::uint32_t own);

/// The first of limits::table_lock_ports that may lock a table.
std::uint32_t first_lock_port(const TableName& table);

}  // namespace dpinholer::system
