// SPDX-License-Identifier: GPL-2.0-or-later
#include "exit_status.h"

#include <algorithm>
#include <iostream>

namespace dpinholer {

void complain(const std::string& text) {
  std::cout.flush();
  std::cerr << DPINHOLER_NAME ": " << text << "\n";
}

int failed(ExitStatus status, const std::string& text) {
  complain(text);
  return static_cast<int>(status);
}

int ended(ExitStatus status) {
  if (std::cout.flush()) return static_cast<int>(status);
  return failed(std::max(status, ExitStatus::not_fine),
                "standard output can't be written; give it a place with room");
}

}  // namespace dpinholer
