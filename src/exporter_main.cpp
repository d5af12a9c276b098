// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of `dpinholer-exporter`.
#include <exception>
#include <new>
#include <string>

#include <CLI/CLI.hpp>

#include "exit_status.h"
#include "exporter.h"
#include "socket_option.h"
#include "system/escape.h"

using dpinholer::ended;
using dpinholer::ExitStatus;
using dpinholer::failed;
using dpinholer::system::escape;

int main(int argc, char** argv) try {
  CLI::App app("Serves the figures of dpinholer to Prometheus, at /metrics.", "dpinholer-exporter");
  app.set_version_flag("--version", "dpinholer-exporter " DPINHOLER_VERSION);
  dpinholer::ExporterOptions options;
  app.add_option("--listen", options.listen,
                 "Where to listen, 127.0.0.1:9260 (metrics.listen of the configuration, if none is given)")
      ->type_name("ADDR:PORT");
  app.add_option("--config", options.config, "Configuration file")->type_name("FILE");
  dpinholer::add_socket(app, options.socket);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return ended(ExitStatus::fine);
  } catch (const CLI::ParseError& error) {
    return failed(ExitStatus::usage, escape(error.what()) + "; see dpinholer-exporter --help");
  }
  return run_exporter(options);
} catch (const std::bad_alloc&) {
  return failed(ExitStatus::not_fine, "there is no memory left; let it have more");
} catch (const std::exception& error) {
  return failed(ExitStatus::not_fine, escape(error.what()));
}
