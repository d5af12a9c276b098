// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

#include "message/session_description.h"

/// Readers of the values of single SDP lines, what stands after "m=", "c=" or "a=name:". Nothing comes back
/// from one that can't be read; such a line is to be skipped.
namespace dpinholer::message {

/// RFC 8866 section 5.14: media, port, number of ports and profile. A missing format is overlooked.
std::optional<MediaDescription> read_media_line(std::string_view value);

/// RFC 8866 section 5.7. Never `Kind::absent`.
std::optional<Connection> read_connection(std::string_view value);

/// RFC 3605 section 2.1. One whose address is a name can't be read.
std::optional<RtcpAttribute> read_rtcp(std::string_view value);

/// RFC 4145 section 4.
std::optional<Setup> read_setup(std::string_view value);

/// RFC 8839 section 5.1, RFC 6544 section 4.5. One whose address is a name can't be read.
std::optional<Candidate> read_candidate(std::string_view value);

}  // namespace dpinholer::message
