// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "base/bytes.h"
#include "base/time.h"
#include "system/link_layer.h"

struct pcap;

namespace dpinholer::system {

/// One frame of a capture.
struct Frame {
  /// Since the first frame, which stands at TimePoint{}. Never goes backwards: a frame with an earlier time
  /// stamp than its predecessor has the predecessor's time. Finer stamps are cut to microseconds.
  base::TimePoint time;
  /// From the IP header on, valid until the next frame is read; nothing for frames without IP (ARP, LLDP,
  /// ...). A snap length may have cut it: ip::read_packet marks such a packet.
  std::optional<base::Bytes> packet;
};

/// A pcap or pcapng file, read frame by frame.
class Capture {
 public:
  /// "-" is standard input. The error is one line that names the file and what would help.
  static tl::expected<Capture, std::string> open(const std::string& file);

  /// Nothing at the end of the file. A file that breaks off within a frame, or is damaged there, gives its
  /// whole frames and then an error (one line); it must not pass for a complete one.
  tl::expected<std::optional<Frame>, std::string> next();

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };

  Capture(std::string file, std::unique_ptr<pcap, Close> handle, LinkType type);

  std::string file_;
  std::unique_ptr<pcap, Close> handle_;
  LinkType type_;
  std::uint64_t frames_ = 0;
  std::int64_t first_second_ = 0;  // time stamp of the first frame, in two parts as libpcap has it
  std::int64_t first_microsecond_ = 0;
  base::TimePoint last_;
};

}  // namespace dpinholer::system
