// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "pipeline.h"
#include "system/config.h"

namespace dpinholer {

/// Whoever is inside is never banned.
inline scanners::Settings scanner_settings(const system::Config& config) {
  scanners::Settings settings = config.scanners;
  settings.ipv6_prefix = config.negotiation.ipv6_prefix;
  const auto& inside = config.policy.inside_networks;
  settings.never.insert(settings.never.end(), inside.begin(), inside.end());
  return settings;
}

/// What of the configuration the pipeline works by. Not set: what the command line says (`sip_ports`), and
/// what is drawn (`hash_key`).
inline PipelineSettings pipeline_settings(const system::Config& config) {
  return {.negotiation = config.negotiation,
          .policy = config.policy,
          .descriptions = config.descriptions,
          .sip_ports = {},
          .queued = false,
          .streams = config.streams,
          .scanners = scanner_settings(config),
          .hash_key = {}};
}

}  // namespace dpinholer
