// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace dpinholer::test {

/// Octets of a pcap file (little endian): link types as in the file format, times as seconds and a fraction.
class PcapBytes {
 public:
  static constexpr std::uint32_t microseconds = 0xa1b2c3d4;
  static constexpr std::uint32_t nanoseconds = 0xa1b23c4d;

  explicit PcapBytes(std::uint32_t link_type, std::uint32_t magic = microseconds) {
    for (std::uint32_t field : {magic, 2U | 4U << 16, 0U, 0U, 262144U, link_type}) u32(field);
  }

  PcapBytes& frame(std::uint32_t second, std::uint32_t fraction, const std::vector<std::uint8_t>& octets) {
    const auto size = static_cast<std::uint32_t>(octets.size());
    for (std::uint32_t field : {second, fraction, size, size}) u32(field);
    bytes_.append(octets.begin(), octets.end());
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void u32(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(value >> shift);
  }

  std::string bytes_;
};

/// A file that is there as long as this object; its name is the test's own.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content, const std::string& name = "file") {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string(info->test_suite_name()) + "." + info->name() + "." + name);
    std::ofstream out(path_, std::ios::binary);
    out << content;
    if (!out.flush()) throw std::runtime_error("can't write " + path_.string());
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace dpinholer::test
