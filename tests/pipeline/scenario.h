// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline.h"
#include "support/sdp.h"

namespace dpinholer::test {

/// A party's signalling address and port, as text.
struct Host {
  std::string address;
  std::uint16_t port = 5060;
};

/// An IPv4 or IPv6 packet with one UDP datagram.
std::vector<std::uint8_t> udp_packet(const Host& source, const Host& destination, std::string_view payload);

/// A SIP message, built from its parts in the order in which RFC 3261 likes to show them.
struct Sip {
  std::string start;  ///< "INVITE" for a request, "200 INVITE" for a response
  std::string call_id = "call@pbx";
  std::string from_tag = "a";
  std::string to_tag = {};
  std::string branch = "z9hG4bK1";
  int cseq = 1;
  std::string headers = {};  ///< further ones, each with its CRLF
  std::string body = {};     ///< an SDP, unless `content_type` says otherwise
  std::string content_type = "application/sdp";
};

std::string to_text(const Sip& message);

/// Runs messages through the real pipeline and keeps what it did as lines:
///   open  192.0.2.10:30000 any audio rtp 180 offer
///   bind  192.0.2.10:30000 203.0.113.5,203.0.113.9 audio rtp 300 answer
///   close 192.0.2.10:30000 audio rtp bye
///   refuse 10.0.0.1:53 audio rtp port-policy
///   ban 203.0.113.5 user-agent sipcli
/// with "tcp " before the address of a TCP pinhole.
class Scenario {
 public:
  explicit Scenario(PipelineSettings settings = {}, pinhole::Host* host = nullptr)
      : settings_(settings), host_(host), pipeline_(std::move(settings), host) {
    observe_connections();
  }

  /// Sends a message at the current time; returns what happened.
  std::string send(const Host& from, const Host& to, const Sip& message);
  std::string send_raw(const Host& from, const Host& to, std::string_view payload);
  /// A whole IP packet, or several one after the other.
  std::string send_packet(const std::vector<std::uint8_t>& packet);
  std::string send_packets(const std::vector<std::vector<std::uint8_t>>& packets);
  /// Lets time pass; returns what happened, each line with its time ("+32 close ...").
  std::string wait(base::seconds duration);
  /// What was not read since the last time, in lines: "203.0.113.5:5060 > 192.0.2.10:5060 call@pbx encoding:
  /// ...".
  std::string unread();
  /// The operator closes a call; returns what happened, "not found" when there is none.
  std::string close(std::string_view call_id);
  /// Another daemon begins, and finds open what the one before it left; returns what happened.
  std::string restart();
  /// Media arrives; true when a pinhole lets it through.
  bool media(const std::string& source, const std::string& destination, std::uint16_t port);

  /// Open pinholes now, sorted: "192.0.2.10:30000 any\n...".
  std::string open() const;

  /// The TCP connections that somebody could resume now.
  std::vector<Connection> connections() const;

  /// By which interface packets come from now on.
  void arrive_by(base::Interface interface) { arrival_ = interface; }

  Pipeline& pipeline() { return pipeline_; }
  base::TimePoint now() const { return now_; }

 private:
  struct OpenPinhole {
    pinhole::Key key;
    std::string from;
    pinhole::Recovered left;  // as a daemon after this one finds it
  };
  std::string take(bool with_time);
  void observe_connections();

  PipelineSettings settings_;
  pinhole::Host* host_;
  Pipeline pipeline_;
  base::Interface arrival_ = base::Interface::unknown;
  base::TimePoint now_{base::seconds{0}};
  Outcome outcome_;
  std::string unread_;
  std::vector<OpenPinhole> open_;
  std::shared_ptr<std::map<ip::StreamId, Connection>> connections_;
};

}  // namespace dpinholer::test
