// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "doctor/words.h"
#include "system/escape.h"

namespace dpinholer::doctor {

namespace {

constexpr std::size_t columns = 80;
constexpr std::string_view indent = "    ";

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::warning:
      return "warning";
    case Severity::fault:
      return "fault";
  }
  return "";
}

std::string coloured(std::string_view text, std::string_view code, bool colours) {
  if (!colours) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

// `text` after something that takes `used` columns, broken at blanks; a word longer than a line stays whole.
std::string wrapped(std::string_view text, std::size_t used) {
  std::string lines;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view next = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!first && used + 1 + next.size() > columns) {
      lines += "\n" + std::string(indent);
      used = indent.size();
    } else if (!first) {
      lines += " ";
      ++used;
    }
    lines += next;
    used += next.size();
    first = false;
  }
  return lines;
}

bool changes_rules(const Finding& finding) {
  return finding.mend.find("nft ") != std::string::npos;
}

std::string paragraph(const Finding& finding, bool colours) {
  const std::string_view severity = word(finding.severity);
  std::string text =
      coloured(severity, finding.severity == Severity::fault ? "1;31" : "1;33", colours) + ": ";
  text += wrapped(system::escape(finding.what), severity.size() + 2) + "\n";
  text += std::string(indent) + wrapped(finding.why, indent.size()) + "\n";
  return text + std::string(indent) + "-> " + coloured(system::escape(finding.mend), "1", colours) + "\n\n";
}

}  // namespace

std::size_t count(const Findings& findings, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

std::string text_report(const Facts& facts, const Findings& findings, bool colours) {
  std::string text;
  for (const Finding& finding : findings) text += paragraph(finding, colours);
  const std::string table = system::escape(system::to_string(facts.config.kernel.table));
  if (findings.empty()) {
    return coloured("fine", "1;32", colours) + ": table " + table + ", queue " +
           to_string(facts.config.kernel.queues) + ", and the kernel are as they should be\n";
  }
  text += base::counted(count(findings, Severity::fault), "fault", "faults") + ", " +
          base::counted(count(findings, Severity::warning), "warning", "warnings") + "\n";
  if (std::ranges::any_of(findings, changes_rules)) {
    text += "Commands of nft mend what runs now: change the file that it is loaded from, too.\n";
  }
  return text;
}

std::string json_report(const Facts& facts, const Findings& findings) {
  using Json = nlohmann::ordered_json;
  auto line = [](const Json& object) {
    return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  };
  std::string lines;
  for (const Finding& finding : findings) {
    lines += line({{"finding", finding.id},
                   {"severity", word(finding.severity)},
                   {"what", finding.what},
                   {"why", finding.why},
                   {"mend", finding.mend}});
  }
  return lines + line({{"finding", "summary"},
                       {"table", system::to_string(facts.config.kernel.table)},
                       {"queues", to_string(facts.config.kernel.queues)},
                       {"faults", count(findings, Severity::fault)},
                       {"warnings", count(findings, Severity::warning)}});
}

std::string log_line(const Finding& finding) {
  return system::escape(std::string(word(finding.severity)) + ": " + finding.what + ". " + finding.why +
                        " -> " + finding.mend);
}

}  // namespace dpinholer::doctor
