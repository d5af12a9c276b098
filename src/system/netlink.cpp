// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace dpinholer::system {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The kernel answers while send() runs; whoever waits longer than this waits for an answer that got lost.
constexpr milliseconds answer_wait{1000};
// Dumps come in datagrams as large as the reader offers, 32 KiB at most.
constexpr std::size_t dump_buffer = 32768;

milliseconds remaining(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  return std::max(left, milliseconds{0});
}

// A dump that failed half way says so in its last message.
int done_code(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(int)) return 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(&message));
}

// Hands the answers to a request on. True when the datagram has its end.
bool take_answers(base::Bytes datagram, std::uint32_t sequence, NetlinkEnd& end,
                  const std::function<void(const nlmsghdr&)>& answer) {
  bool done = false;
  for_each_message(datagram, [&](const nlmsghdr& message) {
    if (done || message.nlmsg_seq != sequence) return;  // late answers to an earlier request
    if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) end.interrupted = true;
    if (message.nlmsg_type == NLMSG_ERROR) {
      end.code = error_code(message);
      done = true;
    } else if (message.nlmsg_type == NLMSG_DONE) {
      end.code = done_code(message);
      done = true;
    } else {
      answer(message);
    }
  });
  return done;
}

// True when there is something to read.
tl::expected<bool, SystemError> wait_readable(int fd, milliseconds wait) {
  const auto deadline = Clock::now() + wait;
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const int ready = poll(&entry, 1, static_cast<int>(remaining(deadline).count()));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return tl::unexpected(SystemError{"poll", errno, "netlink"});
  }
}

}  // namespace

NetlinkSocket::NetlinkSocket(int protocol) : socket_(mnl_socket_open2(protocol, SOCK_CLOEXEC)) {
  const char* object = protocol == NETLINK_ROUTE ? "NETLINK_ROUTE" : "NETLINK_NETFILTER";
  if (socket_ == nullptr) throw KernelError(SystemError{"socket", errno, object});
  if (mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) < 0) {
    const int code = errno;
    mnl_socket_close(socket_);
    throw KernelError(SystemError{"bind", code, object});
  }
  // Without it an acknowledgement repeats the message that it is for.
  set_option(NETLINK_CAP_ACK, true);
}

NetlinkSocket NetlinkSocket::over(int fd) {
  if (mnl_socket* open = mnl_socket_fdopen(fd)) return NetlinkSocket(open);
  const int code = errno;
  close(fd);
  throw KernelError(SystemError{"getsockname", code, "NETLINK_NETFILTER"});
}

NetlinkSocket::~NetlinkSocket() {
  if (socket_ != nullptr) mnl_socket_close(socket_);
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)), sequence_(other.sequence_) {}

NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(sequence_, other.sequence_);
  return *this;
}

int NetlinkSocket::fd() const {
  return mnl_socket_get_fd(socket_);
}

unsigned NetlinkSocket::port_id() const {
  return mnl_socket_get_portid(socket_);
}

void NetlinkSocket::set_receive_buffer(std::size_t octets) {
  const int size = static_cast<int>(std::min<std::size_t>(octets, std::numeric_limits<int>::max() / 2));
  if (setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == 0) return;
  setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

void NetlinkSocket::set_send_buffer(std::size_t octets) {
  const int size = static_cast<int>(std::min<std::size_t>(octets, std::numeric_limits<int>::max() / 2));
  if (setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == 0) return;
  setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

bool NetlinkSocket::set_option(int option, bool on) {
  int value = on ? 1 : 0;
  return mnl_socket_setsockopt(socket_, option, &value, sizeof value) == 0;
}

bool NetlinkSocket::join(int group) {
  return mnl_socket_setsockopt(socket_, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
}

tl::expected<void, SystemError> NetlinkSocket::send(base::Bytes messages) {
  for (;;) {
    const ssize_t sent = mnl_socket_sendto(socket_, messages.data(), messages.size());
    if (sent >= 0) return {};
    if (errno != EINTR) return tl::unexpected(SystemError{"sendto", errno, "netlink"});
  }
}

tl::expected<std::size_t, SystemError> NetlinkSocket::receive(std::span<std::uint8_t> buffer,
                                                              milliseconds wait) {
  const auto deadline = Clock::now() + wait;
  for (;;) {
    sockaddr_nl sender{};
    iovec place{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    const ssize_t octets = recvmsg(fd(), &message, MSG_DONTWAIT);
    if (octets >= 0) {
      if (sender.nl_pid != 0) continue;  // only the kernel has anything to say here
      if ((message.msg_flags & MSG_TRUNC) != 0)
        return tl::unexpected(SystemError{"recvmsg", EMSGSIZE, "netlink"});
      return static_cast<std::size_t>(octets);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return tl::unexpected(SystemError{"recvmsg", errno, "netlink"});
    auto readable = wait_readable(fd(), remaining(deadline));
    if (!readable) return tl::unexpected(readable.error());
    if (!*readable) return tl::unexpected(SystemError{"recvmsg", ETIMEDOUT, "netlink"});
  }
}

std::uint32_t NetlinkSocket::next_sequence() {
  if (++sequence_ == 0) ++sequence_;
  return sequence_;
}

tl::expected<NetlinkEnd, SystemError> netlink_request(NetlinkSocket& socket, nlmsghdr& request,
                                                      const std::function<void(const nlmsghdr&)>& answer) {
  request.nlmsg_seq = socket.next_sequence();
  auto sent = socket.send({reinterpret_cast<const std::uint8_t*>(&request), request.nlmsg_len});
  if (!sent) return tl::unexpected(sent.error());
  alignas(nlmsghdr) std::array<std::uint8_t, dump_buffer> buffer;
  NetlinkEnd end;
  for (bool done = false; !done;) {
    auto octets = socket.receive(buffer, answer_wait);
    if (!octets) return tl::unexpected(octets.error());
    done = take_answers({buffer.data(), *octets}, request.nlmsg_seq, end, answer);
  }
  return end;
}

tl::expected<void, SystemError> NetlinkDump::begin(nlmsghdr& request) {
  while (open_) {
    if (const auto more = read_some([](const nlmsghdr&) {}); !more) break;
  }
  sequence_ = request.nlmsg_seq = socket_.next_sequence();
  auto sent = socket_.send({reinterpret_cast<const std::uint8_t*>(&request), request.nlmsg_len});
  open_ = sent.has_value();
  return sent;
}

tl::expected<bool, SystemError> NetlinkDump::read_some(const std::function<void(const nlmsghdr&)>& visit) {
  if (!open_) return false;
  alignas(nlmsghdr) std::array<std::uint8_t, dump_buffer> buffer;
  const auto octets = socket_.receive(buffer, answer_wait);
  open_ = octets.has_value();
  if (!octets) return tl::unexpected(octets.error());
  NetlinkEnd end;
  open_ = !take_answers({buffer.data(), *octets}, sequence_, end, visit);
  if (end.code != 0) return tl::unexpected(SystemError{what_, end.code, "in pieces"});
  return open_;
}

std::string nftables_fault(int code) {
  if (code == EPERM) return "no permission to use nftables: run as root or with CAP_NET_ADMIN";
  return SystemError{"the kernel has no nftables", code, ""}.to_string() + "; load the module nf_tables";
}

void for_each_message(base::Bytes datagram, const std::function<void(const nlmsghdr&)>& visit) {
  int left = static_cast<int>(datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) visit(*message);
}

int error_code(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr)) return EBADMSG;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message))->error;
}

}  // namespace dpinholer::system
