// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/live/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace dpinholer::live {

namespace {

struct Name {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const base::Endpoint& endpoint) {
  Name name;
  const base::Bytes octets = endpoint.address.bytes();
  if (endpoint.address.family() == base::Family::ipv4) {
    auto& socket = reinterpret_cast<sockaddr_in&>(name.storage);
    socket.sin_family = AF_INET;
    socket.sin_port = htons(endpoint.port);
    std::memcpy(&socket.sin_addr, octets.data(), octets.size());
    name.length = sizeof socket;
  } else {
    auto& socket = reinterpret_cast<sockaddr_in6&>(name.storage);
    socket.sin6_family = AF_INET6;
    socket.sin6_port = htons(endpoint.port);
    std::memcpy(&socket.sin6_addr, octets.data(), octets.size());
    name.length = sizeof socket;
  }
  return name;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

base::Endpoint endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const auto address = base::Address::parse(host);
  if (!address) throw std::invalid_argument(std::string(text));
  return {*address, static_cast<std::uint16_t>(std::stoi(std::string(text.substr(colon + 1))))};
}

UdpSocket::UdpSocket(std::string_view local) {
  const base::Endpoint where = endpoint(local);
  fd_ =
      socket(where.address.family() == base::Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");
  const Name name = name_of(where);
  if (bind(fd_, name.get(), name.length) != 0) fail("bind");
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) close(fd_);
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

void UdpSocket::send(std::string_view to, std::string_view octets) const {
  const Name name = name_of(endpoint(to));
  if (sendto(fd_, octets.data(), octets.size(), 0, name.get(), name.length) < 0 && errno != EPERM)
    fail("sendto");
}

std::optional<std::string> UdpSocket::receive(std::chrono::milliseconds wait) const {
  pollfd entry{fd_, POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(wait.count())) <= 0) return std::nullopt;
  std::string octets(65536, '\0');
  const ssize_t count = recv(fd_, octets.data(), octets.size(), 0);
  if (count < 0) fail("recv");
  octets.resize(static_cast<std::size_t>(count));
  return octets;
}

}  // namespace dpinholer::live
