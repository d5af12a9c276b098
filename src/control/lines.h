// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "control/events.h"
#include "control/rows.h"

/// The answers of the control socket, a JSON object a line. What `--json` prints is these lines, but for the
/// last: a stable interface. ASCII only, whatever a Call-ID holds: what is not ASCII is escaped, and octets
/// that are not UTF-8 become U+FFFD.
///
///   status    one object; groups of numbers: "packets", "calls", "pinholes", "sets", ...; and "banned": the
///             bans that end last, [{"address":"203.0.113.5","why":"from evil","seconds":3540.1},...]
///   calls     {"call_id":"...","began":1763759000.123,"seconds":12.3,"cause":"offer","state":"answered",
///              "media":["audio"],"pinholes":4,"packets":[{"to":"192.0.2.10","packets":600,"counted":true},
///              ...],"behind_nat":[{"address":"10.0.0.5","source":"203.0.113.20"}],"one_way":false,
///              "counts_lost":false}
///             state: "offered" until an answer was seen. packets: toward each address, without RTCP; there
///             were more where counts_lost is true, and one_way is false then. counted: false where only this
///             host sends there and no rule counts what it sends, and of an address behind a NAT of its own;
///             that direction does not make one_way true. behind_nat: what parties announce, and where their
///             messages come from.
///   pinholes  {"protocol":"udp","address":"192.0.2.10","port":30000,"from":["203.0.113.5"],"call_id":"...",
///              "media":"audio","component":"rtp","set":"sip_rtp4_from","opened":1763759000.123,
///              "cause":"offer","timeout":300,"expires":287.4,"packets":600}
///             expires: null when the kernel does not hold it, or not all of it was looked at
///   events    the lines of `dpinholer replay --format json`, but `time` counts from 1970; and, where events
///             went by unread, {"missed":3}
///   last      {"end":"ok"}, {"end":"not-found"}, or {"end":"error","error":"..."}
namespace dpinholer::control {

/// Moments of the daemon's clock as others know them.
struct Times {
  base::TimePoint now;
  base::Duration since_1970{0};  ///< now
};

std::string status_line(const Status& status);
std::string call_line(const CallRow& call, const Times& times);
std::string pinhole_line(const PinholeRow& pinhole, const Times& times);
std::string event_line(Event event, const Times& times);
std::string missed_line(std::uint64_t events);
/// `end`: "ok", "not-found". With an error: "error".
std::string end_line(std::string_view end);
std::string error_line(std::string_view error);

}  // namespace dpinholer::control
