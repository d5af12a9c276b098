// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/findings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "report/recorder.h"

namespace dpinholer::report {
namespace {

using base::Endpoint;
using base::TimePoint;
using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;
using pinhole::Key;

Endpoint at(const char* address, std::uint16_t port) {
  return {*base::Address::parse(address), port};
}

const Endpoint caller = at("192.0.2.10", 5060);
const Endpoint callee = at("203.0.113.5", 5060);
const Endpoint caller_rtp = at("192.0.2.10", 30000);
const Endpoint callee_rtp = at("203.0.113.5", 40000);
const Endpoint stranger = at("198.51.100.9", 9000);

TimePoint second(std::int64_t count) {
  return TimePoint(base::seconds(count));
}

// A call told step by step, as a replay would.
class Told {
 public:
  explicit Told(Endpoint from = caller, Endpoint to = callee) : from_(from), to_(to) {}

  Told& sip(std::uint16_t status, message::Method method = message::Method::invite, bool described = true) {
    message::SipMessage message;
    message.call_id = "call";
    message.status = status;
    message.method = method;
    if (described) message.session.emplace();
    const bool forth = status == 0;
    recorder_.message(message, forth ? from_ : to_, forth ? to_ : from_, now_);
    return *this;
  }
  Told& unread(message::UnreadCause cause, const std::string& text) {
    recorder_.unread({{cause, text}, base::Protocol::udp, from_, to_, "call", now_});
    return *this;
  }
  Told& change(Change::Kind kind, const Endpoint& to, const char* from, Cause cause,
               Component component = Component::rtp) {
    Change change;
    change.kind = kind;
    change.key = key(to);
    if (from != nullptr) change.from = {*base::Address::parse(from)};
    change.label = {"call", "audio", component};
    change.cause = cause;
    change.time = now_;
    recorder_.change(change);
    return *this;
  }
  Told& media(const Endpoint& from, const Endpoint& to, bool passed, int packets = 1) {
    for (int i = 0; i < packets; ++i) {
      if (passed) {
        recorder_.media(base::Protocol::udp, from, to, key(to), now_);
      } else {
        recorder_.media(base::Protocol::udp, from, to, std::nullopt, now_);
      }
    }
    return *this;
  }
  Told& refuse(const char* address, Cause cause) {
    recorder_.refusal({base::Protocol::udp, address, 53, {"call", "audio", Component::rtp}, cause, now_});
    return *this;
  }
  Told& wait() {
    now_ += base::seconds(1);
    return *this;
  }
  /// Offer and answer at 0 and 1, and it is 2.
  Told& up() {
    sip(0).change(Change::Kind::open, caller_rtp, nullptr, Cause::offer).wait();
    sip(200).change(Change::Kind::bind, caller_rtp, "203.0.113.5", Cause::answer);
    return change(Change::Kind::open, callee_rtp, "192.0.2.10", Cause::answer).wait();
  }
  Told& bye() {
    sip(0, message::Method::bye, false).sip(200, message::Method::bye, false);
    change(Change::Kind::close, caller_rtp, "203.0.113.5", Cause::bye);
    return change(Change::Kind::close, callee_rtp, "192.0.2.10", Cause::bye).wait();
  }

  /// "brief" and the findings, those that are trouble with "!".
  std::string verdict(MediaSeen seen = MediaSeen::of_calls) {
    const Story story = recorder_.finish({}, "");
    EXPECT_EQ(story.calls.size(), 1U);
    if (story.calls.size() != 1) return "";
    const Verdict verdict = verdict_on(story.calls[0], seen);
    std::string text = verdict.brief;
    for (const Finding& finding : verdict.findings)
      text += std::string("\n") + (finding.trouble ? "! " : "- ") + finding.text;
    return text;
  }

 private:
  static Key key(const Endpoint& to) { return {base::Protocol::udp, to}; }

