// SPDX-License-Identifier: GPL-2.0-or-later
#include "scanners/signs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/address.h"

namespace dpinholer::scanners {
namespace {

std::string found(const Settings& settings, const message::Introduction& introduction) {
  message::SipMessage message;
  message.introduction = introduction;
  const Signs signs(settings);
  const auto sign = signs.find(message);
  return sign ? std::string(name(sign->cause)) + " " + std::string(sign->text) : "nothing";
}

Settings with_user_agents(std::vector<std::string> texts) {
  Settings settings;
  settings.user_agents = std::move(texts);
  return settings;
}

TEST(Signs, AreLookedForInTheirField) {
  Settings settings;
  settings.user_agents = {"SipCli"};
  settings.from = {"evil"};
  settings.request_uris = {"sip:100@"};
  struct Row {
    message::Introduction introduction;
    const char* expected;
  };
  const Row rows[] = {
      {{"sipcli/v1.8", "<sip:a@b>", "sip:b@c"}, "user-agent sipcli"},
      {{"My SIPCLI", "<sip:a@b>", "sip:b@c"}, "user-agent sipcli"},
      {{"phone", "\"Evil\" <sip:a@b>;tag=1", "sip:b@c"}, "from evil"},
      {{"phone", "<sip:a@b>", "SIP:100@c"}, "request-uri sip:100@"},
      {{"phone", "<sip:sipcli@b>", "sip:evil@c"}, "nothing"},
      {{"sipcl", "<sip:a@b>", "sip:10@c"}, "nothing"},
      {{"", "", ""}, "nothing"},
  };
  for (const Row& row : rows) EXPECT_EQ(found(settings, row.introduction), row.expected);
}

TEST(Signs, FirstOfSeveral) {
  EXPECT_EQ(found(with_user_agents({"one", "two"}), {"two one", "", ""}), "user-agent one");
}

TEST(Signs, WellKnownOnesAreOffByDefault) {
  const message::Introduction sipvicious{"friendly-scanner", "\"sipvicious\"<sip:100@1.1.1.1>", "sip:100@x"};
  EXPECT_EQ(found({}, sipvicious), "nothing");
  Settings settings;
  settings.well_known = true;
  EXPECT_EQ(found(settings, sipvicious), "user-agent friendly-scanner");
  EXPECT_EQ(found(settings, {"changed", sipvicious.from, sipvicious.uri}), "from sipvicious");
  EXPECT_EQ(found(settings, {"VaxSIPUserAgent/3.5", "", ""}), "user-agent vaxsipuseragent");
}

TEST(Signs, WellKnownOnesStandInTheManual) {
  std::ifstream in(std::string(DPINHOLER_SOURCE_DIR) + "/man/dpinholer.toml.5");
  const std::string manual{std::istreambuf_iterator<char>(in), {}};
  const auto from = manual.find(".It Cm well-known");
  const std::string explained = manual.substr(from, manual.find(".It", from + 1) - from);
  for (const auto& texts : {well_known_user_agents(), well_known_from()}) {
    for (const std::string& text : texts) EXPECT_NE(explained.find(text), std::string::npos) << text;
  }
}

// What phones and servers in the field call themselves.
TEST(Signs, WellKnownOnesAreNotInHonestUserAgents) {
  Settings settings;
  settings.well_known = true;
  for (const char* user_agent : {"Asterisk PBX 20.5.0",
                                 "FPBX-16.0.40(18.20)",
                                 "FreeSWITCH-mod_sofia/1.10.11-release",
                                 "kamailio (5.7.2 (x86_64/linux))",
                                 "Cisco-SIPGateway/IOS-16.12.4",
                                 "Cisco-CP8841/14.2.1",
                                 "Yealink SIP-T46S 66.86.0.15",
                                 "PolyEdge-E350-UA/8.1.1",
                                 "snomD785/10.1.152.12",
                                 "Grandstream GXP2170 1.0.11.64",
                                 "Microsoft.PSTNHub.SIPProxy v.2024.1.9.2",
                                 "Linphone-Desktop/5.2",
                                 "Zoiper v2.10.20.4",
                                 "MicroSIP/3.21.3",
                                 "PJSUA v2.13 Linux",
                                 "sipsak 0.9.8.1",
                                 "SIPp",
                                 "FRITZ!OS",
                                 "3CXPhoneSystem 18.0.9.20",
                                 "baresip v3.6.0",
                                 "JsSIP 3.10.0",
                                 "SIP.js/0.21.2",
                                 "AVM FRITZ!Box 7590",
                                 "Gigaset N510 IP PRO/42.250",
                                 "Mitel SIP",
                                 "OpenSIPS (3.4.2 (x86_64/linux))"}) {
    EXPECT_EQ(found(settings, {user_agent, "\"Alice\" <sip:alice@example.com>", "sip:bob@example.com"}),
              "nothing")
        << user_agent;
  }
}

TEST(ScannerSettings, PrivateAddressesAreSparedByDefault) {
  const Settings settings;
  auto spared = [&](const char* address) { return is_spared(*base::Address::parse(address), settings); };
  for (const char* address : {"10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.1", "fd00::1"})
    EXPECT_TRUE(spared(address)) << address;
  for (const char* address : {"11.0.0.1", "172.32.0.1", "192.169.0.1", "203.0.113.5", "2001:db8::1"})
    EXPECT_FALSE(spared(address)) << address;
}

TEST(ScannerSettings, EachWayToBeBannedMakesThemActive) {
  EXPECT_FALSE(is_active({}));
  Settings settings;
  settings.drop = true;
  EXPECT_FALSE(is_active(settings));
  for (auto texts : {&Settings::user_agents, &Settings::from, &Settings::request_uris}) {
    Settings with_text;
    (with_text.*texts) = {"x"};
    EXPECT_TRUE(is_active(with_text));
  }
  settings.well_known = true;
  EXPECT_TRUE(is_active(settings));
  Settings counting;
  counting.failures = 1;
  EXPECT_TRUE(is_active(counting));
}

}  // namespace
}  // namespace dpinholer::scanners
