// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/scenario.h"
#include "support/capture_file.h"

namespace dpinholer {
namespace {

using test::Host;
using test::Sip;

const Host caller{"192.0.2.10"};
const Host callee{"203.0.113.5"};
const Host caller_rtp{"192.0.2.10", 30000};
const Host callee_rtp{"203.0.113.5", 40000};

constexpr std::uint32_t link_type_raw = 101;

// A capture under construction: each packet a given number of seconds after its predecessor.
class Film {
 public:
  Film& packet(double after, const std::vector<std::uint8_t>& octets) {
    microseconds_ += static_cast<std::uint64_t>(after * 1e6);
    pcap_.frame(static_cast<std::uint32_t>(microseconds_ / 1000000),
                static_cast<std::uint32_t>(microseconds_ % 1000000), octets);
    return *this;
  }
  Film& udp(double after, const Host& from, const Host& to, std::string_view payload) {
    return packet(after, test::udp_packet(from, to, payload));
  }
  Film& sip(double after, const Host& from, const Host& to, const Sip& message) {
    return udp(after, from, to, to_text(message));
  }
  Film& rtp(double after, const Host& from, const Host& to) {
    return udp(after, from, to, std::string_view("\x80\0\0\1\0\0\0\0\0\0\0\0", 12));
  }

  const std::string& bytes() const { return pcap_.bytes(); }

