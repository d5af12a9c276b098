// SPDX-License-Identifier: GPL-2.0-or-later
// A sequence of messages through the whole pipeline: after each, what is open is exactly what some call
// wants.
#include <cstdio>
#include <cstdlib>

#include "pipeline/random_calls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string fault = dpinholer::test::run_random_calls({data, size});
  if (!fault.empty()) {
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
