// SPDX-License-Identifier: GPL-2.0-or-later
#include "run_command.h"

#include <filesystem>
#include <iostream>

#include "daemon.h"
#include "exit_status.h"
#include "system/config.h"
#include "system/error.h"
#include "system/log.h"

namespace dpinholer {

namespace {

int failed(ExitStatus status, const std::string& text) {
  std::cerr << "dpinholer: " << text << "\n";
  return static_cast<int>(status);
}

tl::expected<system::Config, std::string> read_config(const std::string& named) {
  if (!named.empty()) return system::load_config(named);
  std::error_code missing;
  if (!std::filesystem::exists(default_configuration, missing)) return system::Config{};
  return system::load_config(default_configuration);
}

// Settings of a running daemon don't change yet; what SIGHUP can do is to say whether the file is right.
void check_again(const std::string& named, const system::Config& running) {
  const auto config = read_config(named);
  if (!config) {
    system::log::error(config.error() + "; the settings stay as they are");
  } else if (*config != running) {
    system::log::warning("the configuration has changed and is right: it takes effect at the next start");
  } else {
    system::log::info("the configuration has not changed");
  }
}

}  // namespace

int run_command(const RunOptions& options) try {
  const auto config = read_config(options.config);
  if (!config) return failed(ExitStatus::usage, config.error());
  Daemon daemon(*config);
  daemon.run([&] { check_again(options.config, *config); });
  return static_cast<int>(ExitStatus::fine);
} catch (const system::KernelError& error) {
  return failed(ExitStatus::unreachable, error.what());
}

}  // namespace dpinholer
