// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "system/descriptor.h"
#include "system/error.h"

namespace dpinholer::system {

/// One end of a stream between two processes of this program, cut into frames; they speak in turn. Neither
/// end believes the other: a frame that claims more octets than it may have is an error, and so is one that
/// does not come in time, or that more octets follow.
class Channel {
 public:
  /// Owns `fd`, a connected stream socket.
  explicit Channel(int fd) : socket_(fd) {}

  /// The two ends of a new one. Throws std::system_error.
  static std::pair<Channel, Channel> pair();

  /// Bounds how long one call waits for the other end, in all its waits together and whatever interrupts
  /// them; without it there is no bound.
  void set_patience(std::chrono::milliseconds patience);

  struct Frame {
    std::uint16_t kind = 0;
    base::Bytes content;  ///< valid until the next one is received
  };

  tl::expected<void, SystemError> send(std::uint16_t kind, base::Bytes content);
  /// At most `most` octets of content. The end of the stream is an error, ECONNRESET; too many octets
  /// EMSGSIZE; too long a wait ETIMEDOUT.
  tl::expected<Frame, SystemError> receive(std::size_t most);

  int fd() const { return socket_.get(); }

 private:
  Descriptor socket_;
  std::chrono::milliseconds patience_{0};  // 0: for ever
  std::vector<std::uint8_t> received_;
};

}  // namespace dpinholer::system
