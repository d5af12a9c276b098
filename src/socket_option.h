// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace dpinholer {

/// The option --socket, where the daemon listens, which has a bound of its own.
void add_socket(CLI::App& command, std::string& socket);

}  // namespace dpinholer
