// SPDX-License-Identifier: GPL-2.0-or-later
//
// frame = length kind 2*octet content     length: of the content, 32 bits; kind: 16 bits; both as this host
//                                         has them, for both ends are on it
#include "system/channel.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace dpinholer::system {

namespace {

using std::chrono::steady_clock;

struct Header {
  std::uint32_t length = 0;
  std::uint16_t kind = 0;
  std::uint16_t reserved = 0;
};

// The buffer grows as octets come, so that a claim by itself costs nothing.
constexpr std::size_t receive_step = std::size_t{1} << 18;

tl::unexpected<SystemError> failed(const char* call, int code) {
  return tl::unexpected(SystemError{call, code == EAGAIN ? ETIMEDOUT : code, "of a channel"});
}

}  // namespace

std::pair<Channel, Channel> Channel::pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {Channel(ends[0]), Channel(ends[1])};
}

void Channel::set_patience(std::chrono::milliseconds patience) {
  patience_ = patience;
  const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
  setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

tl::expected<void, SystemError> Channel::send(std::uint16_t kind, base::Bytes content) {
  Header header{static_cast<std::uint32_t>(content.size()), kind, 0};
  std::array<iovec, 2> parts{iovec{&header, sizeof header},
                             iovec{const_cast<std::uint8_t*>(content.data()), content.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const auto began = steady_clock::now();
  while (message.msg_iovlen > 0) {
    const ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return failed("sendmsg", errno);
    auto left = static_cast<std::size_t>(sent);
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen == 0) break;
    message.msg_iov->iov_base = static_cast<std::uint8_t*>(message.msg_iov->iov_base) + left;
    message.msg_iov->iov_len -= left;
    if (patience_.count() > 0 && steady_clock::now() - began > patience_) return failed("sendmsg", ETIMEDOUT);
  }
  return {};
}

// Nothing follows a frame before it is answered, so that the first read may take all that is there.
tl::expected<Channel::Frame, SystemError> Channel::receive(std::size_t most) {
  Header header;
  std::size_t have = 0;
  std::size_t whole = sizeof header;
  const auto began = steady_clock::now();
  while (have < whole) {
    if (received_.size() < have + receive_step) received_.resize(have + receive_step);
    const ssize_t got = recv(fd(), received_.data() + have, received_.size() - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("recv", errno);
    if (got == 0) return failed("recv", ECONNRESET);
    have += static_cast<std::size_t>(got);
    if (have < sizeof header) continue;
    std::memcpy(&header, received_.data(), sizeof header);
    if (header.length > most) return failed("recv", EMSGSIZE);
    whole = sizeof header + header.length;
    if (have < whole && patience_.count() > 0 && steady_clock::now() - began > patience_)
      return failed("recv", ETIMEDOUT);
  }
  if (have > whole) return failed("recv", EMSGSIZE);
  return Frame{header.kind, base::Bytes(received_).subspan(sizeof header, header.length)};
}

}  // namespace dpinholer::system
