// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "base/time.h"
#include "message/session_description.h"
#include "message/unread.h"

namespace dpinholer::message {

struct Header;

/// The methods of the IANA registry. Those up to `info` may carry what matters to pinholes.
enum class Method : std::uint8_t {
  invite,
  ack,
  bye,
  cancel,
  update,
  prack,
  info,
  message,
  notify,
  options,
  publish,
  refer,
  register_,
  subscribe,
  other,  ///< any other token
};

inline constexpr std::size_t methods = static_cast<std::size_t>(Method::other) + 1;

/// "INVITE"; "other" for Method::other. For logs and metrics.
std::string_view name(Method method);

/// RFC 3262 section 7.2.
struct RAck {
  std::uint32_t response_number;
  std::uint32_t cseq_number;
  Method method;
};

/// How a request introduces its sender, as written. Valid as long as the octets that it was read from: to be
/// looked at, not kept.
struct Introduction {
  std::string_view user_agent;  ///< empty when there is none
  std::string_view from;        ///< the whole value, folds included
  std::string_view uri;         ///< the Request-URI
};

/// The parts of a SIP message that matter to pinholes. Owns its strings, but for `introduction`.
struct SipMessage {
  /// 0 for a request, else 100 to 699.
  std::uint16_t status = 0;
  /// Of a request its method, of a response that of its CSeq.
  Method method = Method::other;

  std::string call_id;
  std::string from_tag;  ///< empty when there is none (RFC 2543)
  std::string to_tag;    ///< empty when there is none
  std::string branch;    ///< of the topmost Via; empty when there is none (RFC 2543)
  std::uint32_t cseq = 0;

  /// Two different values of a header field that may stand once: Call-ID, CSeq, From, To, Content-Length; two
  /// tags in one From or To, two branches in one Via; or, of the methods up to `info`, a tag or branch that
  /// libosip2 reads in another way, or a Via that can't be read. The fields above are then the first ones.
  /// Such a message opens and closes nothing.
  bool ambiguous = false;

  /// RSeq of a provisional response that also has Require: 100rel (RFC 3262): it is reliable.
  std::optional<std::uint32_t> rseq;
  std::optional<RAck> rack;
  /// Session-Expires or its compact form x (RFC 4028), as written: not clamped.
  std::optional<base::seconds> session_expires;

  /// Bodies. Parsed only for the methods that count (calls.md section 1). A session description may be in a
  /// multipart body; of several the first stands, of alternatives (RFC 2046 section 5.1.4) the last.
  std::optional<SessionDescription> session;        ///< Content-Disposition session, or absent (RFC 3261)
  std::optional<SessionDescription> early_session;  ///< Content-Disposition early-session (RFC 3959)
  std::optional<SessionDescription> ice_fragment;   ///< INFO with trickle-ice-sdpfrag (RFC 8840)
  /// What of its bodies was not read, if it may have been a session description; or the first media
  /// description that asks for something and can't be given it.
  std::optional<Unread> unread;

  Introduction introduction;  ///< empty in responses, which repeat what the request said

  bool is_request() const { return status == 0; }
  bool is_provisional() const { return status >= 100 && status < 200; }
  bool is_success() const { return status >= 200 && status < 300; }
  bool is_failure() const { return status >= 300; }
};

/// Why a payload gave no message. All but `malformed` is ordinary traffic.
enum class MessageError : std::uint8_t {
  empty,       ///< no octets at all
  keep_alive,  ///< only CR, LF and NUL octets (RFC 5626 section 3.5.1)
  stun,        ///< a STUN message: a keep-alive, too (RFC 5626 section 3.5.2), or ICE
  not_sip,     ///< the first line is neither a SIP request line nor a status line
  malformed,   ///< begins as SIP, but a field that every message must have is absent or can't be read
};

/// Reads one message that fills a datagram (RFC 3261 sections 7, 18.3, 25).
///
/// Content-Length: absent or larger than what is there, the body is what is there; smaller, the rest is
/// ignored. A value that is no number makes the message malformed.
tl::expected<SipMessage, MessageError> read_datagram_message(base::Bytes payload,
                                                             const DescriptionLimits& limits);

/// Reads one message whose header and whole body were found in a stream. Malformed is the only error.
tl::expected<SipMessage, MessageError> read_message(const Header& header, std::string_view body,
                                                    const DescriptionLimits& limits);

}  // namespace dpinholer::message
