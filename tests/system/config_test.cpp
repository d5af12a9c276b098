// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>

#include "support/capture_file.h"

namespace dpinholer::system {
namespace {

using base::seconds;
using pinhole::PortRange;

Config parsed(const std::string& text) {
  auto config = parse_config(text, "x.toml");
  EXPECT_TRUE(config) << config.error();
  return config.value_or(Config{});
}

std::string error_of(const std::string& text) {
  auto config = parse_config(text, "x.toml");
  return config ? "no error" : config.error();
}

base::Network network(const char* text) {
  return base::Network::parse(text).value();
}

TEST(Config, AnEmptyFileIsTheDefault) {
  EXPECT_EQ(parsed(""), Config{});
  EXPECT_EQ(
      parsed(
          "# "
          "nothing\n[kernel]\n[media]\n[sides]\n[timeouts]\n[limits]\n[signalling]\n[scanners]\n[metrics]\n"),
      Config{});
}

// The defaults stand in the code and in the file that is shipped: taking every # off a key changes nothing.
TEST(Config, TheShippedFileNamesEveryKeyWithItsDefault) {
  std::ifstream in(std::string(DPINHOLER_SOURCE_DIR) + "/etc/dpinholer.toml");
  ASSERT_TRUE(in);
  std::string commented;
  std::string all;
  std::set<std::string> keys;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    commented += line + "\n";
    if (line.rfind('[', 0) == 0) section = line.substr(1, line.find(']') - 1);
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    if (key) keys.insert(section + "." + line.substr(1, line.find(' ') - 1));
    all += (key ? line.substr(1) : line) + "\n";
  }
  EXPECT_EQ(parsed(commented), Config{});
  EXPECT_EQ(parsed(all), Config{});
  EXPECT_EQ(keys.size(), 46U);
}

TEST(Config, EachKeyChangesWhatItSays) {
  struct Case {
    const char* text;
    std::function<void(Config&)> expected;
  };
  const Case cases[] = {
      {"[kernel]\ntable = \"ip my-table_2\"",
       [](Config& c) {
         c.kernel.table = {"ip", "my-table_2"};
       }},
      {"[kernel]\nqueues = \"7\"",
       [](Config& c) {
         c.kernel.queues = {7, 7};
       }},
      {"[kernel]\nqueues = \"0-65535\"",
       [](Config& c) {
         c.kernel.queues = {0, 65535};
       }},
      {"[kernel]\nqueue-length = 1", [](Config& c) { c.kernel.queue_length = 1; }},
      {"[kernel]\npatience = 5000", [](Config& c) { c.kernel.patience = std::chrono::milliseconds{5000}; }},
      {"[kernel]\nfail-open = false", [](Config& c) { c.kernel.fail_open = false; }},
      {"[kernel]\nobserve = true", [](Config& c) { c.kernel.observe = true; }},
      {"[kernel]\non-stop = \"flush\"", [](Config& c) { c.kernel.flush_on_stop = true; }},
      {"[media]\nsource = \"any\"", [](Config& c) { c.policy.bind_to_peer = false; }},
      {"[media]\nbefore-answer = \"closed\"", [](Config& c) { c.negotiation.open_before_answer = false; }},
      {"[media]\nlocal = true", [](Config& c) { c.policy.local = true; }},
      {"[media]\nports = \"10000-20000\"",
       [](Config& c) {
         c.policy.ports = {10000, 20000};
       }},
      {"[media]\nrefuse-ports = [5060, \"6000-6010\", \"1\"]",
       [](Config& c) {
         c.policy.refuse_ports = {{5060, 5060}, {6000, 6010}, {1, 1}};
       }},
      {"[media]\nrefuse-networks = [\"198.51.100.0/24\", \"2001:db8::1\"]",
       [](Config& c) {
         c.policy.refuse_networks = {network("198.51.100.0/24"), network("2001:db8::1")};
       }},
      {"[media]\nnetworks = [\"198.51.100.0/24\", \"2001:db8::1\"]",
       [](Config& c) {
         c.policy.networks = {network("198.51.100.0/24"), network("2001:db8::1")};
       }},
      {"[media]\nice = \"ignore\"", [](Config& c) { c.descriptions.ice = false; }},
      {"[media]\nsame-side = \"configured\"",
       [](Config& c) { c.policy.same_side = pinhole::SameSide::configured; }},
      {"[media]\nsame-side = \"off\"", [](Config& c) { c.policy.same_side = pinhole::SameSide::off; }},
      {"[media]\ntcp = true", [](Config& c) { c.negotiation.tcp = true; }},
      {"[media]\nhold = \"narrow\"", [](Config& c) { c.negotiation.hold_narrow = true; }},
      {"[media]\noffload = \"use\"", [](Config& c) { c.offload = true; }},
      {"[sides]\ninside-networks = [\"192.0.2.0/24\"]",
       [](Config& c) { c.policy.inside_networks = {network("192.0.2.0/24")}; }},
      {"[sides]\ninside-networks = [\"ppp0\", \"203.0.113.1\", \"2001:db8::1\", \"br-wan.7\"]",
       [](Config& c) {
         c.policy.inside_networks = {network("203.0.113.1"), network("2001:db8::1")};
         c.policy.inside_addresses_of = {"ppp0", "br-wan.7"};
       }},
      {"[sides]\ninside-interfaces = [\"eth1\", \"br-lan.7\"]",
       [](Config& c) {
         c.policy.inside_interfaces = {"eth1", "br-lan.7"};
       }},
      {"[timeouts]\nearly = 60", [](Config& c) { c.negotiation.early = seconds(60); }},
      {"[timeouts]\nmedia-idle = 31536000", [](Config& c) { c.negotiation.media_idle = seconds(31536000); }},
      {"[timeouts]\nheld = 7200", [](Config& c) { c.negotiation.held = seconds(7200); }},
      {"[timeouts]\ngrace = 30", [](Config& c) { c.negotiation.grace = seconds(30); }},
      {"[timeouts]\nterminating = 1", [](Config& c) { c.negotiation.terminating = seconds(1); }},
      {"[timeouts]\nmax-call = 0", [](Config& c) { c.negotiation.max_call = seconds(0); }},
      {"[limits]\ncalls = 5", [](Config& c) { c.negotiation.calls = 5; }},
      {"[limits]\ncalls-per-source = 10", [](Config& c) { c.negotiation.calls_per_source = 10; }},
      {"[limits]\nipv6-prefix = 48", [](Config& c) { c.negotiation.ipv6_prefix = 48; }},
      {"[limits]\npinholes-per-call = 8", [](Config& c) { c.negotiation.pinholes_per_call = 8; }},
      {"[limits]\nmedia-sections = 2", [](Config& c) { c.descriptions.media_sections = 2; }},
      {"[limits]\ncandidates = 0", [](Config& c) { c.descriptions.candidates = 0; }},
      {"[limits]\ntcp-flows = 3", [](Config& c) { c.streams.flows = 3; }},
      {"[limits]\ntcp-buffer = 1024", [](Config& c) { c.streams.buffer = 1024; }},
      {"[signalling]\nmalformed = \"drop\"", [](Config& c) { c.drop_malformed = true; }},
      {"[signalling]\nnot-sip = \"drop\"", [](Config& c) { c.drop_not_sip = true; }},
      {"[scanners]\nuser-agents = [\"sipcli\"]", [](Config& c) { c.scanners.user_agents = {"sipcli"}; }},
      {"[scanners]\nfrom = [\"evil\"]", [](Config& c) { c.scanners.from = {"evil"}; }},
      {"[scanners]\nrequest-uris = [\"sip:nm@\"]", [](Config& c) { c.scanners.request_uris = {"sip:nm@"}; }},
      {"[scanners]\nwell-known = true", [](Config& c) { c.scanners.well_known = true; }},
      {"[scanners]\ndrop = true", [](Config& c) { c.scanners.drop = true; }},
      {"[scanners]\nfailures = 20", [](Config& c) { c.scanners.failures = 20; }},
      {"[scanners]\nnever = [\"203.0.113.0/24\"]",
       [](Config& c) { c.scanners.never = {network("203.0.113.0/24")}; }},
      {"[scanners]\nban = 60", [](Config& c) { c.scanners.ban = seconds(60); }},
      {"[metrics]\nlisten = \"127.0.0.1:9260\"",
       [](Config& c) {
         c.metrics = base::Endpoint{base::Address::v4({127, 0, 0, 1}), 9260};
       }},
      {"[metrics]\nlisten = \"[::1]:9260\"",
       [](Config& c) {
         c.metrics = base::Endpoint{*base::Address::parse("::1"), 9260};
       }},
      {"media.tcp = true  # dotted keys are TOML too", [](Config& c) { c.negotiation.tcp = true; }},
  };
  for (const auto& c : cases) {
    Config expected;
    c.expected(expected);
    EXPECT_NE(expected, Config{}) << c.text;
    EXPECT_EQ(parsed(c.text), expected) << c.text;
  }
}

TEST(Config, ABadValueOfEachKeyIsRefusedWithItsLine) {
  struct Case {
    const char* section;
    const char* key;
    std::vector<const char*> values;
  };
  const Case cases[] = {
      {"kernel",
       "table",
       {"1", "\"\"", "\"filter\"", "\"inet \"", "\"netdev x\"", "\"inet 1x\"", "\"inet a b\"",
        "\"inet a;b\""}},
      {"kernel", "queues", {"0", "\"\"", "\"-1\"", "\"3-0\"", "\"0-65536\"", "\"0-\"", "\"0x1\"", "\" 0\""}},
      {"kernel", "patience", {"0", "-1", "5001", "\"100\"", "1.5"}},
      {"kernel", "queue-length", {"0", "-1", "900001", "\"4096\"", "1.5"}},
      {"kernel", "fail-open", {"1", "\"true\""}},
      {"kernel", "observe", {"0"}},
      {"kernel", "on-stop", {"true", "\"Keep\"", "\"\""}},
      {"media", "source", {"\"all\""}},
      {"media", "before-answer", {"\"close\""}},
      {"media", "local", {"\"no\""}},
      {"media", "ports", {"1024", "\"1023-2000\"", "\"2000-1999\"", "\"1024-65536\"", "\"any\""}},
      {"media",
       "refuse-ports",
       {"5060", "[0]", "[65536]", "[-1]", "[\"6010-6000\"]", "[\"\"]", "[1.0]", "[[1]]"}},
      {"media", "refuse-networks", {"\"192.0.2.0/24\"", "[\"192.0.2.1/24\"]", "[\"host\"]", "[1]"}},
      {"media", "networks", {"\"192.0.2.0/24\"", "[\"192.0.2.1/24\"]", "[\"host\"]", "[\"ppp0\"]", "[1]"}},
      {"media", "ice", {"true", "\"off\"", "\"\""}},
      {"media", "same-side", {"true", "\"routes\""}},
      {"media", "tcp", {"\"yes\""}},
      {"media", "hold", {"\"wide\""}},
      {"media", "offload", {"true", "\"all\""}},
      {"sides",
       "inside-networks",
       {"\"\"", "\"ppp0\"", "[\"2001:db8::1/32\"]", "[\"192.0.2.1/24\"]", "[\"\"]", "[1]",
        "[\"sixteen-octets-x\"]", "[\"a/b\"]", "[\"a b\"]", "[\"2001:db8:1\"]", "[\"192.0.2\"]",
        "[\"192.0.2.256\"]", "[\"..\"]"}},
      {"sides",
       "inside-interfaces",
       {"\"eth1\"", "[\"\"]", "[\"sixteen-octets-x\"]", "[\"a/b\"]", "[\"a b\"]"}},
      {"timeouts", "early", {"0", "-1", "31536001", "\"180\"", "180.0"}},
      {"timeouts", "media-idle", {"0"}},
      {"timeouts", "held", {"0", "31536001"}},
      {"timeouts", "grace", {"-1", "31", "\"20\"", "2.5"}},
      {"timeouts", "terminating", {"0"}},
      {"timeouts", "max-call", {"-1", "31536001"}},
      {"limits", "calls", {"0", "100000001", "9223372036854775807"}},
      {"limits", "calls-per-source", {"-1"}},
      {"limits", "ipv6-prefix", {"0", "129", "\"/64\""}},
      {"limits", "pinholes-per-call", {"0", "4097"}},
      {"limits", "media-sections", {"0", "1025"}},
      {"limits", "candidates", {"-1", "4097"}},
      {"limits", "tcp-flows", {"0"}},
      {"limits", "tcp-buffer", {"1023", "16777217"}},
      {"signalling", "malformed", {"\"reject\""}},
      {"signalling", "not-sip", {"\"reject\"", "true"}},
      {"scanners",
       "user-agents",
       {"\"sipcli\"", "[\"\"]", "[1]",
        "[\"0123456789012345678901234567890123456789012345678901234567890123x\"]"}},
      {"scanners", "from", {"\"sipcli\"", "[\"\"]"}},
      {"scanners", "request-uris", {"1", "[\"\"]"}},
      {"scanners", "well-known", {"1"}},
      {"scanners", "drop", {"\"yes\""}},
      {"scanners", "failures", {"-1", "1.5"}},
      {"scanners", "never", {"\"10.0.0.0/8\"", "[\"10.0.0.1/8\"]", "[\"example.com\"]"}},
      {"scanners", "ban", {"0"}},
      {"metrics",
       "listen",
       {"9260", "\"localhost:9260\"", "\"127.0.0.1\"", "\"127.0.0.1:0\"", "\"::1:9260\"",
        "\"[127.0.0.1]:9260\"", "\"127.0.0.1:65536\"", "\":9260\"", "\"[]:1\""}},
  };
  for (const auto& c : cases) {
    for (const char* value : c.values) {
      const std::string text = "# one\n[" + std::string(c.section) + "]\n\n" + c.key + " = " + value + "\n";
      const std::string error = error_of(text);
      EXPECT_EQ(error.rfind("x.toml:4: bad value of " + std::string(c.key) + "; right would be ", 0), 0U)
          << text << error;
    }
  }
  EXPECT_EQ(std::size(cases), 46U);
}

TEST(Config, SaysInOneLineWhatIsWrongAndWhatWouldBeRight) {
  const std::pair<const char*, const char*> cases[] = {
      {"[media]\nports = 5",
       "x.toml:2: bad value of ports; right would be a range of ports from 1024 on, \"1024-65535\""},
      {"[media]\nport = 5",
       "x.toml:2: unknown key port; the keys of [media] are source, before-answer, local, ports, "
       "refuse-ports, "
       "refuse-networks, networks, ice, same-side, tcp, hold, offload"},
      {"[media]\n\"a\\nb\" = 5",
       "x.toml:2: unknown key a\\x0ab; the keys of [media] are source, before-answer, local, ports, "
       "refuse-ports, "
       "refuse-networks, networks, ice, same-side, tcp, hold, offload"},
      {"\n[medai]\nports = 5",
       "x.toml:2: unknown section or key outside a section medai; the sections are kernel, media, sides, "
       "timeouts, "
       "limits, signalling, scanners, metrics"},
      {"table = \"inet filter\"",
       "x.toml:1: unknown section or key outside a section table; the sections are kernel, media, sides, "
       "timeouts, "
       "limits, signalling, scanners, metrics"},
      {"media = 1", "x.toml:1: media is a section; right would be a line [media]"},
      {"[[media]]\ntcp = true", "x.toml:1: media is a section; right would be a line [media]"},
      // Of several the first in the file, whatever their names.
      {"[sides]\ninside-networks = 1\n[kernel]\ntable = 1",
       "x.toml:2: bad value of inside-networks; right would be a list of networks without host bits, and of "
       "interfaces for the addresses that they have, [\"192.0.2.0/24\", \"2001:db8::/32\", \"ppp0\"]"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(error_of(text), expected);

  for (const char* text :
       {"[media", "[media]\ntcp =", "[media]\ntcp = true\ntcp = false", "\xff", "a = \"\x01\""}) {
    const std::string error = error_of(text);
    EXPECT_EQ(error.rfind("x.toml:", 0), 0U) << error;
    EXPECT_NE(error.find(": no TOML: "), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(Config, IsReadFromAFile) {
  const test::TemporaryFile file("[timeouts]\nearly = 20\n");
  Config expected;
  expected.negotiation.early = seconds(20);
  EXPECT_EQ(load_config(file.path()), expected);
  EXPECT_EQ(load_config("/nonexistent.toml").error(),
            "/nonexistent.toml: No such file or directory; name a configuration file that can be read");
  EXPECT_EQ(load_config("/").error(), "/: Is a directory; name a configuration file that can be read");
}

TEST(Config, PortListsAreRangesWithCommas) {
  const std::vector<PortRange> expected{{5060, 5060}, {5062, 5064}};
  EXPECT_EQ(parse_port_list("5060,5062-5064"), expected);
  for (const char* bad : {"", ",", "5060,", "0", "5060, 5061", "a", "5-4", "65536", "1--2", "-1"}) {
    EXPECT_FALSE(parse_port_list(bad)) << bad;
  }
}

}  // namespace
}  // namespace dpinholer::system
