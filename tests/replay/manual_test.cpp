// SPDX-License-Identifier: GPL-2.0-or-later
// dpinholer(8), dpinholer-exporter(8) and the completions of shells have every command and option that the programs' own
// help has.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "support/content.h"

namespace dpinholer {
namespace {

std::string help_of(const std::string& command) {
  std::FILE* pipe = popen((std::string(DPINHOLER_PROGRAM) + " " + command + " --help").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> block{};
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), size);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

using Names = std::set<std::string>;

Names all(const std::string& text, const std::string& expression) {
  const std::regex pattern(expression);
  Names names;
  for (std::sregex_iterator i(text.begin(), text.end(), pattern), end; i != end; ++i) names.insert((*i)[1]);
  return names;
}

// Each command with its options.
using Commands = std::map<std::string, Names>;

Commands of_the_program() {
  const std::string help = help_of("");
  const auto at = help.find("Subcommands:");
  EXPECT_NE(at, std::string::npos) << help;
  Commands commands;
  for (const std::string& name : all(help.substr(at), "\n  ([a-z]+) "))
    commands[name] = all(help_of(name), "\n  (?:-[a-z],)?--([a-z-]+)");
  return commands;
}

TEST(Manual, SynopsisHasEveryCommandWithItsOptions) {
  const std::string manual = test::source_file("man/dpinholer.8");
  const std::string synopsis = manual.substr(manual.find(".Sh SYNOPSIS"),
                                             manual.find(".Sh DESCRIPTION") - manual.find(".Sh SYNOPSIS"));
  Commands described;
  std::string command;
  std::istringstream lines(synopsis);
  for (std::string line; std::getline(lines, line);) {
    if (line == ".Nm") command.clear();
    if (line.starts_with(".Cm ")) described[command = line.substr(4)] = {"help"};
    if (command.empty()) continue;
    for (const std::string& option : all(line, "(?:Fl|\\|) -([a-z-]+)")) described[command].insert(option);
  }
  const Commands commands = of_the_program();
  EXPECT_GT(commands.size(), 7U);
  EXPECT_EQ(described, commands);
}

TEST(Manual, EveryCommandAndOptionIsExplained) {
  const std::string manual = test::source_file("man/dpinholer.8");
  for (const auto& [command, options] : of_the_program()) {
    EXPECT_TRUE(std::regex_search(manual, std::regex("\n\\.It Cm " + command + "\\b"))) << command;
    for (const std::string& option : options) {
      if (option == "help") continue;
      EXPECT_TRUE(std::regex_search(manual, std::regex("\n\\.It .*(Fl|, ) ?-" + option + "\\b"))) << option;
    }
  }
}

TEST(Manual, TheExportersHasEveryOption) {
  const std::string manual = test::source_file("man/dpinholer-exporter.8");
  const Names options = of_the_program()["exporter"];
  EXPECT_EQ(options.size(), 5U);
  EXPECT_EQ(all(manual, "\n\\.It Fl -([a-z-]+)"), options);
  EXPECT_EQ(all(manual.substr(0, manual.find(".Sh DESCRIPTION")), "(?:Fl|\\|) -([a-z-]+)"), options);
}

TEST(Manual, BashCompletesEveryCommandAndOption) {
  const std::string completion = test::source_file("completions/dpinholer.bash");
  const std::regex entry(R"(\n    ([a-z|' ]+)\) words='([^']*)' ;;)");
  Commands completed;
  Names first;
  for (std::sregex_iterator i(completion.begin(), completion.end(), entry), end; i != end; ++i) {
    const std::string words = (*i)[2];
    if ((*i)[1] == "''") first = all(words, "([^ ]+)");
    for (const std::string& command : all((*i)[1], "([a-z]+)"))
      completed[command] = all(words, "--([a-z-]+)");
  }
  const Commands commands = of_the_program();
  EXPECT_EQ(completed, commands);
  Names expected{"--help", "--version"};
  for (const auto& [command, options] : commands) expected.insert(command);
  EXPECT_EQ(first, expected);
}

TEST(Manual, ZshCompletesEveryCommandAndOption) {
  const std::string completion = test::source_file("completions/_dpinholer");
  const Commands commands = of_the_program();
  Names names;
  Names options{"version"};
  for (const auto& [command, of_it] : commands) {
    names.insert(command);
    options.insert(of_it.begin(), of_it.end());
    EXPECT_TRUE(std::regex_search(completion, std::regex("\n    ([a-z |]+ )?" + command + "( [a-z |]+)?\\)")))
        << command;
  }
  EXPECT_EQ(all(completion, "\n    '([a-z]+):"), names);
  EXPECT_EQ(all(completion, "--([a-z-]+)"), options);
}

}  // namespace
}  // namespace dpinholer
