// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

namespace dpinholer::control {

namespace {

using system::SystemError;

constexpr int backlog = 8;

std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) return std::nullopt;
  std::copy(text.begin(), text.end(), std::begin(address.sun_path));
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

tl::expected<Descriptor, SystemError> connect_to(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(SystemError{"connect", ENAMETOOLONG, path});
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return tl::unexpected(SystemError{"socket", errno, path});
  // One that listens but does not answer has a full backlog: connect(2) would wait for it.
  const timeval longest{2, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
  if (connect(socket.get(), generic(*address), sizeof *address) == 0) return socket;
  return tl::unexpected(SystemError{"connect", errno, path});
}

// Made beside its place and put there when it listens: so it is never seen half done, and a dead one is
// replaced in one step.
tl::expected<Descriptor, SystemError> listen_at(const std::filesystem::path& path) {
  const auto other = connect_to(path);
  if (other || other.error().code == EAGAIN) return tl::unexpected(SystemError{"bind", EADDRINUSE, path});
  struct stat there {};
  if (lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
    return tl::unexpected(SystemError{"bind", EEXIST, path});
  }
  const std::filesystem::path beside = path.native() + "." + std::to_string(getpid());
  const auto address = address_of(beside);
  if (!address) return tl::unexpected(SystemError{"bind", ENAMETOOLONG, path});
  auto failed = [&](const char* call) {
    const int code = errno;
    unlink(beside.c_str());
    return tl::unexpected(SystemError{call, code, path});
  };
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failed("socket");
  unlink(beside.c_str());
  if (bind(socket.get(), generic(*address), sizeof *address) != 0) return failed("bind");
  constexpr mode_t owner_and_group = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;
  if (chmod(beside.c_str(), owner_and_group) != 0) return failed("chmod");
  if (listen(socket.get(), backlog) != 0) return failed("listen");
  if (rename(beside.c_str(), path.c_str()) != 0) return failed("rename");
  return socket;
}

}  // namespace dpinholer::control
