// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "pipeline.h"
#include "system/error.h"

/// What a daemon that stops leaves to the one after it, in its runtime folder: where each TCP connection that
/// carries SIP is. A trunk keeps its connection for weeks, and nothing that merely looks like the beginning
/// of a message may be trusted to be one.
namespace dpinholer::handover {

/// Writes `connections` to `file`, in place of what is there.
tl::expected<void, system::SystemError> leave(const std::filesystem::path& file,
                                              const std::vector<Connection>& connections);

/// Reads at most `most` connections and removes the file, so that nothing is taken twice. No file: none. A
/// file with a line that can't be read is not believed at all: the error names the line.
tl::expected<std::vector<Connection>, std::string> take(const std::filesystem::path& file, std::size_t most);

/// The file for this process: in the folder that systemd gave it ($RUNTIME_DIRECTORY); empty when it gave
/// none.
std::filesystem::path default_file();

}  // namespace dpinholer::handover
