// SPDX-License-Identifier: GPL-2.0-or-later
// The programs as they were built have what makes a fault of memory hard to use (cmake/hardening.cmake).
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <regex>
#include <stdexcept>
#include <string>

namespace {

const char* const programs[] = {
    "dpinholer",
#ifdef DPINHOLER_EXPORTER
    "dpinholer-exporter",
#endif
};

std::string readelf(const std::string& options, const std::string& program) {
  const std::string command = "LC_ALL=C readelf -W " + options + " " + DPINHOLER_FOLDER + "/" + program;
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

void expect_in_all(const std::string& options, const char* expression) {
  for (const char* program : programs) EXPECT_TRUE(has(readelf(options, program), expression)) << program;
}

TEST(Hardening, TheProgramLiesAtAnotherPlaceEachTime) {
  expect_in_all("--file-header", "Type: +DYN ");
  expect_in_all("--dynamic", "\\(FLAGS_1\\) .*\\bPIE\\b");
}

TEST(Hardening, NothingOverwritesItsPointersToFunctionsOfLibraries) {
  expect_in_all("--program-headers", "GNU_RELRO");
  expect_in_all("--dynamic", "\\(FLAGS_1\\) .*\\bNOW\\b|BIND_NOW");
}

TEST(Hardening, ItsStackIsNotExecutable) {
  expect_in_all("--program-headers", "GNU_STACK .* RW +0x");
}

TEST(Hardening, FunctionsNoticeThatTheirStackWasOverwritten) {
  expect_in_all("--dyn-syms", "\\b__stack_chk_fail\\b");
}

#if defined(__GLIBC__) && defined(DPINHOLER_OPTIMISED)
TEST(Hardening, FunctionsOfTheLibraryKnowTheEndOfWhatTheyWriteTo) {
  expect_in_all("--dyn-syms", "\\b__[a-z]+_chk\\b");
}
#endif

// `dpinholer` is the daemon too, which reads no HTTP.
TEST(Hardening, OnlyTheExporterHasTheLibraryForHttp) {
  EXPECT_FALSE(has(readelf("--dynamic", "dpinholer"), "\\[libmicrohttpd\\."));
#ifdef DPINHOLER_EXPORTER
  EXPECT_TRUE(has(readelf("--dynamic", "dpinholer-exporter"), "\\[libmicrohttpd\\."));
#endif
}

}  // namespace
