// SPDX-License-Identifier: GPL-2.0-or-later
//
// frame = length kind 2*octet content     length: of the content, 32 bits; kind: 16 bits; both as this host
//                                         has them, for both ends are on it
#include "system/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "system/wait.h"

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

// The waits of one call, with one end for all of them: a timeout of the system call itself would begin anew
// whenever a signal interrupts it or some octets went.
class Waits {
 public:
  explicit Waits(std::chrono::milliseconds patience)
      : bounded_(patience.count() > 0), until_(steady_clock::now() + patience) {}

  // Flags for a system call: when the waits are bounded, they are here and not in the system call.
  int flags() const { return bounded_ ? MSG_DONTWAIT : 0; }

  // For another try; false when the time is over.
  bool wait(int fd, short events) const { return !bounded_ || wait_for(fd, events, until_); }

 private:
  bool bounded_;
  steady_clock::time_point until_;
};

bool passes(int code) {
  return code == EINTR || code == EAGAIN;
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
}

tl::expected<void, SystemError> Channel::send(std::uint16_t kind, base::Bytes content) {
  Header header{static_cast<std::uint32_t>(content.size()), kind, 0};
  std::array<iovec, 2> parts{iovec{&header, sizeof header},
                             iovec{const_cast<std::uint8_t*>(content.data()), content.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  for (const Waits waits(patience_);;) {
    const ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL | waits.flags());
    if (sent < 0 && !passes(errno)) return failed("sendmsg", errno);
    auto left = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen == 0) return {};
    message.msg_iov->iov_base = static_cast<std::uint8_t*>(message.msg_iov->iov_base) + left;
    message.msg_iov->iov_len -= left;
    if (!waits.wait(fd(), POLLOUT)) return failed("sendmsg", ETIMEDOUT);
  }
}

// Nothing follows a frame before it is answered, so that the first read may take all that is there.
tl::expected<Channel::Frame, SystemError> Channel::receive(std::size_t most) {
  Header header;
  std::size_t have = 0;
  std::size_t whole = sizeof header;
  // The first read waits by itself, which saves a system call for each batch.
  int flags = 0;
  for (const Waits waits(patience_);;) {
    if (received_.size() < have + receive_step) received_.resize(have + receive_step);
    const ssize_t got = recv(fd(), received_.data() + have, received_.size() - have, flags);
    if (got < 0 && (!passes(errno) || (errno == EAGAIN && flags == 0))) return failed("recv", errno);
    if (got == 0) return failed("recv", ECONNRESET);
    have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (have >= sizeof header) {
      std::memcpy(&header, received_.data(), sizeof header);
      if (header.length > most) return failed("recv", EMSGSIZE);
      whole = sizeof header + header.length;
    }
    if (have >= whole) break;
    if (!waits.wait(fd(), POLLIN)) return failed("recv", ETIMEDOUT);
    flags = waits.flags();
  }
  if (have > whole) return failed("recv", EMSGSIZE);
  return Frame{header.kind, base::Bytes(received_).subspan(sizeof header, header.length)};
}

}  // namespace dpinholer::system
