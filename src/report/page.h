// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "report/story.h"

/// One HTML page that needs nothing else: no network, no script; its Content-Security-Policy allows neither,
/// should text from the wire ever get out of its place.
namespace dpinholer::report {

/// All before the first story, its titles naming `file`.
std::string page_begin(std::string_view file);
/// The `number`th story of the page, from 1 on.
std::string page_part(const Story& story, std::size_t number);
std::string page_end();

}  // namespace dpinholer::report
