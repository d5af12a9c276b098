// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dpinholer::report {

/// Text from the wire, the command line or ourselves, for the text of an element or a quoted attribute: at
/// most `longest` characters, then an ellipsis. It can't end either: & < > " ' become references. Octets that
/// are no UTF-8 become U+FFFD, as do C1 controls, noncharacters, and what would reorder or hide the text
/// around it; C0 controls and DEL become their pictures (U+2400).
std::string html(std::string_view text, std::size_t longest);
/// With limits::report_text as the longest.
std::string html(std::string_view text);

}  // namespace dpinholer::report
