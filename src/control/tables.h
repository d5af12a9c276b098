// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The answers of the control socket (lines.h) for people. Lines that can't be read, or that lack something,
/// make empty cells. Text from the wire is escaped (system/escape.h).
namespace dpinholer::control {

struct Look {
  std::size_t width = 0;  ///< columns of the terminal; 0: as many as it takes
  bool colours = false;
  bool sorted = true;  ///< oldest first; else in the order given
};

/// A row for each line; where lines have rates (top.h) these are shown. What does not fit is cut from the
/// Call-IDs. Lines end with LF.
std::string calls_table(const std::vector<std::string>& lines, const Look& look);
std::string pinholes_table(const std::vector<std::string>& lines, const Look& look);
std::string status_text(std::string_view line, const Look& look);
/// One line. The time is the local one.
std::string event_text(std::string_view line, const Look& look);

/// "59s", "4m58s", "2h03m", "3d04h"
std::string duration_text(double seconds);

}  // namespace dpinholer::control
