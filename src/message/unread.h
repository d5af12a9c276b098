// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"

namespace dpinholer::message {

/// Why SIP that may have asked for pinholes was not read (calls.md sections 1 and 5): it opens nothing, and
/// passes. The names are those of the JSON interface.
enum class UnreadCause : std::uint8_t {
  // a body
  encoding,    ///< Content-Encoding or Content-Transfer-Encoding
  encrypted,   ///< S/MIME (RFC 3261 section 23)
  cut,         ///< Content-Length ends within it, or the datagram does
  syntax,      ///< its type, a part, a media description or its transport can't be read
  connection,  ///< a media description has no connection data that can be read
  // a message
  malformed,  ///< a field that identifies it is missing or can't be read
  // a TCP connection, from there on
  foreign,   ///< it does not go on as SIP
  tls,       ///< it begins as TLS
  conflict,  ///< the same sequence numbers came with other bytes
  gap,       ///< bytes of it were not seen
  bound,     ///< more unread bytes, or more connections, than the limits allow
};

inline constexpr std::size_t unread_causes = static_cast<std::size_t>(UnreadCause::bound) + 1;

/// "encoding".
std::string_view name(UnreadCause cause);

/// A clause for people: "its body is encoded".
std::string_view meaning_of(UnreadCause cause);

struct Unread {
  UnreadCause cause = UnreadCause::malformed;
  /// What it was, from the wire or about it: "Content-Encoding gzip". At most limits::unread_text octets; may
  /// be empty.
  std::string text;

  friend bool operator==(const Unread&, const Unread&) = default;
};

/// That something was not read, and of whom. Text from the wire: escape it wherever it is printed.
struct UnreadEvent {
  Unread what;
  base::Protocol protocol = base::Protocol::udp;
  base::Endpoint source;  ///< of the message; of a connection, who opened it
  base::Endpoint destination;
  std::string call_id;  ///< empty where it is not known
  base::TimePoint time;
};

/// A clause for people, with what it was: "its body is encoded: Content-Encoding gzip".
std::string sentence_of(const Unread& unread);

/// `text` up to its line end, cut to limits::unread_text octets.
Unread unread(UnreadCause cause, std::string_view text);

}  // namespace dpinholer::message
