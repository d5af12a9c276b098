// SPDX-License-Identifier: GPL-2.0-or-later
// The program itself, as a shell sees it: exit status, standard output, standard error.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/capture_file.h"
#include "support/content.h"
#include "system/descriptor.h"

namespace dpinholer {
namespace {

const std::string pcaps = std::string(DPINHOLER_SOURCE_DIR) + "/pcaps/";

struct Result {
  int status = -1;
  std::string out;
  std::string error;
};

Result run(const std::string& words) {
  const test::TemporaryFile errors("", "stderr");
  const std::string command = words + " 2>" + errors.path();
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

Result dpinholer(const std::string& arguments) {
  return run(std::string(DPINHOLER_PROGRAM) + " " + arguments);
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

TEST(Command, AnInterfaceStandsForNothingInAReplay) {
  const std::string no_interfaces =
      "dpinholer: a replay has no interfaces: ppp0, eth0 in inside-networks stands for nothing; name the "
      "addresses of that time instead\n";
  const std::string captures = pcaps + "trex__sip_0.pcap " + pcaps + "trex__sip_0.pcap";
  const test::TemporaryFile config("[sides]\ninside-networks = [\"ppp0\", \"22.0.0.0/8\", \"eth0\"]\n");
  const test::TemporaryFile networks("[sides]\ninside-networks = [\"22.0.0.0/8\"]\n", "networks");
  const Result result = dpinholer("replay --config " + config.path() + " " + captures);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.error, no_interfaces) << "said once";
  EXPECT_EQ(result.out, dpinholer("replay --config " + networks.path() + " " + captures).out);
  const test::TemporaryFile alone("[sides]\ninside-networks = [\"ppp0\", \"eth0\"]\n", "alone");
  EXPECT_EQ(dpinholer("replay --config " + alone.path() + " " + captures).error, no_interfaces + no_sides);
}

TEST(Command, LimitsOfTheConfigurationReachTheStreams) {
  const std::string capture = pcaps + "arkime__gtp-iphone.decapsulated.pcap";  // its INVITE comes over TCP
  const test::TemporaryFile config("[limits]\ntcp-buffer = 1024\n");
  EXPECT_NE(dpinholer("replay --format json " + capture).out.find("\"opened\":4,"), std::string::npos);
  const Result result = dpinholer("replay --format json --config " + config.path() + " " + capture);
  EXPECT_NE(result.out.find("\"opened\":0,"), std::string::npos) << result.out;
}

struct Case {
  std::string arguments;
  int status;
  std::string error;  // how the last line of standard error begins
  std::string program = "dpinholer";
};

void expect_complaint(const Case& c) {
  Result result = dpinholer(c.arguments);
  EXPECT_EQ(result.status, c.status) << c.arguments;
  EXPECT_EQ(result.out, "") << c.arguments;
  if (result.error.rfind(no_sides, 0) == 0) result.error.erase(0, no_sides.size());
  EXPECT_EQ(result.error.rfind(c.program + ": " + c.error, 0), 0U) << c.arguments << "\n" << result.error;
  EXPECT_EQ(result.error.find('\n'), result.error.size() - 1) << result.error;
}

TEST(Command, SaysInOneLineWhatIsWrong) {
  const test::TemporaryFile config("[media]\nport = 1\n", "config");
  const test::TemporaryFile no_capture("not a capture", "capture");
  const std::string capture = pcaps + "trex__sip_0.pcap";
  const test::TemporaryFile foreign(test::PcapBytes(127).bytes(), "foreign");
  const Case cases[] = {
      {"", 2, "a command is missing: there are run, replay, check, "},
      {"''", 2, "a command is missing: "},
      {"'call\ns'", 2, "call\\x0as is no command: there are run, "},
      {"--colour", 2, "--colour is no command: "},
      {"replay", 2, "FILE is required; see dpinholer replay --help"},
      {"replay --colour " + capture, 2,
       "The following argument was not expected: --colour; see dpinholer replay --help"},
      {"status calls", 2, "The following argument was not expected: calls; see dpinholer status --help"},
      {"close", 2, "CALL-ID is required; see dpinholer close --help"},
      {"top --interval 0", 2, "--interval: Value 0 not in range 1 to 60; see dpinholer top --help"},
      {"top </dev/null", 2, "top needs a terminal; without one there are calls and pinholes"},
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
      {"replay - </dev/null", 2, "-: truncated dump file; "},
      {"replay /", 2, "/: error reading dump file: Is a directory; name a pcap or pcapng file"},
      {"replay " + foreign.path(), 2,
       foreign.path() + ": link type 127 (IEEE802_11_RADIO) is not read; capture on Ethernet, "},
  };
  for (const Case& c : cases) expect_complaint(c);
}

TEST(Command, NamesTheConfigurationThatIsWrong) {
  const test::TemporaryFile config("[media]\nport = 1\n", "config");
  std::map<std::string, std::string> commands{
      {"run", "dpinholer"}, {"check", "dpinholer"}, {"check --preflight", "dpinholer"}};
#ifdef DPINHOLER_EXPORTER
  commands["exporter"] = "dpinholer-exporter";
#endif
  for (const auto& [command, program] : commands) {
    const Case cases[] = {
        {command + " --config /nonexistent", 2,
         "/nonexistent: No such file or directory; name a configuration file that can be read", program},
        {command + " --config /", 2, "/: Is a directory; name a configuration file that can be read",
         program},
        {command + " --config /dev/zero", 2,
         "/dev/zero: too long for a configuration file; right would be at most 131072 octets", program},
        {command + " --config " + config.path(), 2, config.path() + ":2: unknown key port; ", program},
    };
    for (const Case& c : cases) expect_complaint(c);
  }
}

TEST(Command, SaysWhichDaemonDoesNotAnswer) {
  const test::TemporaryFile no_socket("");
  for (const std::string command : {"status", "calls", "pinholes", "events", "events --follow", "close x"}) {
    const Case cases[] = {
        {command + " --socket /nonexistent", 3,
         "/nonexistent: No such file or directory; is the daemon running? systemctl status dpinholer tells"},
        {command + " --socket " + no_socket.path(), 3,
         no_socket.path() + ": Connection refused; is the daemon running? "},
        {command + " --socket ''", 2, "--socket: right would be a path of 1 to 107 octets; see dpinholer "},
        {command + " --socket " + std::string(108, 'a'), 2,
         "--socket: right would be a path of 1 to 107 octets; see dpinholer "},
    };
    for (const Case& c : cases) expect_complaint(c);
  }
}

// It takes a connection that waits, and ends.
TEST(Command, SaysThatTheDaemonHasEnded) {
  const std::string path = testing::TempDir() + "dpinholer-ended." + std::to_string(getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const system::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(socket.get(), 1), 0);
  std::thread daemon([&] {
    const system::Descriptor client(accept(socket.get(), nullptr, nullptr));
    std::array<char, 256> request{};
    (void)!read(client.get(), request.data(), request.size());
  });
  expect_complaint({"status --socket " + path, 3, path + ": Connection reset by peer; the daemon has ended"});
  daemon.join();
  unlink(path.c_str());
}

#ifdef DPINHOLER_EXPORTER
TEST(Command, SaysWhereTheExporterCantListen) {
  const system::Descriptor taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(taken.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(taken.get(), 1), 0);
  ASSERT_EQ(getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const std::string exporter = "dpinholer-exporter";
  const Case cases[] = {
      {"exporter --config /dev/null", 2,
       "nowhere to listen; say --listen 127.0.0.1:9260, or set listen in [metrics]", exporter},
      {"exporter --listen nowhere", 2,
       "--listen nowhere is no address and port; right would be 127.0.0.1:9260", exporter},
      {"exporter --listen " + where, 2,
       "can't listen at " + where + ": Address already in use; name another place with --listen", exporter},
      {"exporter --listen 192.0.2.1:9260", 2,
       "can't listen at 192.0.2.1:9260: Cannot assign requested address; name another place with --listen",
       exporter},
      {"exporter status", 2, "The following argument was not expected: status; see dpinholer-exporter --help",
       exporter},
      {"exporter --socket ''", 2,
       "--socket: right would be a path of 1 to 107 octets; see dpinholer-exporter --help", exporter},
  };
  for (const Case& c : cases) expect_complaint(c);
}

TEST(Command, TheExporterIsAProgramOfItsOwn) {
  const std::string exporter = std::string(DPINHOLER_PROGRAM) + "-exporter ";
  for (const std::string& option : {std::string("--help"), std::string("--version")}) {
    const Result result = run(exporter + option);
    EXPECT_EQ(result.status, 0) << result.error;
    EXPECT_NE(result.out.find("dpinholer-exporter "), std::string::npos) << result.out;
    EXPECT_EQ(dpinholer("exporter " + option).out, result.out);
    EXPECT_EQ(run(exporter + option + " >/dev/full").status, 1);
  }
}
#endif

// `dpinholer` alone in a folder, where another program stands in for the exporter.
class Alone : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "alone.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::copy_file(DPINHOLER_PROGRAM, folder_ / "dpinholer");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result exporter(const std::string& arguments) const {
    return run((folder_ / "dpinholer").string() + " exporter" + arguments);
  }

  std::filesystem::path beside() const { return folder_ / "dpinholer-exporter"; }

 private:
  std::filesystem::path folder_;
};

TEST_F(Alone, TheExporterGetsAllArguments) {
  std::ofstream(beside()) << "#!/bin/sh\necho \"$0 $#\"\nfor word; do echo \"$word\"; done\nexit 7\n";
  std::filesystem::permissions(beside(), std::filesystem::perms::owner_all);
  const Result result = exporter(" --listen '' run --help --version -- -x --json=1 'a b' exporter");
  EXPECT_EQ(result.out,
            beside().string() + " 10\n--listen\n\nrun\n--help\n--version\n--\n-x\n--json=1\na b\nexporter\n");
  EXPECT_EQ(result.status, 7) << result.error;
  EXPECT_EQ(exporter("").out, beside().string() + " 0\n");
}

TEST_F(Alone, SaysWhichPackageTheExporterIsIn) {
  for (const char* arguments : {"", " --listen 127.0.0.1:9260", " --help"}) {
    const Result result = exporter(arguments);
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.error,
              "dpinholer: " + beside().string() +
                  ": No such file or directory; install the package dpinholer-exporter (dpinholer-exporter_*.deb), "
                  "or build it with libmicrohttpd and -DDPINHOLER_EXPORTER=ON\n");
  }
  std::ofstream(beside()) << "";
  EXPECT_EQ(exporter("").error,
            "dpinholer: " + beside().string() + ": Permission denied; see that it may be executed\n");
}

#ifndef DPINHOLER_TOP
TEST(Command, TopIsNotInThisBuild) {
  for (const char* options : {"", " --interval 1", " --help"}) {
    expect_complaint({std::string("top") + options, 2,
                      "top is not in this build of dpinholer; build it with ncurses and "
                      "-DDPINHOLER_TOP=ON\n"});
  }
  EXPECT_EQ(dpinholer("--help").out.find("  top"), std::string::npos);
}
#endif

TEST(Command, TheVersionSaysWhatTheBuildIsWithout) {
  std::string without;
#ifndef DPINHOLER_SYSTEMD
  without += ", systemd";
#endif
#ifndef DPINHOLER_TOP
  without += ", top";
#endif
  const std::string version = dpinholer("--version").out;
  const auto at = version.find(" without ");
  EXPECT_EQ(at == std::string::npos ? "" : "," + version.substr(at + 8),
            without.empty() ? "" : without + "\n");
}

TEST(Command, ACaptureThatBreaksOffIsToldAndNotFine) {
  const std::string whole = test::content_of(pcaps + "trex__sip_0.pcap");
  const test::TemporaryFile cut(std::string_view(whole).substr(0, whole.size() - 1));
  const Result result = dpinholer("replay --format json " + cut.path() + " /nonexistent");
  EXPECT_EQ(result.status, 2) << "the worst of both";
  EXPECT_EQ(dpinholer("replay " + cut.path()).status, 1);
  EXPECT_NE(result.out.find("\"event\":\"summary\",\"packets\":6,"), std::string::npos) << result.out;
  EXPECT_NE(result.error.find("damaged after frame 6: "), std::string::npos) << result.error;
  EXPECT_NE(result.error.find("/nonexistent: "), std::string::npos) << result.error;
}

TEST(Command, OutputThatCannotBeWrittenIsNotFine) {
  const std::string capture = pcaps + "trex__sip_0.pcap";
  for (const std::string& arguments :
       {"replay " + capture, "replay --format json " + capture, "replay --format html " + capture,
        std::string("--version"), std::string("replay --help")}) {
    expect_complaint(
        {arguments + " >/dev/full", 1, "standard output can't be written; give it a place with room"});
  }
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
