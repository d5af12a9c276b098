// SPDX-License-Identifier: GPL-2.0-or-later
// Any octets as lines on the control socket: to the daemon as requests, and to those who ask it as answers.
#include <algorithm>
#include <string>
#include <vector>

#include "base/limits.h"
#include "control/request.h"
#include "control/tables.h"
#include "fuzz/check.h"

using namespace dpinholer;
using namespace dpinholer::control;

namespace {

void check_text(std::string_view text, bool lines) {
  FUZZ_CHECK(std::all_of(text.begin(), text.end(),
                         [&](char c) { return (c >= ' ' && c <= '~') || (lines && c == '\n'); }));
}

void check_request(std::string_view line) {
  const auto request = parse_request(line);
  if (!request) {
    check_text(request.error(), false);
    FUZZ_CHECK(!request.error().empty() && request.error().size() < 200);
    return;
  }
  FUZZ_CHECK(line.size() <= base::limits::request_length);
  const std::string again = to_line(*request);
  FUZZ_CHECK(again.ends_with('\n') && std::count(again.begin(), again.end(), '\n') == 1);
  // Escapes make a Call-ID longer than it may be in a request.
  if (again.size() > base::limits::request_length) return;
  const auto same = parse_request(std::string_view(again).substr(0, again.size() - 1));
  FUZZ_CHECK(same && *same == *request);
}

void check_answers(const std::vector<std::string>& lines) {
  const Look look{.width = 80};
  check_text(calls_table(lines, look), true);
  check_text(pinholes_table(lines, look), true);
  for (const auto& line : lines) {
    check_text(status_text(line, look), true);
    check_text(event_text(line, look), true);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines;
  while (!rest.empty() && lines.size() < 8) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const auto& line : lines) check_request(line);
  check_answers(lines);
  return 0;
}
