// SPDX-License-Identifier: GPL-2.0-or-later
#include "run_command.h"

#include <linux/capability.h>

#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "configuration.h"
#include "daemon.h"
#include "exit_status.h"
#include "inspector_launcher.h"
#include "inspector_process.h"
#include "settings.h"
#include "system/config.h"
#include "system/error.h"
#include "system/escape.h"
#include "system/log.h"
#include "system/sandbox.h"

namespace dpinholer {

namespace {

constexpr std::array gatekeeper_capabilities{CAP_NET_ADMIN};

// The calls that are up go on: the next inspector takes their pinholes over as after a restart.
void reload(const std::string& named, Configuration& running, InspectorProcess& inspector, Daemon& daemon) {
  const auto read = read_configuration(named);
  if (!read) return system::log::error(read.error() + "; the settings stay as they are");
  if (read->config == running.config) return system::log::info("the configuration has not changed");
  const bool needs_restart = read->config.kernel != running.config.kernel;
  running = *read;
  inspector.replace(running.text);
  daemon.reconfigure(running.config);
  system::log::info("the configuration has been reloaded");
  if (needs_restart) system::log::warning("what [kernel] says takes effect at the next start");
}

// "the system refused: fork: Resource temporarily unavailable; ..."
std::string refused_by_system(const std::system_error& error) {
  return "the system refused: " + system::escape(error.what()) +
         std::string(system::remedy(error.code().value()));
}

}  // namespace

int run_command(const RunOptions& options) try {
  auto configuration = read_configuration(options.config);
  if (!configuration) return failed(ExitStatus::usage, configuration.error());
  InspectorLauncher launcher;
  if (!launcher.shortcomings().empty()) {
    system::log::info("this system lets the process that reads SIP have " + launcher.shortcomings() +
                      "; its system call filter confines it all the same");
  }
  system::sandbox::keep_capabilities(gatekeeper_capabilities);
  InspectorProcess inspector(launcher, CrashFolder(CrashFolder::default_folder()), configuration->text);
  Daemon daemon(configuration->config, inspector, options.socket);
  system::sandbox::confine_gatekeeper();
  daemon.run([&] { reload(options.config, *configuration, inspector, daemon); });
  return static_cast<int>(ExitStatus::fine);
} catch (const std::system_error& error) {
  return failed(ExitStatus::unreachable, refused_by_system(error));
}

void inspect_as_ordered(system::Channel& channel, const std::string& order) {
  PipelineSettings settings = pipeline_settings(system::parse_config(order, "order").value());
  settings.queued = true;
  serve_as_inspector(channel, std::move(settings));
}

}  // namespace dpinholer
