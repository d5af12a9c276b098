// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/capture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/capture_file.h"
#include "support/hex.h"

namespace dpinholer::system {
namespace {

using test::hex;
using test::PcapBytes;
using test::TemporaryFile;

// "TIME OCTETS-OF-PACKET" of each frame, "-" for one without IP; then the error, less the file's name.
std::vector<std::string> transcript(std::string_view content) {
  const TemporaryFile file(content);
  std::vector<std::string> lines;
  auto without_name = [&](const std::string& text) {
    EXPECT_EQ(text.rfind(file.path() + ": ", 0), 0U) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text.substr(std::min(text.size(), file.path().size() + 2));
  };
  auto capture = Capture::open(file.path());
  if (!capture) return {without_name(capture.error())};
  for (;;) {
    auto frame = capture->next();
    if (!frame) lines.push_back(without_name(frame.error()));
    if (!frame || !*frame) return lines;
    std::string line = std::to_string((*frame)->time.time_since_epoch().count()) + " ";
    if (!(*frame)->packet) line += "-";
    for (std::uint8_t octet : (*frame)->packet.value_or(base::Bytes())) {
      line += {"0123456789abcdef"[octet >> 4], "0123456789abcdef"[octet & 15]};
    }
    lines.push_back(line);
  }
}

using Lines = std::vector<std::string>;

TEST(Capture, FindsThePacketBehindEachLinkType) {
  struct Case {
    const char* name;
    std::uint32_t link_type;
    const char* frame;
    const char* expected;
  };
  const Case cases[] = {
      {"Ethernet, IPv4", 1, "020000000001 020000000002 0800 45aa", "0 45aa"},
      {"Ethernet, IPv6", 1, "020000000001 020000000002 86dd 60aa", "0 60aa"},
      {"802.1Q", 1, "020000000001 020000000002 8100 0064 0800 45aa", "0 45aa"},
      {"802.1ad (QinQ)", 1, "020000000001 020000000002 88a8 00c8 8100 0064 86dd 60aa", "0 60aa"},
      {"QinQ with the old outer type", 1, "020000000001 020000000002 9100 00c8 8100 0064 0800 45aa",
       "0 45aa"},
      {"PPPoE, IPv4", 1, "020000000001 020000000002 8864 11 00 0001 0004 0021 45aa", "0 45aa"},
      {"PPPoE, IPv6, in a VLAN", 1, "020000000001 020000000002 8100 0064 8864 11 00 0001 0004 0057 60aa",
       "0 60aa"},
      {"PPPoE, LCP", 1, "020000000001 020000000002 8864 11 00 0001 0004 c021 45aa", "0 -"},
      {"PPPoE cut", 1, "020000000001 020000000002 8864 11 00 0001 0004 00", "0 -"},
      {"ARP", 1, "ffffffffffff 020000000002 0806 0001", "0 -"},
      {"802.3 length instead of a type", 1, "0180c2000000 020000000002 0026 424203", "0 -"},
      {"IPv6 announced as IPv4", 1, "020000000001 020000000002 0800 60aa", "0 -"},
      {"Ethernet header cut", 1, "020000000001 020000000002 08", "0 -"},
      {"VLAN tag cut", 1, "020000000001 020000000002 8100 0064 08", "0 -"},
      {"nothing behind the header", 1, "020000000001 020000000002 0800", "0 -"},
      {"empty frame", 1, "", "0 -"},
      {"LINUX_SLL", 113, "0000 0001 0006 0200000000010000 0800 45aa", "0 45aa"},
      {"LINUX_SLL, VLAN tag", 113, "0000 0001 0006 0200000000010000 8100 0064 86dd 60aa", "0 60aa"},
      {"LINUX_SLL cut", 113, "0000 0001 0006 0200000000010000 08", "0 -"},
      {"LINUX_SLL2", 276, "0800 0000 00000002 0001 00 06 0200000000010000 45aa", "0 45aa"},
      {"LINUX_SLL2, IPv6", 276, "86dd 0000 00000002 0001 00 06 0200000000010000 60aa", "0 60aa"},
      {"LINUX_SLL2 cut", 276, "0800 0000 00000002 0001 00 06 02000000000100", "0 -"},
      {"RAW, IPv4", 101, "45aa", "0 45aa"},
      {"RAW, IPv6", 101, "60aa", "0 60aa"},
      {"RAW, neither", 101, "50aa", "0 -"},
      {"RAW as DLT 12", 12, "45aa", "0 45aa"},
      {"RAW as DLT 14", 14, "45aa", "0 45aa"},
      {"IPV4", 228, "45aa", "0 45aa"},
      {"IPV6", 229, "60aa", "0 60aa"},
      {"NULL, little endian IPv4", 0, "02000000 45aa", "0 45aa"},
      {"NULL, big endian IPv4", 0, "00000002 45aa", "0 45aa"},
      {"NULL, Linux IPv6", 0, "0a000000 60aa", "0 60aa"},
      {"NULL, FreeBSD IPv6", 0, "1c000000 60aa", "0 60aa"},
      {"NULL, macOS IPv6", 0, "1e000000 60aa", "0 60aa"},
      {"NULL, another family", 0, "07000000 45aa", "0 -"},
      {"NULL cut", 0, "020000", "0 -"},
      {"LOOP, IPv4", 108, "00000002 45aa", "0 45aa"},
      {"LOOP, OpenBSD IPv6", 108, "00000018 60aa", "0 60aa"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(transcript(PcapBytes(c.link_type).frame(1000, 0, hex(c.frame)).bytes()), Lines{c.expected})
        << c.name;
  }
}

TEST(Capture, CountsTimeFromTheFirstFrameAndNeverBackwards) {
  const auto packet = hex("45");
  PcapBytes pcap(101);
  pcap.frame(1000, 999999, packet).frame(1001, 0, packet).frame(1003, 500000, packet);
  pcap.frame(1002, 0, packet).frame(999, 0, packet).frame(1003, 500001, packet);
  EXPECT_EQ(transcript(pcap.bytes()),
            (Lines{"0 45", "1 45", "2500001 45", "2500001 45", "2500001 45", "2500002 45"}));
}

TEST(Capture, CutsNanosecondsToMicroseconds) {
  PcapBytes pcap(101, PcapBytes::nanoseconds);
  pcap.frame(1, 1999, hex("45")).frame(1, 3000, hex("45")).frame(1, 123456789, hex("45"));
  EXPECT_EQ(transcript(pcap.bytes()), (Lines{"0 45", "2 45", "123455 45"}));
}

// Section header, interface (Ethernet or what is given, options), one enhanced packet a time stamp.
std::string pcapng(std::uint16_t link_type, const std::string& resolution,
                   const std::vector<std::uint64_t>& time_stamps) {
  auto u16 = [](std::uint32_t v) { return std::string{static_cast<char>(v), static_cast<char>(v >> 8)}; };
  auto u32 = [&](std::uint64_t v) {
    return u16(static_cast<std::uint32_t>(v & 0xffff)) + u16(static_cast<std::uint32_t>(v >> 16 & 0xffff));
  };
  auto block = [&](std::uint32_t type, const std::string& body) {
    const std::string length = u32(body.size() + 12);
    return u32(type) + length + body + length;
  };
  std::string file = block(0x0a0d0d0a, u32(0x1a2b3c4d) + u16(1) + u16(0) + std::string(8, '\xff'));
  file += block(1, u16(link_type) + u16(0) + u32(0) + resolution);
  for (std::uint64_t stamp : time_stamps) {
    const std::string packet("E\xaa\0\0", 4);
    file += block(6, u32(0) + u32(stamp >> 32) + u32(stamp & 0xffffffff) + u32(2) + u32(2) + packet);
  }
  return file;
}

TEST(Capture, ReadsPcapng) {
  EXPECT_EQ(transcript(pcapng(101, "", {1000000, 1500000, 2000001})),
            (Lines{"0 45aa", "500000 45aa", "1000001 45aa"}));
  const std::string nanoseconds("\x09\0\x01\0\x09\0\0\0\0\0\0\0", 12);  // if_tsresol
  EXPECT_EQ(transcript(pcapng(101, nanoseconds, {1000, 4999})), (Lines{"0 45aa", "3 45aa"}));
}

TEST(Capture, TimeStampsFromTheEndOfTimeAreHeld) {
  const std::string seconds("\x09\0\x01\0\0\0\0\0\0\0\0\0", 12);  // if_tsresol 10^0: 2^64 s fit the field
  const auto lines = transcript(pcapng(101, seconds, {5, std::uint64_t{1} << 62, ~std::uint64_t{0}, 7}));
  EXPECT_EQ(lines, (Lines{"0 45aa", "1099511627776000000 45aa", "1099511627776000000 45aa",
                          "1099511627776000000 45aa"}));
}

TEST(Capture, AFileThatBreaksOffGivesItsFramesAndThenAnError) {
  const std::string whole = PcapBytes(101).frame(1, 0, hex("45aa")).frame(2, 0, hex("45bb")).bytes();
  for (std::size_t missing = 1; missing < 18;
       ++missing) {  // within the header or the octets of the last frame
    const auto lines = transcript(std::string_view(whole).substr(0, whole.size() - missing));
    ASSERT_EQ(lines.size(), 2U) << missing;
    EXPECT_EQ(lines[0], "0 45aa");
    EXPECT_EQ(lines[1].rfind("damaged after frame 1: ", 0), 0U) << lines[1];
  }
  // Cut between two frames, a file looks whole.
  EXPECT_EQ(transcript(std::string_view(whole).substr(0, whole.size() - 18)), Lines{"0 45aa"});
  EXPECT_EQ(transcript(PcapBytes(101).bytes()), Lines{});
}

// The table in pcaps/SOURCES.md: "| `name.pcap` (24 KiB) | source | link type | packets | ..."
TEST(Capture, EveryCaptureOfTheCollectionIsReadToItsEnd) {
  const std::string folder = std::string(DPINHOLER_SOURCE_DIR) + "/pcaps/";
  std::ifstream sources(folder + "SOURCES.md");
  int captures = 0;
  for (std::string line; std::getline(sources, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    ++captures;
    std::istringstream row(line);
    std::string name, source, link_type, packets;
    for (std::string* cell : {&name, &name, &source, &link_type, &packets}) std::getline(row, *cell, '|');
    name = name.substr(2, name.find('`', 2) - 2);
    auto capture = Capture::open(folder + name);
    ASSERT_TRUE(capture) << capture.error();
    int frames = 0;
    auto frame = capture->next();
    for (; frame && *frame; frame = capture->next()) ++frames;
    EXPECT_TRUE(frame) << frame.error();
    EXPECT_EQ(frames, std::stoi(packets)) << name;
  }
  EXPECT_EQ(captures, 37);
}

TEST(Capture, SaysInOneLineWhatIsWrongWithAFile) {
  EXPECT_EQ(Capture::open("/nonexistent/x.pcap").error(),
            "/nonexistent/x.pcap: No such file or directory; name a pcap or pcapng file that can be read");
  EXPECT_EQ(
      Capture::open("/nonexistent/\n\x1b[2J").error(),
      "/nonexistent/\\x0a\\x1b[2J: No such file or directory; name a pcap or pcapng file that can be read");
  for (const char* content : {"", "INVITE sip:a@b SIP/2.0\r\n", "\xd4\xc3\xb2\xa1"}) {
    const auto lines = transcript(content);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("; name a pcap or pcapng file"), std::string::npos) << lines[0];
  }
  EXPECT_EQ(transcript(PcapBytes(9).frame(1, 0, hex("45")).bytes()),
            Lines{"link type 9 (PPP) is not read; capture on Ethernet, Linux cooked, raw IP or loopback"});
  const auto folder = Capture::open(testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().find("Is a directory"), std::string::npos) << folder.error();
}

}  // namespace
}  // namespace dpinholer::system
