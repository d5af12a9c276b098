// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include <tl/expected.hpp>

#include "pinhole/pinhole.h"
#include "pipeline.h"
#include "system/capture.h"
#include "system/event_lines.h"

namespace dpinholer {

/// What a replay tells, in order of time: changes (no refreshes), refusals, offences, what was not read and
/// parties behind a NAT, as they happen; then the flows, in the order of their first packets; last the
/// summary.
using Event = std::variant<pinhole::Change, pinhole::Refusal, scanners::Offence, message::UnreadEvent,
                           pinhole::FarNat, system::Flow, system::Summary>;
using EventSink = std::function<void(const Event&)>;

/// What else there is to see on the way, for those who draw it; each may be empty. A message is seen before
/// the events that it causes.
struct ReplayObservers {
  MessageObserver message;
  /// A packet that was judged, and the pinhole that let it through; nothing if it was dropped.
  std::function<void(const Reading& packet, const std::optional<pinhole::Key>& pinhole, base::TimePoint now)>
      media;
};

/// Runs the pipeline on a capture, with the capture's time, and judges every other packet as the kernel
/// would:
///
/// - UDP that is no SIP passes if a pinhole is open to its destination, for its source, at that moment. A
///   keep-alive (CRLF, NULs, nothing at all) is media if a pinhole is open for it, else SIP's own business.
/// - TCP that is no SIP is judged in the same way, but only when `settings.negotiation.tcp` allows TCP media;
///   the other direction of a connection that passed passes too, as long as the pinhole is open.
/// - Media that passes keeps its call alive, as the kernel's counters do in the daemon.
/// - A fragmented datagram is judged once, when it is whole. What has no UDP or TCP header is only counted.
///
/// Timers that are due after the last frame do not fire. Memory grows with the number of flows in the file.
///
/// A capture that breaks off gives its flows and summary too, and then its error (one line).
tl::expected<void, std::string> replay(system::Capture& capture, const PipelineSettings& settings,
                                       const EventSink& sink, const ReplayObservers& observers = {});

}  // namespace dpinholer
