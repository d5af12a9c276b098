// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/time.h"
#include "message/unread.h"
#include "pinhole/far_nat.h"
#include "pinhole/pinhole.h"
#include "scanners/offence.h"

namespace dpinholer::system {

/// What the pinholes made of the packets from one endpoint to another.
struct Flow {
  base::TimePoint time;  ///< of the capture's last frame
  base::Protocol protocol = base::Protocol::udp;
  base::Endpoint source;
  base::Endpoint destination;
  std::uint64_t passed = 0;   ///< packets
  std::uint64_t dropped = 0;  ///< packets
};

struct Summary {
  base::TimePoint time;             ///< of the capture's last frame
  std::uint64_t packets = 0;        ///< every captured frame
  std::uint64_t sip_messages = 0;   ///< read whole: retransmitted and ambiguous ones too
  std::uint64_t malformed = 0;      ///< on which the parser gave up
  std::uint64_t calls = 0;          ///< Call-IDs that had state
  std::uint64_t opened = 0;         ///< open events
  std::uint64_t closed = 0;         ///< close events
  std::uint64_t open_at_end = 0;    ///< pinholes
  std::uint64_t refused = 0;        ///< refuse events
  std::uint64_t media_passed = 0;   ///< packets of all flows
  std::uint64_t media_dropped = 0;  ///< packets of all flows
};

/// One JSON object: the stable interface of `replay --format json`. The keys stand in a fixed order; `time`
/// has six decimals. ASCII only and without line breaks, whatever a Call-ID holds: what is not ASCII is
/// escaped, and octets that are not UTF-8 become U+FFFD. No line end.
///
/// A refresh is no event: its line is empty.
std::string json_line(const pinhole::Change& change);
std::string json_line(const pinhole::Refusal& refusal);
std::string json_line(const scanners::Offence& offence);
std::string json_line(const message::UnreadEvent& unread);
std::string json_line(const pinhole::FarNat& nat);
std::string json_line(const Flow& flow);
std::string json_line(const Summary& summary);

/// The same for people, in columns and escaped (escape.h). Not a stable interface.
std::string text_line(const pinhole::Change& change);
std::string text_line(const pinhole::Refusal& refusal);
std::string text_line(const scanners::Offence& offence);
std::string text_line(const message::UnreadEvent& unread);
std::string text_line(const pinhole::FarNat& nat);
std::string text_line(const Flow& flow);
std::string text_line(const Summary& summary);

}  // namespace dpinholer::system
