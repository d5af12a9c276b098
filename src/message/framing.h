// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dpinholer::message {

/// The header fields that are looked at; all others are only stepped over.
enum class FieldName : std::uint8_t {
  call_id,
  content_disposition,
  content_encoding,
  content_length,
  content_transfer_encoding,
  content_type,
  cseq,
  from,
  rack,
  require,
  rseq,
  session_expires,
  to,
  user_agent,
  via,
};

/// One header field of those, in place.
struct Field {
  FieldName name;
  bool folded = false;     ///< has line ends in it (RFC 3261 section 7.3.1)
  std::string_view value;  ///< without the white space at both ends
};

/// Request-Line or Status-Line (RFC 3261 sections 7.1, 7.2).
struct StartLine {
  std::uint16_t status = 0;  ///< 0 for a request, else 100 to 699
  std::string_view method;   ///< empty for a response
  std::string_view uri;      ///< the Request-URI, as written; empty for a response
};

/// A message up to its body. Refers to the octets it was read from and is valid as long as they are.
struct Header {
  StartLine start;
  std::vector<Field> fields;  ///< in their order
  std::size_t length = 0;     ///< octets up to the body, line ends before the start line included
  std::optional<std::uint64_t> content_length;  ///< the first one; the largest number when it is larger still
  bool content_length_ambiguous = false;        ///< there are others, of another value
  /// In a stream, every reader finds the end of the message in the same place, even if it is not readable.
  bool end_certain = false;
};

/// Whether more octets may follow those at hand.
enum class Extent : std::uint8_t {
  datagram,  ///< no: a header may end with the datagram, after a complete line, without the empty line
  stream,    ///< yes
};

enum class FrameStatus : std::uint8_t {
  header,      ///< there is one, and what follows it is the body
  need_more,   ///< of a stream: so far so good
  keep_alive,  ///< nothing but CR and LF, in a datagram also NUL, or nothing at all
  not_sip,     ///< the first line is neither a Request-Line nor a Status-Line of any version of SIP
  malformed,   ///< begins as SIP, but what identifies it can't be read
};

/// Where the search for the end of a stream's header has come to.
struct FramingProgress {
  std::size_t searched = 0;  ///< octets in which the header does not end
  bool start_line_read = false;
  std::size_t message = 0;  ///< octets of the whole message, once its header is known
};

/// Finds the header fields of the message that `octets` begin with, in place. `header` is filled for
/// `FrameStatus::header`; its length, Content-Length and `end_certain` for `FrameStatus::malformed` too.
///
/// `progress` is a fresh one for each message; after `need_more` it is to be handed back unchanged, with the
/// same octets and those that came since. So a header costs time linear in its length, however small the
/// pieces are in which it comes.
///
/// Line ends are CRLF, as RFC 3261 says, or LF: some senders and most endpoints take LF alone, so a message
/// may not mean more to them than to us. Line ends before the start line are skipped (section 7.5).
///
/// A header line that can't be read (no colon, a name that is no token, a NUL or a CR by itself in it) is
/// skipped like an unknown field (RFC 3261 section 16.3): readers that stop at a NUL see fewer fields then,
/// but no others. The message is malformed where readers may differ on what identifies it: when they could
/// take such a line for one of Call-ID, CSeq, From, To, Via, Content-Length and Content-Type, or find one in
/// it because a CR ends lines for them; with a line of blanks only, a Content-Length that is no number, more
/// than limits::header_fields fields. A NUL escaped in a quoted string is RFC 3261 grammar. Extra spaces in
/// the start line and at its end are overlooked, as RFC 4475 sections 3.1.2.9 and 3.1.2.10 allow.
FrameStatus read_header(std::string_view octets, Extent extent, FramingProgress& progress, Header& header);

/// The same for a part of a multipart body (RFC 2046 section 5.1.1), which has no start line, and perhaps no
/// fields at all. False where `read_header` says malformed.
bool read_part_header(std::string_view part, Header& header);

/// The value of a field on one line: each fold becomes one space (RFC 3261 section 7.3.1). `scratch` holds it
/// when it had to be copied.
std::string_view unfold(const Field& field, std::string& scratch);

}  // namespace dpinholer::message
