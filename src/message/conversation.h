// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "ip/streams.h"
#include "message/framing.h"
#include "message/sip_message.h"
#include "message/websocket.h"

namespace dpinholer::message {

/// Finds the messages in the bytes of one TCP connection, both directions (RFC 3261 section 18.3, RFC 7118).
/// What the first bytes are decides for good: SIP, an upgrade to WebSocket for SIP, or something foreign.
class Conversation {
 public:
  /// `bound`: octets of the longest message.
  explicit Conversation(std::size_t bound);

  struct Step {
    enum class Kind : std::uint8_t {
      need_more,
      message,     ///< `message` was read
      malformed,   ///< a message with a beginning and an end, but nothing that could be read; go on behind it
      keep_alive,  ///< line ends between messages (RFC 5626 section 3.5.1)
      step,        ///< something else was passed over, a control frame for one
      give_up,     ///< for `reason`; nothing of this connection is to be read again
    };
    Kind kind = Kind::need_more;
    std::size_t consumed = 0;  ///< octets of `unread` that are done with
    std::optional<SipMessage> message;
    ip::GivenUp reason = ip::GivenUp::foreign;
    std::string_view start_line;  ///< of what is malformed: it begins with that; valid like `unread`
  };

  /// Reads on in what `sender` has unread. To be called until it needs more.
  Step next(ip::End sender, base::Bytes unread, const DescriptionLimits& limits);

  /// What was agreed on in the first bytes. A conversation that is taken over between two messages goes on
  /// with it.
  enum class Mode : std::uint8_t {
    unknown,
    sip,
    upgrade_requested,  ///< the client's GET was read, the server's 101 was not
    websocket,
  };
  Mode mode() const { return mode_; }
  void resume(Mode mode) { mode_ = mode; }

  /// Octets that are kept here, of WebSocket messages that are not whole.
  std::size_t memory() const { return frames_[0].memory() + frames_[1].memory(); }
  /// Octets of headers looked at so far: a few times their length, however small the segments (attack A28).
  std::uint64_t work() const { return work_; }

 private:
  Step begin(ip::End sender, base::Bytes unread);
  Step next_sip(ip::End sender, base::Bytes unread, const DescriptionLimits& limits);
  Step next_frame(ip::End sender, base::Bytes unread, const DescriptionLimits& limits);

  std::size_t bound_;
  Mode mode_ = Mode::unknown;
  std::size_t upgrade_searched_ = 0;
  std::uint64_t work_ = 0;
  std::array<FramingProgress, 2> progress_{};
  std::array<FrameReader, 2> frames_;
};

}  // namespace dpinholer::message
