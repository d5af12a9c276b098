// SPDX-License-Identifier: GPL-2.0-or-later
#include "run_command.h"

#include <linux/capability.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <utility>

#include "daemon.h"
#include "exit_status.h"
#include "inspector_launcher.h"
#include "inspector_process.h"
#include "settings.h"
#include "system/config.h"
#include "system/error.h"
#include "system/log.h"
#include "system/sandbox.h"

namespace dpinholer {

namespace {

constexpr std::array gatekeeper_capabilities{CAP_NET_ADMIN};

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
  InspectorLauncher launcher(
      [&](system::Channel channel) { serve_as_inspector(std::move(channel), pipeline_settings(*config)); });
  if (!launcher.shortcomings().empty()) {
    system::log::info("this system lets the process that reads SIP have " + launcher.shortcomings() +
                      "; its system call filter confines it all the same");
  }
  system::sandbox::keep_capabilities(gatekeeper_capabilities);
  InspectorProcess inspector(launcher, CrashFolder(CrashFolder::default_folder()));
  Daemon daemon(*config, inspector, options.socket);
  system::sandbox::confine_gatekeeper();
  daemon.run([&] { check_again(options.config, *config); });
  return static_cast<int>(ExitStatus::fine);
} catch (const system::KernelError& error) {
  return failed(ExitStatus::unreachable, error.what());
}

}  // namespace dpinholer
