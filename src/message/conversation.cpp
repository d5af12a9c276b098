// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/conversation.h"

#include <algorithm>
#include <utility>

namespace dpinholer::message {

namespace {

using Step = Conversation::Step;

Step give_up(ip::GivenUp reason) {
  return {Step::Kind::give_up, 0, std::nullopt, reason, {}};
}

// A TLS record of type handshake, version 3.x (RFC 8446 section 5.1).
bool is_tls(std::string_view octets) {
  return octets.starts_with("\x16\x03");
}

}  // namespace

Conversation::Conversation(std::size_t bound)
    : bound_(bound), frames_{FrameReader(true, bound), FrameReader(false, bound)} {}

Step Conversation::next(ip::End sender, base::Bytes unread, const DescriptionLimits& limits) {
  if (unread.empty()) {
    frames_[static_cast<std::size_t>(sender)].release();
    return {};
  }
  switch (mode_) {
    case Mode::unknown:
    case Mode::upgrade_requested:
      return begin(sender, unread);
    case Mode::sip:
      return next_sip(sender, unread, limits);
    case Mode::websocket:
      return next_frame(sender, unread, limits);
  }
  return {};
}

// The first bytes of the connection, whoever sends them.
Step Conversation::begin(ip::End sender, base::Bytes unread) {
  const std::string_view text = base::as_text(unread);
  if (mode_ == Mode::upgrade_requested) {
    // A client sends nothing between its GET and the 101 (RFC 6455 section 4.1).
    if (sender == ip::End::initiator) return give_up(ip::GivenUp::foreign);
    const UpgradeHeader response = read_upgrade_response(text, upgrade_searched_);
    if (response.upgrade == Upgrade::other) return give_up(ip::GivenUp::foreign);
    if (response.upgrade == Upgrade::agreed) mode_ = Mode::websocket;
    return {response.upgrade == Upgrade::agreed ? Step::Kind::step : Step::Kind::need_more,
            response.length,
            {},
            {},
            {}};
  }
  if (is_tls(text)) return give_up(ip::GivenUp::encrypted);
  const bool may_be_get = std::string_view("GET ").starts_with(text.substr(0, 4));
  if (sender == ip::End::initiator && may_be_get) {
    const UpgradeHeader request = read_upgrade_request(text, upgrade_searched_);
    if (request.upgrade == Upgrade::other) return give_up(ip::GivenUp::foreign);
    if (request.upgrade == Upgrade::agreed) mode_ = Mode::upgrade_requested;
    return {request.upgrade == Upgrade::agreed ? Step::Kind::step : Step::Kind::need_more,
            request.length,
            {},
            {},
            {}};
  }
  mode_ = Mode::sip;
  return {Step::Kind::step, 0, {}, {}, {}};
}

Step Conversation::next_sip(ip::End sender, base::Bytes unread, const DescriptionLimits& limits) {
  const std::string_view text = base::as_text(unread);
  FramingProgress& progress = progress_[static_cast<std::size_t>(sender)];
  if (text.size() < progress.message) return {};
  const auto line_ends = std::min(text.find_first_not_of("\r\n"), text.size());
  if (line_ends > 0 && progress.searched == 0) return {Step::Kind::keep_alive, line_ends, {}, {}, {}};
  Header header;
  const std::size_t before = progress.searched;
  const FrameStatus status = read_header(text, Extent::stream, progress, header);
  switch (status) {
    case FrameStatus::keep_alive:
    case FrameStatus::need_more:
      work_ += progress.searched - before;
      return text.size() > bound_ ? give_up(ip::GivenUp::over_bound) : Step{};
    case FrameStatus::not_sip:
      return give_up(ip::GivenUp::foreign);
    case FrameStatus::malformed:
    case FrameStatus::header:
      break;
  }
  work_ += header.length;
  // Where the next message begins would be anybody's guess.
  if (!header.end_certain) return give_up(ip::GivenUp::foreign);
  const std::uint64_t body = header.content_length.value_or(0);  // none means no body (calls.md: on TCP)
  if (header.length > bound_ || body > bound_ - header.length) return give_up(ip::GivenUp::over_bound);
  const std::size_t length = header.length + static_cast<std::size_t>(body);
  if (text.size() < length) {
    progress.message = length;
    return {};
  }
  progress = {};
  const Step malformed{Step::Kind::malformed, length, {}, {}, text.substr(0, header.length)};
  if (status == FrameStatus::malformed) return malformed;
  auto message = read_message(header, text.substr(header.length, length - header.length), limits);
  if (!message) return malformed;
  return {Step::Kind::message, length, std::move(*message), {}, {}};
}

// RFC 7118 section 5: one SIP message in one WebSocket message.
Step Conversation::next_frame(ip::End sender, base::Bytes unread, const DescriptionLimits& limits) {
  FrameReader& frames = frames_[static_cast<std::size_t>(sender)];
  const FrameReader::Step frame = frames.next(unread);
  switch (frame.status) {
    case FrameReader::Status::need_more:
      return {};
    case FrameReader::Status::malformed:
      return give_up(ip::GivenUp::foreign);
    case FrameReader::Status::over_bound:
      return give_up(ip::GivenUp::over_bound);
    case FrameReader::Status::other:
      return {Step::Kind::step, frame.consumed, {}, {}, {}};
    case FrameReader::Status::message:
      break;
  }
  auto message = read_datagram_message(base::as_bytes(frames.message()), limits);
  if (message) return {Step::Kind::message, frame.consumed, std::move(*message), {}, {}};
  switch (message.error()) {
    case MessageError::empty:
    case MessageError::keep_alive:
    case MessageError::stun:
      return {Step::Kind::keep_alive, frame.consumed, {}, {}, {}};
    case MessageError::not_sip:
    case MessageError::malformed:
      break;
  }
  return {Step::Kind::malformed, frame.consumed, {}, {}, frames.message()};
}

}  // namespace dpinholer::message
