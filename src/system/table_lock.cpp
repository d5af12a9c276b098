// SPDX-License-Identifier: GPL-2.0-or-later
//
// A line of /proc/net/netlink, and the name of a local socket as /proc/net/unix shows it:
//
//   line = address protocol port groups ...      groups: hexadecimal, the others of these decimal
//   name = "@dpinholer/" port "/" pid "/" queues
#include "system/table_lock.h"

#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <sstream>

#include "base/limits.h"
#include "system/error.h"
#include "system/log.h"

namespace dpinholer::system {

namespace {

using base::limits::table_lock_ports;

constexpr std::uint32_t nftables_group = 1U << (NFNLGRP_NFTABLES - 1);
constexpr std::string_view name_prefix = "@dpinholer/";

// Nobody reads this socket.
void drop_all(int fd) {
  sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog filter{1, &none};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    throw KernelError(SystemError{"setsockopt", errno, "SO_ATTACH_FILTER"});
}

// False when the port is taken.
bool take(const Descriptor& socket, std::uint32_t port) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  address.nl_groups = nftables_group;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  if (errno == EADDRINUSE) return false;
  throw KernelError(SystemError{"bind", errno, "NETLINK_NETFILTER"});
}

std::string text_of(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string name_of(const QueueRange& queues) {
  const std::string first = std::to_string(queues.first);
  return queues.last > queues.first ? first + "-" + std::to_string(queues.last) : first;
}

// In the abstract namespace, which belongs to the network namespace. Only messages use it: all works without
// it.
Descriptor tell_name(std::uint32_t port, const QueueRange& queues) {
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::string name(name_prefix);
  name += std::to_string(port) + "/" + std::to_string(getpid()) + "/" + name_of(queues);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof address.sun_path);
  address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  (void)!bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
  (void)!shutdown(socket.get(), SHUT_RD);
  return socket;
}

std::string name_of(const TableName& table) {
  return table.family + " " + table.name;
}

}  // namespace

// FNV-1a. Above the ports that the kernel assigns: process numbers, and numbers that are negative when
// signed.
std::uint32_t first_lock_port(const TableName& table) {
  std::uint32_t hash = 2166136261U;
  for (const char octet : name_of(table)) {
    hash ^= static_cast<std::uint8_t>(octet);
    hash *= 16777619U;
  }
  constexpr std::uint32_t above = 0x4000'0000;
  return above | (hash % (above / table_lock_ports) * table_lock_ports);
}

std::optional<std::uint32_t> locked_by(std::string_view list, std::uint32_t first, std::uint32_t own) {
  std::istringstream lines{std::string(list)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    std::string address;
    int protocol = 0;
    std::uint32_t port = 0;
    std::uint32_t groups = 0;
    if (!(columns >> address >> protocol >> port >> std::hex >> groups)) continue;
    const bool ours = port >= first && port - first < table_lock_ports;
    if (ours && port != own && protocol == NETLINK_NETFILTER && (groups & nftables_group) != 0) return port;
  }
  return std::nullopt;
}

std::optional<std::string> name_of_daemon(std::string_view list, std::uint32_t port) {
  const std::string wanted = std::string(name_prefix) + std::to_string(port) + "/";
  const auto at = list.find(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = list.substr(at + wanted.size());
  rest = rest.substr(0, rest.find('\n'));
  const auto slash = rest.find('/');
  constexpr std::size_t most = 32;  // a stranger may have chosen it
  if (slash == 0 || slash == std::string_view::npos || rest.size() > most ||
      rest.find_first_not_of("0123456789-/") != std::string_view::npos)
    return std::nullopt;
  return "process " + std::string(rest.substr(0, slash)) + ", which reads queue " +
         std::string(rest.substr(slash + 1));
}

TableLock::TableLock(const KernelSettings& settings)
    : lock_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)) {
  if (lock_.get() < 0) throw KernelError(SystemError{"socket", errno, "NETLINK_NETFILTER"});
  drop_all(lock_.get());
  const std::uint32_t first = first_lock_port(settings.table);
  std::uint32_t own = first;
  while (own < first + table_lock_ports && !take(lock_, own)) ++own;
  if (const auto other = locked_by(text_of("/proc/thread-self/net/netlink"), first, own)) {
    const auto who = name_of_daemon(text_of("/proc/thread-self/net/unix"), *other);
    throw KernelError("another daemon looks after table " + name_of(settings.table) +
                      " already: " + who.value_or("the one with netlink port " + std::to_string(*other)) +
                      "; stop that one, or give this one another table or kernel.observe");
  }
  if (own == first + table_lock_ports) {
    log::warning("somebody has taken all netlink ports from " + std::to_string(first) +
                 " on: a second daemon for this table would not be noticed; `ss -f netlink` shows who it is");
    return;
  }
  name_ = tell_name(own, settings.queues);
}

}  // namespace dpinholer::system
