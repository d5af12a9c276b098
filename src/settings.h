// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "pipeline.h"
#include "system/config.h"

namespace dpinholer {

/// What of the configuration the pipeline works by. Not set: what the command line (`sip_ports`) and the
/// kernel
/// (`policy.own_addresses`, `hash_key`) say.
inline PipelineSettings pipeline_settings(const system::Config& config) {
  return {.negotiation = config.negotiation,
          .policy = config.policy,
          .descriptions = config.descriptions,
          .sip_ports = {},
          .streams = config.streams,
          .hash_key = {}};
}

}  // namespace dpinholer
