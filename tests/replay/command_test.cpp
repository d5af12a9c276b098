// SPDX-License-Identifier: GPL-2.0-or-later
// The program itself, as a shell sees it: exit status, standard output, standard error.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "support/capture_file.h"

namespace dpinholer {
namespace {

const std::string pcaps = std::string(DPINHOLER_SOURCE_DIR) + "/pcaps/";

struct Result {
  int status = -1;
  std::string out;
  std::string error;
};

Result dpinholer(const std::string& arguments) {
  const test::TemporaryFile errors("", "stderr");
  const std::string command = std::string(DPINHOLER_PROGRAM) + " " + arguments + " 2>" + errors.path();
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  Result result;
  std::array<char, 4096> block{};
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe))
    result.out.append(block.data(), size);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream in(errors.path());
  result.error.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  return result;
}

const std::string no_sides =
    "dpinholer: no side check is made; a configuration with inside-networks in [sides] would make one\n";

TEST(Command, PrintsJsonForMachinesAndTextForPeople) {
  const Result json = dpinholer("replay --format json " + pcaps + "trex__sip_0.pcap");
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(json.out.rfind("{\"time\":0.000000,\"event\":\"open\",", 0), 0U) << json.out;
  EXPECT_NE(json.out.find("\"event\":\"summary\",\"packets\":7,"), std::string::npos) << json.out;
  EXPECT_EQ(json.error, no_sides);
  const Result text = dpinholer("replay " + pcaps + "trex__sip_0.pcap");
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.out.find("  summary: 7 packets, "), std::string::npos) << text.out;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Command, MakesOnePageOfAllFiles) {
  const Result page = dpinholer("replay --format html " + pcaps + "trex__sip_0.pcap " + pcaps +
                                "michalcab-isa__audio-video.pcap");
  EXPECT_EQ(page.status, 0);
  EXPECT_EQ(page.out.rfind("<!DOCTYPE html>\n", 0), 0U) << page.out.substr(0, 100);
  EXPECT_EQ(count(page.out, "<title>"), 1U);
  EXPECT_EQ(count(page.out, "<h1>"), 2U);
  EXPECT_EQ(count(page.out, "id=\"s1c1\""), 1U);
  EXPECT_EQ(count(page.out, "id=\"s2c1\""), 1U);
  EXPECT_EQ(count(page.out, "</html>"), 1U);
  EXPECT_NE(page.out.find("<b>78 packets</b>"), std::string::npos);
  EXPECT_EQ(page.out.find(pcaps), std::string::npos)
      << "who gets the page need not know where the capture was";
  EXPECT_EQ(page.error, no_sides);
}

TEST(Command, ACaptureFullOfMalformedSipIsFine) {
  const Result result = dpinholer("replay --format json " + pcaps + "zeek__invalid-content-length.pcap");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.out.find("\"malformed\":2,"), std::string::npos) << result.out;
}

TEST(Command, ReplaysEachFileByItself) {
  const Result result =
      dpinholer("replay --format json " + pcaps + "trex__sip_0.pcap " + pcaps + "trex__sip_0.pcap");
  const Result once = dpinholer("replay --format json " + pcaps + "trex__sip_0.pcap");
  EXPECT_EQ(result.out, once.out + once.out);
  EXPECT_EQ(result.error, no_sides) << "said once";
}

TEST(Command, ReadsStandardInput) {
  const Result result = dpinholer("replay - <" + pcaps + "trex__sip_0.pcap");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, dpinholer("replay " + pcaps + "trex__sip_0.pcap").out);
}

TEST(Command, SidesOfTheConfigurationCount) {
  const test::TemporaryFile config("[sides]\ninside-networks = [\"22.0.0.0/8\"]\n");
  const Result result = dpinholer("replay --config " + config.path() + " " + pcaps + "trex__sip_0.pcap");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.error, "");
  const test::TemporaryFile off("[media]\nsame-side = \"off\"\n", "off");
  EXPECT_EQ(dpinholer("replay --config " + off.path() + " " + pcaps + "trex__sip_0.pcap").error, "");
}