  Recorder recorder_{"test.pcap"};
  Endpoint from_;
  Endpoint to_;
  TimePoint now_ = second(0);
};

TEST(Findings, MediaBothWaysIsFine) {
  Told told;
  told.up().media(callee_rtp, caller_rtp, true, 3).media(caller_rtp, callee_rtp, true, 3).bye();
  EXPECT_EQ(told.verdict(), "media both ways");
}

TEST(Findings, OneWaySaysWhoSentNothing) {
  Told told;
  told.up().media(callee_rtp, caller_rtp, true, 3).bye();
  EXPECT_EQ(told.verdict(),
            "one-way audio\n! One-way audio: 3 packets reached 192.0.2.10, none reached 203.0.113.5. Nothing "
            "for it "
            "was dropped: 192.0.2.10 sent it nothing, or not through here.");
}

TEST(Findings, OneWaySaysWhatWasDroppedForItsSource) {
  Told told;
  told.up().media(callee_rtp, caller_rtp, true, 3).media(stranger, callee_rtp, false, 2).bye();
  EXPECT_EQ(
      told.verdict(),
      "one-way audio\n! One-way audio: 3 packets reached 192.0.2.10, none reached 203.0.113.5. 2 packets "
      "from "
      "198.51.100.9:9000 to 203.0.113.5:40000 were dropped: the pinhole is for 192.0.2.10, and no session "
      "description announced another sender.");
}

TEST(Findings, OneWaySaysWhatWentWhereNothingWasAnnounced) {
  Told told;
  told.up().media(callee_rtp, caller_rtp, true).media(caller_rtp, at("203.0.113.5", 40002), false).bye();
  EXPECT_EQ(
      told.verdict(),
      "one-way audio\n! One-way audio: 1 packet reached 192.0.2.10, none reached 203.0.113.5. 1 packet from "
      "192.0.2.10:30000 to 203.0.113.5:40002 was dropped: no session description announced that "
      "destination.");
}

TEST(Findings, PartiesOnOneHostAreToldApart) {
  Told told(at("127.0.0.1", 5060), at("127.0.0.1", 5080));
  const Endpoint left = at("127.0.0.1", 30000);
  const Endpoint right = at("127.0.0.1", 40000);
  told.sip(0).change(Change::Kind::open, left, nullptr, Cause::offer).wait();
  told.sip(200).change(Change::Kind::bind, left, "127.0.0.1", Cause::answer);
  told.change(Change::Kind::open, right, "127.0.0.1", Cause::answer).wait().media(right, left, true);
  const std::string verdict = told.verdict();
  EXPECT_NE(verdict.find("1 packet reached 127.0.0.1:5060, none reached 127.0.0.1:5080."), std::string::npos)
      << verdict;
}

// ICE: media takes one of the addresses that a party announced.
TEST(Findings, APartyWithSeveralAddressesIsOne) {
  Told told;
  told.up().sip(200).change(Change::Kind::open, at("198.51.100.77", 3478), "192.0.2.10", Cause::answer);
  told.media(callee_rtp, caller_rtp, true).media(caller_rtp, callee_rtp, true);
  const std::string verdict = told.verdict();
  EXPECT_EQ(verdict.find("One-way"), std::string::npos) << verdict;
}

TEST(Findings, RtcpAloneIsNoAudio) {
  Told told;
  told.up().change(Change::Kind::open, at("203.0.113.5", 40001), "192.0.2.10", Cause::answer,
                   Component::rtcp);
  told.media(callee_rtp, caller_rtp, true).media(caller_rtp, at("203.0.113.5", 40001), true).bye();
  EXPECT_EQ(told.verdict().rfind("one-way audio", 0), 0U);
}

TEST(Findings, NoMediaIsTroubleOnlyWhereThereIsAny) {
  Told silent;
  silent.up().bye();
  EXPECT_EQ(silent.verdict(), "no media\n! No media passed, in either direction.");
  Told elsewhere;
  elsewhere.up().bye();
  EXPECT_EQ(
      elsewhere.verdict(MediaSeen::of_no_call),
      "no media\n! No media passed, in either direction. Packets that no session description announced are "
      "listed beside the calls.");
  Told signalling;
  signalling.up().bye();
  EXPECT_EQ(signalling.verdict(MediaSeen::none),
            "answered\n- The capture holds no media: whether it would pass can't be seen here.");
}

TEST(Findings, WhatComesTooEarlyOrTooLateHarmsNobody) {
  Told told;
  told.media(callee_rtp, caller_rtp, false).up();
  told.media(callee_rtp, caller_rtp, true).media(caller_rtp, callee_rtp, true).bye();
  told.media(caller_rtp, callee_rtp, false, 2);
  EXPECT_EQ(
      told.verdict(),
      "media both ways\n- 1 packet from 203.0.113.5:40000 to 192.0.2.10:30000 was dropped: the pinhole "
      "opened "
      "later.\n- 2 packets from 192.0.2.10:30000 to 203.0.113.5:40000 were dropped: the pinhole had closed.");
}

TEST(Findings, RefusalsHaveTheirReason) {
  Told told;
  told.sip(0).refuse("192.0.2.10", Cause::port_policy).refuse("192.0.2.11", Cause::port_policy);
  EXPECT_EQ(told.verdict(),
            "refused\n! 2 pinholes were refused (port-policy): the port is below 1024, outside media.ports, "
            "or among "
            "media.refuse-ports.");
}

TEST(Findings, MediaOverTcpAndOutsideTheNetworks) {
  Told told;
  told.sip(0).refuse("192.0.2.10", Cause::tcp_off).refuse("203.0.113.66", Cause::networks);
  EXPECT_EQ(told.verdict(),
            "refused\n! 1 pinhole was refused (networks): the address is in none of media.networks, and the "
            "message came from another one.\n! 1 pinhole was refused (tcp-off): it asks for media over TCP "
            "(MSRP, BFCP), and media.tcp is off.");
}

TEST(Findings, ACallThatOpensNothingSaysWhy) {
  Told bare;
  bare.sip(0, message::Method::invite, false).wait().sip(200, message::Method::invite, false);
  EXPECT_EQ(
      bare.verdict(),
      "nothing opened\n! Nothing opened: no message of it that could be read has a session description.");
  Told described;
  described.sip(0).wait().sip(486);
  EXPECT_EQ(described.verdict(),
            "nothing opened\n- Nothing opened: what its session descriptions ask for needs no pinhole.");
}

TEST(Findings, WhatWasNotReadIsSaidOnce) {
  Told told;
  told.sip(0, message::Method::invite, false)
      .unread(message::UnreadCause::encoding, "Content-Encoding gzip")
      .wait();
  told.sip(0, message::Method::invite, false).unread(message::UnreadCause::encoding, "Content-Encoding gzip");
  EXPECT_EQ(told.verdict(),
            "not read\n! A message opened nothing, or not all that it asks for: its body is encoded: "
            "Content-Encoding "
            "gzip (encoding).");
}

TEST(Findings, ACallThatWasNotAnswered) {
  Told told;
  told.sip(0).change(Change::Kind::open, caller_rtp, nullptr, Cause::offer).wait();
  told.sip(486).change(Change::Kind::close, caller_rtp, nullptr, Cause::rejected);
  EXPECT_EQ(told.verdict(), "not answered (486)");
}

}  // namespace
}  // namespace dpinholer::report
