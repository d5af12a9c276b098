// SPDX-License-Identifier: GPL-2.0-or-later
// Packets to streams to messages. The input is a list of packets: two octets of length, then the packet from
// its IP header on; so that streams come together, the sequence numbers may be written as they are.
#include <cstdlib>

#include "base/bytes.h"
#include "base/limits.h"
#include "pipeline.h"

namespace {

using namespace dpinholer;

PipelineSettings small_settings() {
  PipelineSettings settings;
  settings.streams = {.flows = 8, .buffer = 4096};
  settings.negotiation.tcp = true;
  settings.scanners.well_known = true;
  settings.scanners.failures = 1;
  return settings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pipeline pipeline(small_settings());
  Outcome outcome;
  base::TimePoint now{};
  base::Bytes input(data, size);
  while (input.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(base::read_u16(input.data()), input.size() - 2);
    pipeline.process(input.subspan(2, length), now, outcome);
    input = input.subspan(2 + length);
    now += base::seconds{1};
    pipeline.advance(now, outcome);
    if (!pipeline.consistent()) std::abort();
  }
  return 0;
}
