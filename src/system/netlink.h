// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "system/error.h"

struct mnl_socket;
struct nlmsghdr;

namespace dpinholer::system {

/// Owner of one netlink socket, with its own port id. It belongs to the network namespace that the
/// opening thread was in.
class NetlinkSocket {
 public:
  /// `protocol`: NETLINK_NETFILTER or NETLINK_ROUTE. Throws KernelError when the kernel gives no such socket.
  explicit NetlinkSocket(int protocol = NETLINK_NETFILTER);
  /// Takes over an open one, port id and all. Throws KernelError when it is none; then `fd` is closed too.
  static NetlinkSocket over(int fd);
  ~NetlinkSocket();
  NetlinkSocket(NetlinkSocket&& other) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&& other) noexcept;

  int fd() const;
  unsigned port_id() const;

  /// Octets, beyond the system's limit for ordinary users when CAP_NET_ADMIN is there. A kernel that gives
  /// less is no error.
  void set_receive_buffer(std::size_t octets);
  void set_send_buffer(std::size_t octets);
  /// A socket option of level SOL_NETLINK, e.g. NETLINK_NO_ENOBUFS. False when the kernel knows it not.
  bool set_option(int option, bool on);

  /// Makes it receive what the kernel tells a multicast group. False, with errno, when it may not.
  bool join(int group);

  /// Sends whole messages as one datagram. The kernel has worked through them when this returns.
  tl::expected<void, SystemError> send(base::Bytes messages);

  /// One datagram, waiting up to `wait` for it: octets read into `buffer`. Errors: ETIMEDOUT, ENOBUFS (the
  /// kernel had to drop an answer), EMSGSIZE (longer than `buffer`), whatever recvmsg gives.
  tl::expected<std::size_t, SystemError> receive(std::span<std::uint8_t> buffer,
                                                 std::chrono::milliseconds wait);

  /// For NetlinkRequest and transactions: never 0.
  std::uint32_t next_sequence();

 private:
  explicit NetlinkSocket(mnl_socket* open) : socket_(open) {}

  mnl_socket* socket_ = nullptr;
  std::uint32_t sequence_ = 0;
};

/// What ended a request.
struct NetlinkEnd {
  int code = 0;              ///< errno that the kernel answered, or 0
  bool interrupted = false;  ///< a dump that ran beside changes (NLM_F_DUMP_INTR): may lack or repeat entries
};

/// Sends `request` (one message whose flags hold NLM_F_ACK or NLM_F_DUMP; its sequence number is set here)
/// and hands each answer to `answer` until the kernel is done. Bounded: waits a second at most for each
/// datagram. An errno the kernel answered is no error of this function: it is in the result.
tl::expected<NetlinkEnd, SystemError> netlink_request(NetlinkSocket& socket, nlmsghdr& request,
                                                      const std::function<void(const nlmsghdr&)>& answer);

/// A dump that is read in pieces, beside whatever else is done.
class NetlinkDump {
 public:
  /// `what` is named in errors: "NFT_MSG_GETSETELEM". Throws KernelError when there is no netlink socket to
  /// be had.
  explicit NetlinkDump(std::string what) : what_(std::move(what)) {}

  /// Sends `request` (flag NLM_F_DUMP; its sequence number is set here). A dump that is not at its end is
  /// read to its end first, and nobody sees the rest of it.
  tl::expected<void, SystemError> begin(nlmsghdr& request);
  /// Hands the next datagram of messages to `visit`; waits a second at most for it. True when there are more;
  /// an error, too, ends the dump.
  tl::expected<bool, SystemError> read_some(const std::function<void(const nlmsghdr&)>& visit);
  bool is_open() const { return open_; }  ///< begun, and not at its end

 private:
  NetlinkSocket socket_;
  std::string what_;
  std::uint32_t sequence_ = 0;
  bool open_ = false;
};

/// Why nf_tables refuses, with this errno, a request that nothing is wrong with.
std::string nftables_fault(int code);

/// Calls `visit` for each message of a datagram; stops at one that is not whole.
void for_each_message(base::Bytes datagram, const std::function<void(const nlmsghdr&)>& visit);

/// errno of a message of type NLMSG_ERROR as a positive number (0: acknowledged), EBADMSG when it is cut
/// short.
int error_code(const nlmsghdr& message);

}  // namespace dpinholer::system
