// SPDX-License-Identifier: GPL-2.0-or-later
// The program as it was built has what makes a fault of memory hard to use (cmake/hardening.cmake).
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <regex>
#include <stdexcept>
#include <string>

namespace {

std::string readelf(const std::string& options) {
  const std::string command = "LC_ALL=C readelf -W " + options + " " + DPINHOLER_PROGRAM;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> block{};
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), size);
  EXPECT_EQ(pclose(pipe), 0) << command << ": is binutils installed?";
  return text;
}

bool has(const std::string& text, const char* expression) {
  return std::regex_search(text, std::regex(expression));
}

TEST(Hardening, TheProgramLiesAtAnotherPlaceEachTime) {
  EXPECT_TRUE(has(readelf("--file-header"), "Type: +DYN "));
  EXPECT_TRUE(has(readelf("--dynamic"), "\\(FLAGS_1\\) .*\\bPIE\\b"));
}

TEST(Hardening, NothingOverwritesItsPointersToFunctionsOfLibraries) {
  EXPECT_TRUE(has(readelf("--program-headers"), "GNU_RELRO"));
  EXPECT_TRUE(has(readelf("--dynamic"), "\\(FLAGS_1\\) .*\\bNOW\\b|BIND_NOW"));
}

TEST(Hardening, ItsStackIsNotExecutable) {
  EXPECT_TRUE(has(readelf("--program-headers"), "GNU_STACK .* RW +0x"));
}

TEST(Hardening, FunctionsNoticeThatTheirStackWasOverwritten) {
  EXPECT_TRUE(has(readelf("--dyn-syms"), "\\b__stack_chk_fail\\b"));
}

#if defined(__GLIBC__) && defined(DPINHOLER_OPTIMISED)
TEST(Hardening, FunctionsOfTheLibraryKnowTheEndOfWhatTheyWriteTo) {
  EXPECT_TRUE(has(readelf("--dyn-syms"), "\\b__[a-z]+_chk\\b"));
}
#endif

}  // namespace