TEST(Command, LimitsOfTheConfigurationReachTheStreams) {
  const std::string capture = pcaps + "arkime__gtp-iphone.decapsulated.pcap";  // its INVITE comes over TCP
  const test::TemporaryFile config("[limits]\ntcp-buffer = 1024\n");
  EXPECT_NE(dpinholer("replay --format json " + capture).out.find("\"opened\":4,"), std::string::npos);
  const Result result = dpinholer("replay --format json --config " + config.path() + " " + capture);
  EXPECT_NE(result.out.find("\"opened\":0,"), std::string::npos) << result.out;
}

TEST(Command, SaysInOneLineWhatIsWrong) {
  const test::TemporaryFile config("[media]\nport = 1\n", "config");
  const test::TemporaryFile no_capture("not a capture", "capture");
  const std::string capture = pcaps + "trex__sip_0.pcap";
  struct Case {
    std::string arguments;
    int status;
    std::string error;  // how the last line of standard error begins
  };
  const Case cases[] = {
      {"", 2, "A subcommand is required; see dpinholer --help"},
      {"replay", 2, "FILE is required; see dpinholer --help"},
      {"replay --colour " + capture, 2,
       "The following argument was not expected: --colour; see dpinholer --help"},
      {"replay --format xml " + capture, 2, "--format xml is not known; right would be text, json or html"},
      {"replay --format html /nonexistent", 2,
       "/nonexistent: No such file or directory; name a pcap or pcapng file"},
      {"replay --sip-ports 0 " + capture, 2,
       "--sip-ports 0 is no list of ports; right would be 5060,5062-5064"},
      {"replay --config /nonexistent " + capture, 2,
       "/nonexistent: No such file or directory; name a configuration"},
      {"replay --config " + config.path() + " " + capture, 2, config.path() + ":2: unknown key port; "},
      {"replay /nonexistent", 2, "/nonexistent: No such file or directory; name a pcap or pcapng file"},
      {"replay " + no_capture.path(), 2,
       no_capture.path() + ": unknown file format; name a pcap or pcapng file"},
      {"replay - </dev/null", 2, "-: "},
  };
  for (const auto& c : cases) {
    Result result = dpinholer(c.arguments);
    EXPECT_EQ(result.status, c.status) << c.arguments;
    EXPECT_EQ(result.out, "") << c.arguments;
    if (result.error.rfind(no_sides, 0) == 0) result.error.erase(0, no_sides.size());
    EXPECT_EQ(result.error.rfind("dpinholer: " + c.error, 0), 0U) << c.arguments << "\n" << result.error;
    EXPECT_EQ(result.error.find('\n'), result.error.size() - 1) << result.error;
  }
}

TEST(Command, ACaptureThatBreaksOffIsToldAndNotFine) {
  std::ifstream in(pcaps + "trex__sip_0.pcap", std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const test::TemporaryFile cut(std::string_view(whole).substr(0, whole.size() - 1));
  const Result result = dpinholer("replay --format json " + cut.path() + " /nonexistent");
  EXPECT_EQ(result.status, 2) << "the worst of both";
  EXPECT_EQ(dpinholer("replay " + cut.path()).status, 1);
  EXPECT_NE(result.out.find("\"event\":\"summary\",\"packets\":6,"), std::string::npos) << result.out;
  EXPECT_NE(result.error.find("damaged after frame 6: "), std::string::npos) << result.error;
  EXPECT_NE(result.error.find("/nonexistent: "), std::string::npos) << result.error;
}

TEST(Command, OutputThatCannotBeWrittenIsNotFine) {
  const Result result = dpinholer("replay " + pcaps + "trex__sip_0.pcap >/dev/full");
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.error.find("standard output can't be written"), std::string::npos) << result.error;
}

TEST(Command, HelpAndVersionAreFine) {
  EXPECT_EQ(dpinholer("--version").status, 0);
  EXPECT_EQ(dpinholer("--version").out.rfind("dpinholer ", 0), 0U);
  EXPECT_EQ(dpinholer("--help").status, 0);
  const Result help = dpinholer("replay --help");
  EXPECT_EQ(help.status, 0);
  for (const char* option : {"--config", "--format", "--sip-ports", "FILE"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace dpinholer
