// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace dpinholer::message {

/// What the octets at the beginning of a connection say about an upgrade to WebSocket for SIP (RFC 6455
/// section 4, RFC 7118 section 4).
enum class Upgrade : std::uint8_t {
  need_more,  ///< the header is not there as a whole
  agreed,     ///< Upgrade: websocket, subprotocol sip, and no extension that would change the frames
  other,      ///< anything else
};

struct UpgradeHeader {
  Upgrade upgrade = Upgrade::need_more;
  std::size_t length = 0;  ///< octets up to the first frame, when agreed
};

/// The client's GET. `searched`: 0 at first, and then as it was left, with the same octets and those that
/// came since, so that none is looked at twice.
UpgradeHeader read_upgrade_request(std::string_view octets, std::size_t& searched);
/// The server's 101, in the same way.
UpgradeHeader read_upgrade_response(std::string_view octets, std::size_t& searched);

/// Takes the frames of one direction apart (RFC 6455 section 5).
class FrameReader {
 public:
  /// `masked`: the frames are a client's. `bound`: octets of the longest message.
  FrameReader(bool masked, std::size_t bound) : masked_(masked), bound_(bound) {}

  enum class Status : std::uint8_t {
    need_more,
    message,    ///< a text or binary message is whole: `message()`
    other,      ///< a control frame, or a part of a message: go on
    malformed,  ///< not to be read any further
    over_bound,
  };
  struct Step {
    Status status = Status::need_more;
    std::size_t consumed = 0;  ///< octets of the input that are done with
  };

  /// Reads the next frame, if it is whole.
  Step next(base::Bytes octets);

  /// The last message, valid until the next call of `next`.
  std::string_view message() const { return message_; }

  /// Octets kept of messages.
  std::size_t memory() const { return message_.empty() ? 0 : message_.capacity(); }
  /// Forgets the last message, if there is one.
  void release();

 private:
  bool masked_;
  std::size_t bound_;
  bool in_message_ = false;  // the last data frame was not its message's final one
  bool complete_ = false;
  std::string message_;
};

}  // namespace dpinholer::message
