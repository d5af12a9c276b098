// SPDX-License-Identifier: GPL-2.0-or-later
// A call of real parties and a stranger who knows all of it: nothing of theirs closes or widens.
#include <cstdio>
#include <cstdlib>

#include "pipeline/attacked_calls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using dpinholer::test::Naming;
  for (const Naming naming : {Naming::own_ports, Naming::ports_of_the_parties}) {
    const std::string fault = dpinholer::test::run_attacked_calls({data, size}, naming);
    if (fault.empty()) continue;
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
