// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "system/config.h"

namespace dpinholer {

inline constexpr const char* default_configuration = "/etc/dpinholer/dpinholer.toml";

/// What the configuration says, and its text, which is what an inspector is given.
struct Configuration {
  std::string file = default_configuration;
  std::string text;
  system::Config config;
};

/// Reads the file that is `named`. Empty: the default one, and the defaults if that is not there. The error
/// is one line that names the file, the line in it and what would be right.
tl::expected<Configuration, std::string> read_configuration(const std::string& named);

}  // namespace dpinholer
