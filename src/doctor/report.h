// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "doctor/finding.h"

namespace dpinholer::doctor {

/// For a person: a paragraph of at most 80 columns for each finding and a last line that counts them; a
/// command longer than that stays whole. Everything is escaped (system/escape.h).
std::string text_report(const Facts& facts, const Findings& findings, bool colours);

/// For a machine: one JSON object a line for each finding, and a last one with `"finding":"summary"`.
std::string json_report(const Facts& facts, const Findings& findings);

/// For a log: one line, escaped.
std::string log_line(const Finding& finding);

std::size_t count(const Findings& findings, Severity severity);

}  // namespace dpinholer::doctor