 private:
  test::PcapBytes pcap_{link_type_raw};
  std::uint64_t microseconds_ = 1'600'000'000'000'000;
};

Sip invite(const std::string& section = "192.0.2.10|audio 30000 RTP/AVP 0") {
  return {.start = "INVITE", .body = test::sdp({section})};
}
Sip ok(const std::string& section = "203.0.113.5|audio 40000 RTP/AVP 0") {
  return {.start = "200 INVITE", .to_tag = "b", .body = test::sdp({section})};
}
Sip bye() {
  return {.start = "BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 2};
}
Sip bye_ok() {
  return {.start = "200 BYE", .to_tag = "b", .branch = "z9hG4bK9", .cseq = 2};
}

Film call_begins() {
  Film film;
  film.sip(0, caller, callee, invite()).sip(1, callee, caller, ok());
  return film;
}

std::string brief(const pinhole::Change& change) {
  static const char* const names[] = {"open", "bind", "refresh", "close"};
  return std::string(names[static_cast<int>(change.kind)]) + " " + to_string(change.key.destination);
}
std::string brief(const pinhole::Refusal& refusal) {
  return "refuse " + refusal.address;
}
std::string brief(const scanners::Offence& offence) {
  return "ban " + offence.source.to_string() + " " + std::string(name(offence.cause)) + " " + offence.text;
}
std::string brief(const pinhole::FarNat& nat) {
  return "nat " + nat.announced.to_string() + " from " + nat.source.to_string();
}
std::string brief(const system::Flow& flow) {
  return "flow " + std::string(name(flow.protocol)) + " " + to_string(flow.source) + " > " +
         to_string(flow.destination) + " " + std::to_string(flow.passed) + "/" + std::to_string(flow.dropped);
}
std::string brief(const system::Summary& s) {
  return "summary packets " + std::to_string(s.packets) + " sip " + std::to_string(s.sip_messages) + "+" +
         std::to_string(s.malformed) + " calls " + std::to_string(s.calls) + " pinholes " +
         std::to_string(s.opened) + "-" + std::to_string(s.closed) + "=" + std::to_string(s.open_at_end) +
         " refused " + std::to_string(s.refused) + " media " + std::to_string(s.media_passed) + "/" +
         std::to_string(s.media_dropped);
}

PipelineSettings no_sides() {
  PipelineSettings settings;
  settings.policy.same_side = pinhole::SameSide::off;
  return settings;
}

struct Result {
  std::vector<std::string> lines;  // "SECONDS event"
  std::string error;
};

std::string brief(const message::UnreadEvent& unread) {
  return "unread " + to_string(unread.source) + " > " + to_string(unread.destination) + " " +
         std::string(name(unread.what.cause));
}

Result run(std::string_view pcap, const PipelineSettings& settings = no_sides()) {
  const test::TemporaryFile file(pcap);
  auto capture = system::Capture::open(file.path());
  EXPECT_TRUE(capture);
  Result result;
  const auto done = replay(*capture, settings, [&](const Event& event) {
    std::visit(
        [&](const auto& value) {
          const double seconds = std::chrono::duration<double>(value.time.time_since_epoch()).count();
          std::string text = std::to_string(seconds);
          text.erase(text.find_last_not_of('0') + 1);
          if (text.back() == '.') text.pop_back();
          result.lines.push_back(text + " " + brief(value));
        },
        event);
  });
  if (!done) result.error = done.error();
  return result;
}

using Lines = std::vector<std::string>;

// Only the flows and the summary, without their time.
Lines end_of(const Result& result) {
  Lines lines;
  for (const auto& line : result.lines) {
    const std::string event = line.substr(line.find(' ') + 1);
    if (event.rfind("flow", 0) == 0 || event.rfind("summary", 0) == 0) lines.push_back(event);
  }
  return lines;
}

TEST(Replay, TellsACallInOrderOfTimeAndItsMediaAtTheEnd) {
  Film film;
  film.rtp(0, callee_rtp, caller_rtp);  // before the offer
  film.sip(1, caller, callee, invite());
  film.rtp(1, Host{"198.51.100.9", 9000}, caller_rtp);  // anybody, before the answer
  film.sip(1, callee, caller, ok());
  film.rtp(1, callee_rtp, caller_rtp).rtp(0, caller_rtp, callee_rtp).rtp(0, callee_rtp, caller_rtp);
  film.rtp(0, Host{"198.51.100.9", 9000}, caller_rtp);  // another source, after the answer
  film.sip(1, caller, callee, bye()).sip(0, callee, caller, bye_ok());
  film.rtp(0.5, callee_rtp, caller_rtp);  // after the call
  const Result result = run(film.bytes());
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.lines, (Lines{
                              "1 open 192.0.2.10:30000",
                              "1 open 192.0.2.10:30001",
                              "3 bind 192.0.2.10:30000",
                              "3 bind 192.0.2.10:30001",
                              "3 open 203.0.113.5:40000",
                              "3 open 203.0.113.5:40001",
                              "5 close 192.0.2.10:30000",
                              "5 close 192.0.2.10:30001",
                              "5 close 203.0.113.5:40000",
                              "5 close 203.0.113.5:40001",
                              "5.5 flow udp 203.0.113.5:40000 > 192.0.2.10:30000 2/2",
                              "5.5 flow udp 198.51.100.9:9000 > 192.0.2.10:30000 1/1",
                              "5.5 flow udp 192.0.2.10:30000 > 203.0.113.5:40000 1/0",
                              "5.5 summary packets 11 sip 4+0 calls 1 pinholes 4-4=0 refused 0 media 4/3",
                          }));
}

TEST(Replay, CountsEveryFrameAndJudgesOnlyMedia) {
  Film film = call_begins();
  film.packet(0, {0x50, 0});  // no IP
  film.packet(0, {0x45});     // an IP header cut short
  film.packet(0, {0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2});  // ICMP
  film.udp(0, caller, callee, "INVITE sip:x SIP/2.0\r\nCSeq: bad\r\n\r\n");
  film.udp(0, caller, callee, "\r\n\r\n");  // keep-alive to a SIP port
  film.udp(0, callee_rtp, caller_rtp, "");  // the same to an open pinhole
  EXPECT_EQ(end_of(run(film.bytes())),
            (Lines{"flow udp 203.0.113.5:40000 > 192.0.2.10:30000 1/0",
                   "summary packets 8 sip 2+1 calls 1 pinholes 4-0=4 refused 0 media 1/0"}));
}

TEST(Replay, MediaKeepsACallAliveAndSilenceEndsIt) {
  Film lively = call_begins();
  for (int i = 0; i < 10; ++i) lively.rtp(200, callee_rtp, caller_rtp);
  EXPECT_EQ(end_of(run(lively.bytes())),
            (Lines{"flow udp 203.0.113.5:40000 > 192.0.2.10:30000 10/0",
                   "summary packets 12 sip 2+0 calls 1 pinholes 4-0=4 refused 0 media 10/0"}));

  // Media that was dropped is no sign of life. The event has the moment at which the timer was due.
  Film silent = call_begins();
  silent.rtp(200, Host{"198.51.100.9", 9000}, caller_rtp).rtp(400, callee_rtp, caller_rtp);
  const Result result = run(silent.bytes());
  EXPECT_EQ(std::ranges::count(result.lines, "301 close 192.0.2.10:30000"), 1);
  EXPECT_EQ(end_of(result), (Lines{"flow udp 198.51.100.9:9000 > 192.0.2.10:30000 0/1",
                                   "flow udp 203.0.113.5:40000 > 192.0.2.10:30000 0/1",
                                   "summary packets 4 sip 2+0 calls 1 pinholes 4-4=0 refused 0 media 0/2"}));
}

TEST(Replay, TimersAfterTheLastFrameDoNotFire) {
  Film film;
  film.sip(0, caller, callee, invite()).rtp(179.9, callee_rtp, callee_rtp);
  EXPECT_EQ(run(film.bytes()).lines.back(),
            "179.9 summary packets 2 sip 1+0 calls 1 pinholes 2-0=2 refused 0 media 0/1");
  film.packet(0.1, {0x50});  // any frame makes time pass
  const Result result = run(film.bytes());
  EXPECT_EQ(std::ranges::count(result.lines, "180 close 192.0.2.10:30000"), 1);
}

TEST(Replay, RefusalsStandAmongTheEventsAtTheirTime) {
  Film film;
  film.sip(0, caller, callee, invite("192.0.2.10|audio 80 RTP/AVP 0")).sip(7, caller, callee, bye());
  const Result result = run(film.bytes());
  ASSERT_GE(result.lines.size(), 2U);
  EXPECT_EQ(result.lines[0], "0 refuse 192.0.2.10");
  EXPECT_EQ(result.lines.back(), "7 summary packets 2 sip 2+0 calls 1 pinholes 0-0=0 refused 2 media 0/0");
}

TEST(Replay, AFragmentedInviteOpensAndFragmentedMediaIsJudgedOnce) {
  auto fragments = [](Film& film, const std::vector<std::uint8_t>& packet) {
    constexpr std::size_t header = 20;
    constexpr std::size_t piece = 128;
    for (std::size_t at = header; at < packet.size(); at += piece) {
      const std::size_t end = std::min(packet.size(), at + piece);
      std::vector<std::uint8_t> octets(packet.begin(), packet.begin() + header);
      octets.insert(octets.end(), packet.begin() + static_cast<std::ptrdiff_t>(at),
                    packet.begin() + static_cast<std::ptrdiff_t>(end));
      const std::size_t offset = (at - header) / 8 | (end < packet.size() ? 0x2000U : 0U);
      octets[2] = static_cast<std::uint8_t>(octets.size() >> 8);
      octets[3] = static_cast<std::uint8_t>(octets.size());
      octets[6] = static_cast<std::uint8_t>(offset >> 8);
      octets[7] = static_cast<std::uint8_t>(offset);
      film.packet(0, octets);
    }
  };
  Film film;
  const auto packet = test::udp_packet(caller, callee, to_text(invite()));
  const std::size_t pieces = (packet.size() - 20 + 127) / 128;
  ASSERT_GT(pieces, 1U);
  fragments(film, packet);
  fragments(film, test::udp_packet(callee_rtp, caller_rtp, std::string(300, 'v')));
  EXPECT_EQ(end_of(run(film.bytes())), (Lines{"flow udp 203.0.113.5:40000 > 192.0.2.10:30000 1/0",
                                              "summary packets " + std::to_string(pieces + 3) +
                                                  " sip 1+0 calls 1 pinholes 2-0=2 refused 0 media 1/0"}));
}

// A TCP segment over IPv4: data offset 20, no options.
std::vector<std::uint8_t> segment(const Host& from, const Host& to, std::uint8_t flags,
                                  std::string_view payload) {
  std::string tcp(12, '\0');
  tcp[0] = 0x50;  // data offset
  tcp[1] = static_cast<char>(flags);
  // Ports stand where UDP has them; of the UDP header its length and checksum are in the way.
  auto packet = test::udp_packet(from, to, std::string(4, '\0') + tcp + std::string(payload));
  packet[9] = 6;
  std::fill(packet.begin() + 24, packet.begin() + 32, 0);
  return packet;
}

TEST(Replay, TcpMediaIsJudgedOnlyWhereItIsAllowed) {
  constexpr std::uint8_t syn = 0x02;
  constexpr std::uint8_t ack = 0x10;
  const Host active{"192.0.2.10", 50000};
  const Host passive{"203.0.113.5", 2855};
  const Host stranger{"198.51.100.9", 2855};
  Film film;
  film.packet(0, segment(active, passive, syn, ""));  // too early
  film.sip(0, caller, callee, invite("192.0.2.10|message 9 TCP/MSRP *|a=setup:active"));
  film.sip(1, callee, caller, ok("203.0.113.5|message 2855 TCP/MSRP *|a=setup:passive"));
  film.packet(0, segment(passive, active, ack, ""));  // answers nothing that passed
  film.packet(1, segment(active, passive, syn, ""));
  film.packet(0, segment(passive, active, syn | ack, ""));
  film.packet(0, segment(active, passive, ack, "MSRP d93kswow SEND\r\n"));
  film.packet(0, segment(stranger, passive, syn, ""));
  film.sip(1, caller, callee, bye()).sip(0, callee, caller, bye_ok());
  film.packet(1, segment(passive, active, ack,
                         "MSRP 1 SEND\r\n"));  // the pinhole is gone, and with it the connection

  PipelineSettings allowed = no_sides();
  allowed.negotiation.tcp = true;
  EXPECT_EQ(end_of(run(film.bytes(), allowed)),
            (Lines{"flow tcp 192.0.2.10:50000 > 203.0.113.5:2855 2/1",
                   "flow tcp 203.0.113.5:2855 > 192.0.2.10:50000 1/2",
                   "flow tcp 198.51.100.9:2855 > 203.0.113.5:2855 0/1",
                   "summary packets 11 sip 4+0 calls 1 pinholes 1-1=0 refused 0 media 3/4"}));
  EXPECT_EQ(end_of(run(film.bytes())),
            (Lines{"summary packets 11 sip 4+0 calls 1 pinholes 0-0=0 refused 1 media 0/0"}));
}

TEST(Replay, SipPortsNarrowWhereSipIsRecognised) {
  Film film;
  film.sip(0, Host{"192.0.2.10", 40001}, Host{"203.0.113.5", 5062}, invite());
  struct Case {
    const char* name;
    std::vector<pinhole::PortRange> ports;
    const char* summary;
  };
  const Case cases[] = {
      {"any", {}, "0 summary packets 1 sip 1+0 calls 1 pinholes 2-0=2 refused 0 media 0/0"},
      {"its destination",
       {{5060, 5069}},
       "0 summary packets 1 sip 1+0 calls 1 pinholes 2-0=2 refused 0 media 0/0"},
      {"its source",
       {{1, 1}, {40001, 40001}},
       "0 summary packets 1 sip 1+0 calls 1 pinholes 2-0=2 refused 0 media 0/0"},
      {"neither",
       {{5060, 5061}, {5063, 40000}},
       "0 summary packets 1 sip 0+0 calls 0 pinholes 0-0=0 refused 0 media 0/1"},
  };
  for (const auto& c : cases) {
    PipelineSettings settings = no_sides();
    settings.sip_ports = c.ports;
    EXPECT_EQ(run(film.bytes(), settings).lines.back(), c.summary) << c.name;
  }
}

TEST(Replay, ObserversSeeMessagesBeforeWhatTheyCauseAndEachPacketThatIsJudged) {
  Film film = call_begins();
  film.rtp(1, callee_rtp, caller_rtp).rtp(1, Host{"198.51.100.9", 9000}, caller_rtp);
  film.udp(1, caller, callee, "INVITE sip:b@example.com SIP/2.0\r\n\r\n");
  const test::TemporaryFile file(film.bytes());
  auto capture = system::Capture::open(file.path());
  ASSERT_TRUE(capture);
  Lines lines;
  auto endpoints = [](const Reading& packet) {
    return to_string(packet.source) + " > " + to_string(packet.destination);
  };
  ReplayObservers observers;
  observers.message = [&](const message::SipMessage& message, const Reading& packet, base::TimePoint) {
    lines.push_back("message " + std::to_string(message.status) + " " + std::string(name(message.method)) +
                    " " + endpoints(packet));
  };
  observers.media = [&](const Reading& packet, const std::optional<pinhole::Key>& pinhole, base::TimePoint) {
    lines.push_back("media " + endpoints(packet) +
                    (pinhole ? " by " + to_string(pinhole->destination) : " dropped"));
  };
  auto sink = [&](const Event& event) {
    if (const auto* change = std::get_if<pinhole::Change>(&event)) lines.push_back(brief(*change));
    if (const auto* unread = std::get_if<message::UnreadEvent>(&event)) lines.push_back(brief(*unread));
  };
  ASSERT_TRUE(replay(*capture, no_sides(), sink, observers));
  EXPECT_EQ(lines,
            (Lines{"message 0 INVITE 192.0.2.10:5060 > 203.0.113.5:5060", "open 192.0.2.10:30000",
                   "open 192.0.2.10:30001", "message 200 INVITE 203.0.113.5:5060 > 192.0.2.10:5060",
                   "bind 192.0.2.10:30000", "bind 192.0.2.10:30001", "open 203.0.113.5:40000",
                   "open 203.0.113.5:40001", "media 203.0.113.5:40000 > 192.0.2.10:30000 by 192.0.2.10:30000",
                   "media 198.51.100.9:9000 > 192.0.2.10:30000 dropped",
                   "unread 192.0.2.10:5060 > 203.0.113.5:5060 malformed"}));
}

TEST(Replay, ACaptureThatBreaksOffEndsWithWhatWasFoundAndAnError) {
  const std::string whole = call_begins().rtp(1, callee_rtp, caller_rtp).bytes();
  const Result result = run(std::string_view(whole).substr(0, whole.size() - 5));
  EXPECT_EQ(result.lines.back(), "1 summary packets 2 sip 2+0 calls 1 pinholes 4-0=4 refused 0 media 0/0");
  EXPECT_NE(result.error.find("damaged after frame 2"), std::string::npos) << result.error;
}

TEST(Replay, AnEmptyCaptureIsASummary) {
  EXPECT_EQ(run(Film().bytes()).lines,
            Lines{"0 summary packets 0 sip 0+0 calls 0 pinholes 0-0=0 refused 0 media 0/0"});
}

}  // namespace
}  // namespace dpinholer
