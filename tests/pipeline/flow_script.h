// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "pipeline/scenario.h"

namespace dpinholer::test {

struct FlowPacket {
  Host from;
  Host to;
  Sip message;
};

/// One line of a flow (grammar in flow.h).
struct FlowStep {
  enum class Kind : std::uint8_t { comment, message, wait, restart, media, close };
  Kind kind = Kind::comment;
  std::string text;                 ///< the line, trimmed
  std::vector<FlowPacket> packets;  ///< message: one for each hop
  base::seconds duration{0};        ///< wait
  Host media_from;                  ///< media
  Host media_to;
  std::string call_id;                ///< close
  std::vector<std::string> expected;  ///< outcome lines, trimmed
};

/// Throws std::invalid_argument, naming the line, when it is not of the grammar.
std::vector<FlowStep> read_flow(std::string_view flow);

/// "alice" for "192.0.2.10", or the address itself for one without a name.
std::string host_name(const std::string& address);

}  // namespace dpinholer::test
