// SPDX-License-Identifier: GPL-2.0-or-later
// `dpinholer run --config FILE` in one process and without a sandbox: for valgrind, which a sandbox stops,
// and as what the two processes are measured against.
#include <iostream>

#include "control/server.h"
#include "daemon.h"
#include "inspector.h"
#include "settings.h"
#include "system/config.h"

int main(int argc, char** argv) try {
  using namespace dpinholer;
  if (argc != 4) return 2;
  const auto config = system::load_config(argv[3]);
  if (!config) throw std::runtime_error(config.error());
  Inspector inspector(pipeline_settings(*config));
  Daemon(*config, inspector, control::default_socket).run([] {});
  return 0;
} catch (const std::exception& error) {
  std::cerr << "one_process: " << error.what() << "\n";
  return 1;
}
