// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon with an inspector that an attacker has taken over: it speaks the protocol and asks for
// everything that is forbidden. The first octet of a packet's payload in a batch says what it does
// with that batch:
//
//   P...  asks for pinholes of all kinds that it may not have, and closes and binds what is not its own
//   F...  asks for 100,000 pinholes in one answer
//   B...  accuses everybody of being a scanner
//   V, W  opens and binds with a source of IPv6 whose octets are a key of IPv4 (attack A23)
//   L...  opens with a label that pretends to be of a comment, and ends (A25)
//   C...  opens, binds and closes, and lies about what was bound (A26)
//   S...  binds to 140,000 sources (A26)
//   R...  asks for 400,000 refreshes (A26)
//   T...  tells of the TCP connection that the packet is of
//   a digit: breaks off, or answers in a form that there is not
//
// DEATHS in the environment: those inspectors, counted from 1, that end at their first batch. CLAIM: they
// claim the pinholes that are offered, with a lie for a label.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "base/limits.h"
#include "control/server.h"
#include "daemon.h"
#include "inspection_codec.h"
#include "inspector_process.h"
#include "ip/packet.h"
#include "system/config.h"

namespace {

using namespace dpinholer;
using codec::Kind;
using Do = pinhole::Change::Kind;

base::Address address(const char* text) {
  return base::Address::parse(text).value();
}

const base::Address phone = address("192.0.2.2");    // inside
const base::Address trunk = address("203.0.113.2");  // outside

pinhole::Change change(Do what, const char* to, std::uint16_t port, const base::Address& announced_by,
                       const std::string& call = "evil") {
  pinhole::Change change;
  change.kind = what;
  change.key = {base::Protocol::udp, {address(to), port}};
  change.timeout = std::chrono::years{10};
  change.label = {call, "\x1b[2J\"}; flush ruleset; {\"", pinhole::Component::rtp, {}};
  change.announced_by = announced_by;
  change.time = base::TimePoint::min();
  return change;
}

void ask_for_what_is_forbidden(Findings& findings) {
  auto& changes = findings.outcome.changes;
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{22, 53, 1023})
    changes.push_back(change(Do::open, "192.0.2.2", port, phone));
  changes.push_back(change(Do::open, "192.0.2.99", 30000, trunk));    // a third host inside, for one outside
  changes.push_back(change(Do::open, "203.0.113.99", 30000, phone));  // and the other way round
  changes.push_back(change(Do::open, "192.0.2.1", 30000, phone));     // the gateway
  changes.push_back(change(Do::open, "203.0.113.1", 30000, trunk));
  changes.push_back(change(Do::open, "127.0.0.1", 30000, phone));
  changes.push_back(change(Do::open, "255.255.255.255", 30000, trunk));
  changes.push_back(change(Do::open, "192.0.2.2", 30000, address("198.51.100.1")));  // nobody said anything
  changes.push_back(change(Do::close, "192.0.2.77", 7777, phone));                   // elements of others
  changes.push_back(change(Do::bind, "192.0.2.77", 7777, phone));
  changes.push_back(change(Do::refresh, "192.0.2.77", 7777, phone));
  auto taken_over = change(Do::open, "192.0.2.98", 30000, phone);
  taken_over.cause = pinhole::Cause::recovered;
  changes.push_back(taken_over);
  changes.push_back(
      change(Do::open, "192.0.2.2", 31000, phone, "\x1b[31m\"\n' <script>"));  // this one may be
}

