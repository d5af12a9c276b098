// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/process.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace dpinholer::system {

std::uint64_t resident_octets(int process) {
  const std::string name = process == 0 ? "self" : std::to_string(process);
  std::ifstream file("/proc/" + name + "/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  if (!(file >> all >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

sigset_t block_signals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

}  // namespace dpinholer::system
