// SPDX-License-Identifier: GPL-2.0-or-later
#include "configuration.h"

#include <filesystem>

namespace dpinholer {

tl::expected<Configuration, std::string> read_configuration(const std::string& named) {
  Configuration read;
  if (!named.empty()) read.file = named;
  std::error_code missing;
  if (named.empty() && !std::filesystem::exists(read.file, missing)) return read;
  const auto text = system::read_config(read.file);
  if (!text) return tl::unexpected(text.error());
  const auto config = system::parse_config(*text, read.file);
  if (!config) return tl::unexpected(config.error());
  read.text = *text;
  read.config = *config;
  return read;
}

}  // namespace dpinholer
