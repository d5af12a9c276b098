// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "pipeline.h"
#include "system/config.h"

namespace dpinholer {

/// What of the configuration the pipeline works by. Not set: what the command line says (`sip_ports`), and
/// what is drawn (`hash_key`).
inline PipelineSettings pipeline_settings(const system::Config& config) {
  return {.negotiation = config.negotiation,
          .policy = config.policy,
          .descriptions = config.descriptions,
          .sip_ports = {},
          .streams = config.streams,
          .hash_key = {}};
}

}  // namespace dpinholer