void ask_for_too_much(Findings& findings) {
  for (unsigned i = 0; i < 100'000; ++i) {
    findings.outcome.changes.push_back(change(
        Do::open, "192.0.2.2", static_cast<std::uint16_t>(2000 + i % 60'000), phone, std::to_string(i)));
  }
}

// source . destination . port of IPv4, as octets: 203.0.113.66 . 192.0.2.1 . 22
const base::Address key_in_disguise =
    base::Address::v6({203, 0, 113, 66, 192, 0, 2, 1, 0, 22, 0, 0, 0, 0, 0, 1});

void disguise(Findings& findings, Do what) {
  auto disguised = change(what, "192.0.2.2", what == Do::open ? 31001 : 31000, phone);
  disguised.from = {key_in_disguise};
  findings.outcome.changes.push_back(disguised);
}

void forge_a_comment(Findings& findings) {
  auto forged = change(Do::open, "192.0.2.2", 31002, phone, "\x1b[2J\" id=\n");
  forged.label.call_hash = 7;
  findings.outcome.changes.push_back(forged);
  forged = change(Do::open, "192.0.2.2", 31003, phone, "\x1b[2J\" id=\n");  // this one may be
  findings.outcome.changes.push_back(forged);
}

void lie_about_sources(Findings& findings) {
  auto& changes = findings.outcome.changes;
  changes.push_back(change(Do::open, "192.0.2.2", 31010, phone));
  changes.push_back(change(Do::bind, "192.0.2.2", 31010, phone));
  changes.back().from = {address("198.51.100.7"), trunk};
  changes.push_back(change(Do::close, "192.0.2.2", 31010, phone));
  changes.back().from = {address("198.51.100.9")};
}

void bind_to_everybody(Findings& findings) {
  auto& changes = findings.outcome.changes;
  changes.push_back(change(Do::open, "192.0.2.2", 31020, phone));
  changes.push_back(change(Do::bind, "192.0.2.2", 31020, phone));
  for (std::uint32_t i = 1; i <= 140'000; ++i) {
    changes.back().from.push_back(
        base::Address::v4({11, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                           static_cast<std::uint8_t>(i)}));
  }
}

void refresh_for_ever(Findings& findings) {
  findings.outcome.changes.assign(400'000, change(Do::refresh, "192.0.2.2", 31000, phone));
}

// Claims the offered pinholes, so that they stay; and as many as there are connections to be resumed.
void claim(const Batch& batch, Findings& findings) {
  auto& changes = findings.outcome.changes;
  for (const pinhole::Recovered& found : batch.recovered) {
    changes.push_back(change(Do::open, "0.0.0.0", 0, phone));
    changes.back().key = found.key;
    changes.back().from = found.from;
    changes.back().label = {"\x1b[2J\"", "\n", found.component, found.call_hash};
    changes.back().cause = pinhole::Cause::recovered;
  }
  for (std::size_t i = 0; i < batch.connections.size(); ++i)
    changes.push_back(change(Do::open, "192.0.2.2", static_cast<std::uint16_t>(32000 + i), phone));
}

void tell_connection(const Batch& batch, Findings& findings) {
  for (std::size_t i = 0; i < batch.packets.size(); ++i) {
    const auto packet = ip::read_packet(batch.packets[i].octets);
    const auto segment = packet ? ip::read_segment(*packet) : tl::unexpected(packet.error());
    if (!segment || segment->payload.empty()) continue;
    findings.packets[i].reading = {Reading::Kind::stream, base::Protocol::tcp, segment->source,
                                   segment->destination};
    findings.connections.push_back({1, Connection{{segment->source, segment->destination, 1, 1}, false}});
  }
}

void say(system::Channel& channel, const Findings& findings) {
  codec::Buffer answer;
  codec::encode(findings, answer);
  (void)channel.send(codec::number_of(Kind::findings), answer);
}

void say_raw(system::Channel& channel, const std::string& octets) {
  (void)!send(channel.fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
}

void misbehave(system::Channel& channel, char how, Findings findings) {
  switch (how) {
    case '0':
      raise(SIGSEGV);
      break;
    case '1':
      say_raw(channel, std::string(1000, '\xff'));
      break;
    case '2':
      say_raw(channel, std::string("\x00\x00\x00\x01\x02\x00\x00\x00", 8));
      break;
    case '3':
      findings.packets.clear();
      say(channel, findings);
      break;
    case '4':
      say_raw(channel, std::string("\x02\x00\x00\x00\x03\x00\x00\x00xx", 10));
      break;
    case '5':
      say(channel, findings);
      say(channel, findings);
      break;
    default:
      _exit(0);
  }
}

void accuse_everybody(Findings& findings) {
  const std::string text = "\x1b[31m\"\n}; flush ruleset; {" + std::string(500, 'x');
  for (const char* source :
       {"192.0.2.2", "203.0.113.1", "127.0.0.1", "198.51.100.1", "203.0.113.2"})  // the last one may be
    findings.outcome.offences.push_back(
        {address(source), scanners::Cause::user_agent, text, base::TimePoint::max()});
}

// Of an answered call, of one that nobody answered, and of none; from a host that was heard, and from
// another.
void tell_of_nats(Findings& findings) {
  auto& changes = findings.outcome.changes;
  changes.push_back(change(Do::open, "192.0.2.2", 31030, phone, "answered"));
  changes.push_back(change(Do::bind, "192.0.2.2", 31030, phone, "answered"));
  changes.back().from = {trunk};
  changes.push_back(change(Do::open, "192.0.2.2", 31032, phone, "offered"));
  changes.back().timeout = base::seconds{60};
  for (const char* call : {"answered", "offered", "\x1b[2J none"}) {
    for (const base::Address& source : {address("198.51.100.1"), trunk}) {
      for (std::uint8_t i = 0; i < 100; ++i) {
        findings.outcome.far_nats.push_back(
            {call, base::Address::v4({10, 0, 0, i}), source, base::TimePoint::max()});
      }
    }
  }
}

// The first octet of what a datagram or a segment carries.
char order_in(const Batch& batch) {
  for (const Batch::Packet& octets : batch.packets) {
    const auto packet = ip::read_packet(octets.octets);
    const auto datagram = packet ? ip::read_datagram(*packet) : tl::unexpected(packet.error());
    if (datagram && !datagram->payload.empty()) return static_cast<char>(datagram->payload.front());
    const auto segment = packet ? ip::read_segment(*packet) : tl::unexpected(packet.error());
    if (segment && !segment->payload.empty()) return static_cast<char>(segment->payload.front());
  }
  return ' ';
}

// `which` of the inspectors this is.
void work(system::Channel& channel, const std::string& which) {
  const char* deaths = std::getenv("DEATHS");
  const bool dies = deaths != nullptr && std::string(deaths).find(which) != std::string::npos;
  while (const auto frame = channel.receive(base::limits::inspection_octets)) {
    const auto batch = codec::decode_batch(frame->content);
    if (!batch || dies) return;
    Findings findings;
    findings.next_deadline = base::TimePoint::min();
    findings.packets.resize(batch->packets.size());
    const char order = order_in(*batch);
    if (order == 'P') ask_for_what_is_forbidden(findings);
    if (order == 'F') ask_for_too_much(findings);
    if (order == 'B') accuse_everybody(findings);
    if (order == 'V') disguise(findings, Do::open);
    if (order == 'W') disguise(findings, Do::bind);
    if (order == 'L') forge_a_comment(findings);
    if (order == 'C') lie_about_sources(findings);
    if (order == 'S') bind_to_everybody(findings);
    if (order == 'R') refresh_for_ever(findings);
    if (order == 'N') tell_of_nats(findings);
    if (order == 'T') tell_connection(*batch, findings);
    if (std::getenv("CLAIM") != nullptr) claim(*batch, findings);
    if (order >= '0' && order <= '9') misbehave(channel, order, findings);
    say(channel, findings);
    if (order == 'L') return;
  }
}

// Tells each inspector which it is.
class CountedInspectors : public InspectorProcess {
 public:
  using InspectorProcess::InspectorProcess;
  void start(base::TimePoint now) override {
    replace(std::to_string(++started_));
    InspectorProcess::start(now);
  }

 private:
  int started_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  take_role(argc, argv, work);
  if (argc != 4) return 2;
  const auto config = system::load_config(argv[3]);
  if (!config) throw std::runtime_error(config.error());
  InspectorLauncher launcher;
  CountedInspectors inspector(launcher, CrashFolder({}));
  Daemon(*config, inspector, control::default_socket).run([] {});
  return 0;
} catch (const std::exception& error) {
  std::cerr << "compromised: " << error.what() << "\n";
  return 1;
}
