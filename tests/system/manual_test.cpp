// SPDX-License-Identifier: GPL-2.0-or-later
// dpinholer.toml(5) has every section and key that the parser knows, with the default that etc/dpinholer.toml
// has (config_test holds that against the code), and no other.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/content.h"
#include "system/config.h"

namespace dpinholer::system {
namespace {

// What the parser says that it knows: "...; the keys of [x] are a, b, c".
std::vector<std::string> names_in_error(const std::string& wrong, const std::string& before) {
  const auto config = parse_config(wrong, "file");
  EXPECT_FALSE(config) << wrong;
  std::vector<std::string> names;
  if (config) return names;
  const auto at = config.error().find(before);
  EXPECT_NE(at, std::string::npos) << config.error();
  static const std::regex name("[a-z0-9-]+");
  const std::string list = config.error().substr(at + before.size());
  for (std::sregex_iterator i(list.begin(), list.end(), name), end; i != end; ++i) names.push_back(i->str());
  return names;
}

// "section.key" to its default, as mdoc has it.
using Defaults = std::map<std::string, std::string>;

Defaults of_the_parser() {
  static const std::regex line("#([a-z0-9-]+) = (\"[^\"]*\"|\\[.*?\\]|\\S+).*");
  Defaults shipped;
  std::string section;
  std::istringstream file(test::source_file("etc/dpinholer.toml"));
  for (std::string text; std::getline(file, text);) {
    std::smatch match;
    if (text.starts_with("[")) section = text.substr(1, text.find(']') - 1);
    if (!std::regex_match(text, match, line)) continue;
    std::string value = match[2];
    if (value.starts_with("\""))
      value = "Qq" + std::string(value.size() > 2 ? " " : "") + value.substr(1, value.size() - 2);
    shipped[section + "." + match[1].str()] = value;
  }
  Defaults defaults;
  for (const std::string& name : names_in_error("[x]\n", "the sections are ")) {
    for (const std::string& key :
         names_in_error("[" + name + "]\nx = 1\n", "the keys of [" + name + "] are "))
      defaults[name + "." + key] = shipped[name + "." + key];
  }
  return defaults;
}

Defaults of_the_manual() {
  static const std::regex head(R"(\.Ss \[([a-z]+)\])");
  static const std::regex quote(R"(\\\(dq)");
  static const std::regex item(R"(\.It Cm ([a-z0-9-]+) No = (.+))");
  Defaults defaults;
  std::string section;
  std::istringstream file(test::source_file("man/dpinholer.toml.5"));
  for (std::string text; std::getline(file, text);) {
    std::smatch match;
    if (std::regex_match(text, match, head)) section = match[1];
    if (std::regex_match(text, match, item))
      defaults[section + "." + match[1].str()] = std::regex_replace(match[2].str(), quote, "\"");
  }
  return defaults;
}

TEST(Manual, HasEveryKeyOfTheConfigurationWithItsDefault) {
  const Defaults parser = of_the_parser();
  EXPECT_GT(parser.size(), 30U);
  EXPECT_EQ(of_the_manual(), parser);
}

}  // namespace
}  // namespace dpinholer::system
