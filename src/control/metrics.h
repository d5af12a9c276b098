// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dpinholer::control {

/// How metrics are written: the text format of Prometheus (0.0.4), or OpenMetrics 1.0.
enum class MetricsFormat : std::uint8_t { prometheus, open_metrics };

/// The format that an HTTP client asked for in its Accept header.
MetricsFormat metrics_format(std::string_view accept);
std::string_view content_type(MetricsFormat format);

/// The daemon's status line (lines.h) as metrics; an empty one, when no daemon answers, says that it is down.
/// No label holds text from the wire.
std::string metrics_text(std::string_view status, MetricsFormat format);

}  // namespace dpinholer::control
