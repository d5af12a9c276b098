// SPDX-License-Identifier: GPL-2.0-or-later
// Any octets as a configuration file: either settings within their bounds, or one line that says what is
// wrong.
#include <algorithm>

#include "fuzz/check.h"
#include "system/config.h"

using namespace dpinholer;
using namespace dpinholer::system;

namespace {

void check(const Config& config) {
  FUZZ_CHECK(config.kernel.queues.first <= config.kernel.queues.last);
  FUZZ_CHECK(config.kernel.queue_length > 0);
  FUZZ_CHECK(!config.kernel.table.name.empty());
  FUZZ_CHECK(config.negotiation.early >= base::seconds{1});
  FUZZ_CHECK(config.negotiation.media_idle >= base::seconds{1});
  FUZZ_CHECK(config.negotiation.max_call >= base::seconds{0});
  FUZZ_CHECK(config.negotiation.calls > 0);
  for (const auto& range : config.policy.refuse_ports) FUZZ_CHECK(range.first <= range.last);
}

void check(const std::string& error) {
  FUZZ_CHECK(error.starts_with("x.toml:"));
  FUZZ_CHECK(error.size() < 1000);
  FUZZ_CHECK(std::all_of(error.begin(), error.end(), [](char c) { return c >= ' ' && c != '\x7f'; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = parse_config(text, "x.toml");
  if (config) {
    check(*config);
  } else {
    check(config.error());
  }
  FUZZ_CHECK(config == parse_config(text, "x.toml"));
  return 0;
}
