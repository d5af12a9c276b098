// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"

namespace dpinholer::live {

/// "192.0.2.1:5060" or "[2001:db8::1]:5060"; throws when it is neither.
base::Endpoint endpoint(std::string_view text);

/// A UDP socket bound to one address, in the namespace that made it.
class UdpSocket {
 public:
  explicit UdpSocket(std::string_view local);
  ~UdpSocket();
  UdpSocket(UdpSocket&& other) noexcept;
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  void send(std::string_view to, std::string_view octets) const;
  /// The next datagram; nothing when none comes in time.
  std::optional<std::string> receive(std::chrono::milliseconds wait = std::chrono::milliseconds{5000}) const;
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace dpinholer::live
