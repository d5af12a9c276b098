// SPDX-License-Identifier: GPL-2.0-or-later
// Any octets as a session description, with the usual bounds and with the smallest.
#include <string>

#include "fuzz/check_description.h"

using namespace dpinholer::message;

namespace {

// Line ends mean nothing: the same with CRLF, as far as there was none before.
std::string with_crlf(std::string_view text) {
  std::string changed;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) changed += '\r';
    changed += text[i];
  }
  return changed;
}

bool same(const SessionDescription& one, const SessionDescription& other) {
  if (one.media.size() != other.media.size() || one.bundles != other.bundles) return false;
  for (std::size_t i = 0; i < one.media.size(); ++i) {
    const auto& a = one.media[i];
    const auto& b = other.media[i];
    if (a.profile != b.profile || a.port != b.port || a.connection.address != b.connection.address ||
        a.candidates != b.candidates || a.mid != b.mid || a.setup != b.setup || a.direction != b.direction) {
      return false;
    }
  }
  return one.over_limit == other.over_limit;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const DescriptionLimits usual;
  const auto description = read_session_description(body, usual);
  check(description, usual);
  FUZZ_CHECK(same(description, read_session_description(with_crlf(body), usual)));

  const DescriptionLimits small{.media_sections = 1, .candidates = 1};
  const auto cut = read_session_description(body, small);
  check(cut, small);
  FUZZ_CHECK(!description.over_limit || cut.over_limit);
  return 0;
}
