// SPDX-License-Identifier: GPL-2.0-or-later
// The include rule of the source tree: a folder includes itself and the folders before it in the data path,
// and nothing before system/ touches a clock, the environment, a socket or a log.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// In the order of the data path; pipeline and the programs around it are files of src/ itself.
constexpr std::array<std::string_view, 8> folders{"base", "ip", "message", "negotiation",
                                                  "pinhole", "scanners", "system", "control"};
constexpr std::size_t system_rank = 6;
constexpr std::size_t pipeline_rank = 5;  // src/pipeline.*: everything but system/
constexpr std::size_t program_rank = 8;   // daemon, replay, main, ...: everything

// What only system/ and the programs may use.
const std::regex outside_world(
    R"(\b(std::chrono::(system|steady|high_resolution)_clock|gettimeofday|clock_gettime|time\(|getenv|setenv)"
    R"(|socket\(|sendto|recvfrom|std::(cout|cerr|clog)|printf\(|syslog|spdlog|std::random_device|rand\()"
    R"(|std::(i|o)?fstream|fopen)\b)");

std::size_t rank_of(const fs::path& file, const fs::path& root) {
  const fs::path relative = fs::relative(file, root);
  const std::string first = relative.begin()->string();
  for (std::size_t rank = 0; rank < folders.size(); ++rank) {
    if (first == folders[rank]) return rank;
  }
  return relative.stem() == "pipeline" ? pipeline_rank : program_rank;
}

std::vector<fs::path> sources(const fs::path& root) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".h" || extension == ".cpp") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Every breach in `file` as "file:line: why".
std::vector<std::string> breaches(const fs::path& file, const fs::path& root) {
  static const std::regex include(R"re(^\s*#\s*include\s*"([^"/]+)(/?)[^"]*")re");
  static const std::regex osip(R"(^\s*#\s*include\s*<osip)");
  const std::size_t rank = rank_of(file, root);
  std::vector<std::string> found;
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string where = fs::relative(file, root).string() + ":" + std::to_string(number) + ": ";
    std::smatch match;
    if (std::regex_search(line, match, include)) {
      const std::string target = match[2].length() > 0 ? match[1].str() + "/x.h" : match[1].str();
      if (rank_of(root / target, root) > rank) found.push_back(where + "includes a later folder: " + line);
    }
    if (std::regex_search(line, osip) && fs::relative(file, root) != "message/sip_message.cpp") {
      found.push_back(where + "libosip2 belongs in message/sip_message.cpp alone");
    }
    const std::string code = line.substr(0, line.find("//"));
    if (rank < system_rank && std::regex_search(code, outside_world)) {
      found.push_back(where + "touches the outside world: " + line);
    }
  }
  return found;
}

TEST(Layering, EachFolderIncludesOnlyItselfAndFoldersBeforeIt) {
  const fs::path root = fs::path(DPINHOLER_SOURCE_DIR) / "src";
  const auto files = sources(root);
  ASSERT_GT(files.size(), 10U);
  for (const auto& file : files) {
    for (const auto& breach : breaches(file, root)) ADD_FAILURE() << breach;
  }
}

TEST(Layering, ABreachIsNoticed) {
  const fs::path root = fs::path(testing::TempDir()) / "layering";
  fs::create_directories(root / "base");
  std::ofstream(root / "base" / "bad.h") << "#include \"system/log.h\"\nint now = time(nullptr);\n#include <osip2/osip.h>\n";
  EXPECT_EQ(breaches(root / "base" / "bad.h", root).size(), 3U);
  fs::remove_all(root);
}

}  // namespace
