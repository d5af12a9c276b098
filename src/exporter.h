// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "control/server.h"

namespace dpinholer {

struct ExporterOptions {
  std::string socket = control::default_socket;
  std::string listen;  ///< "127.0.0.1:9260"; empty: the socket that systemd hands over, or metrics.listen
  std::string config;  ///< for metrics.listen; empty: the default file, if it is there
};

/// Serves the daemon's figures over HTTP, at /metrics, until SIGTERM or SIGINT. A program of its own, without
/// any capability: the daemon has no IP socket, and no library that reads HTTP. Returns an exit status.
int run_exporter(const ExporterOptions& options);

}  // namespace dpinholer
