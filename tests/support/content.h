// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace dpinholer::test {

/// The octets of a file, which is to have some.
inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(in), {});
  EXPECT_FALSE(content.empty()) << file;
  return content;
}

/// Of a file of the repository, named from its root.
inline std::string source_file(const std::filesystem::path& name) {
  return content_of(DPINHOLER_SOURCE_DIR / name);
}

}  // namespace dpinholer::test
