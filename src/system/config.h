// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/address.h"
#include "base/time.h"
#include "ip/streams.h"
#include "message/session_description.h"
#include "negotiation/settings.h"
#include "pinhole/policy_settings.h"
#include "scanners/settings.h"

namespace dpinholer::system {

/// An nft table: "inet filter".
struct TableName {
  std::string family = "inet";  ///< inet, ip or ip6
  std::string name = "filter";

  friend bool operator==(const TableName&, const TableName&) = default;
};

/// First and last NFQUEUE number, both included.
struct QueueRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const QueueRange&, const QueueRange&) = default;
};

struct KernelSettings {
  TableName table;
  QueueRange queues;
  std::uint32_t queue_length = 4096;        ///< packets
  bool fail_open = true;                    ///< a full queue passes packets
  bool observe = false;                     ///< write nothing, hold nothing
  bool flush_on_stop = false;               ///< on-stop = "flush"
  std::chrono::milliseconds patience{400};  ///< that a message waits for its commit at most

  friend bool operator==(const KernelSettings&, const KernelSettings&) = default;
};

/// The configuration file. A default one is what an empty file says.
struct Config {
  KernelSettings kernel;
  negotiation::Settings negotiation;  ///< [media], [timeouts], [limits]
  pinhole::PolicySettings policy;     ///< [media], [sides], [limits]
  message::DescriptionLimits descriptions;
  ip::StreamSettings streams;
  bool drop_malformed = false;  ///< signalling.malformed = "drop"
  bool drop_not_sip = false;    ///< signalling.not-sip = "drop"
  bool offload = false;         ///< media.offload = "use"
  scanners::Settings scanners;
  std::optional<base::Endpoint> metrics;  ///< where to listen; nothing: nowhere

  friend bool operator==(const Config&, const Config&) = default;
};

/// Reads the text of a configuration file (TOML 1.0); `file` is its name for the error: one line,
/// `file:line: what is wrong; what would be right`, about the first line that is wrong.
tl::expected<Config, std::string> parse_config(std::string_view text, const std::string& file);

/// The text of a file, which must be there; at most limits::configuration_octets. The error is such a line,
/// too.
tl::expected<std::string, std::string> read_config(const std::string& file);

/// Both.
tl::expected<Config, std::string> load_config(const std::string& file);

/// "127.0.0.1:9260" or "[::1]:9260"; not port 0.
std::optional<base::Endpoint> parse_listen_address(std::string_view text);

/// "5060" or "5060-5069", within 1 to 65535 and not backwards.
std::optional<pinhole::PortRange> parse_port_range(std::string_view text);
/// Several of them with commas between: "5060,5062,6000-6010".
std::optional<std::vector<pinhole::PortRange>> parse_port_list(std::string_view text);

}  // namespace dpinholer::system
