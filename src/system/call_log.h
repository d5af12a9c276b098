// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "pinhole/pinhole.h"
#include "system/log.h"

namespace dpinholer::system {

/// One line for each call that is opened and each that is closed, with what passed in each direction. A call
/// is one as long as it has a pinhole.
class CallLog {
 public:
  /// Takes a finished line.
  using Sink = std::function<void(const std::string& text, const std::vector<log::Field>& fields)>;

  /// `counts`: whether it is told how many packets passed; if not, its lines say nothing about media.
  explicit CallLog(Sink sink, bool counts = true) : sink_(std::move(sink)), counts_(counts) {}

  void opened(const pinhole::Change& change);
  /// `label`: of whoever opened the pinhole, as `opened` was told; `packets` passed through it.
  void closed(const pinhole::Change& change, const pinhole::Label& label, std::uint64_t packets);

  /// Writes the lines of what was told since the last time.
  void flush();

  std::size_t calls() const { return calls_.size(); }

 private:
  struct Call {
    std::size_t open = 0;  // pinholes
    base::TimePoint began;
    base::TimePoint ended;
    pinhole::Cause opened_by = pinhole::Cause::offer;
    pinhole::Cause closed_by = pinhole::Cause::bye;
    bool told = false;                             // its opening line is written
    std::vector<pinhole::Key> first;               // of the opening line
    std::map<base::Address, std::uint64_t> media;  // packets to each address, but for RTCP
  };
  using Calls = std::map<std::string, Call>;

  void write_opened(const std::string& call_id, const Call& call) const;
  void write_closed(const std::string& call_id, const Call& call) const;

  Sink sink_;
  bool counts_;
  Calls calls_;
  std::vector<std::string> touched_;
};

}  // namespace dpinholer::system
