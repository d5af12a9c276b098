// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include <tl/expected.hpp>

#include "system/descriptor.h"
#include "system/error.h"

namespace dpinholer::control {

using system::Descriptor;

/// A Unix stream socket connected to `path`.
tl::expected<Descriptor, system::SystemError> connect_to(const std::filesystem::path& path);

/// One that listens there, non-blocking, mode 0660. Replaces a socket that nobody listens on; EADDRINUSE when
/// somebody does.
tl::expected<Descriptor, system::SystemError> listen_at(const std::filesystem::path& path);

}  // namespace dpinholer::control
