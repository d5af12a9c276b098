// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dpinholer::system {

/// Text from the wire or the command line, for one line on a terminal: printable ASCII and blanks stay, but a
/// backslash becomes \\ and every other octet \xNN.
std::string escape(std::string_view text);

/// What `escape` was given; nothing when `text` can't have come from it.
std::optional<std::string> unescape(std::string_view text);

}  // namespace dpinholer::system
