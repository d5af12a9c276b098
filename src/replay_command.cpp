// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay_command.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <variant>

#include "exit_status.h"
#include "replay.h"
#include "settings.h"
#include "system/capture.h"
#include "system/config.h"
#include "system/escape.h"
#include "system/event_lines.h"

namespace dpinholer {

namespace {

using pinhole::SameSide;

enum class Format { text, json };

std::optional<Format> format_named(const std::string& name) {
  if (name == "text") return Format::text;
  if (name == "json") return Format::json;
  return std::nullopt;
}

void complain(const std::string& text) {
  std::cerr << "dpinholer: " << text << "\n";
}

// A capture has no routing table and no interfaces: sides are those of [sides], by network.
SameSide sides_of(const pinhole::PolicySettings& policy) {
  if (policy.same_side == SameSide::off || policy.inside_networks.empty()) return SameSide::off;
  return SameSide::configured;
}

std::string line(const Event& event, Format format) {
  return std::visit(
      [&](const auto& value) {
        return format == Format::json ? system::json_line(value) : system::text_line(value);
      },
      event);
}

ExitStatus replay_file(const std::string& file, const PipelineSettings& settings, Format format) {
  auto capture = system::Capture::open(file);
  if (!capture) {
    complain(capture.error());
    return ExitStatus::usage;
  }
  const auto done =
      replay(*capture, settings, [&](const Event& event) { std::cout << line(event, format) << "\n"; });
  if (done) return ExitStatus::fine;
  std::cout.flush();
  complain(done.error());
  return ExitStatus::not_fine;
}

}  // namespace

int replay_command(const ReplayOptions& options) {
  auto usage_error = [](const std::string& text) {
    complain(text);
    return static_cast<int>(ExitStatus::usage);
  };
  const auto format = format_named(options.format);
  if (!format)
    return usage_error("--format " + system::escape(options.format) +
                       " is not known; right would be text or json");

  auto config = options.config.empty() ? system::Config{} : system::load_config(options.config);
  if (!config) return usage_error(config.error());
  PipelineSettings settings = pipeline_settings(*config);
  if (!options.sip_ports.empty()) {
    const auto ports = system::parse_port_list(options.sip_ports);
    if (!ports) {
      return usage_error("--sip-ports " + system::escape(options.sip_ports) +
                         " is no list of ports; right would be 5060,5062-5064");
    }
    settings.sip_ports = *ports;
  }
  settings.policy.same_side = sides_of(config->policy);
  if (settings.policy.same_side == SameSide::off && config->policy.same_side != SameSide::off) {
    complain("no side check is made; a configuration with inside-networks in [sides] would make one");
  }

  auto status = ExitStatus::fine;
  for (const std::string& file : options.files) {
    if (*format == Format::text && options.files.size() > 1) std::cout << system::escape(file) << ":\n";
    status = std::max(status, replay_file(file, settings, *format));
  }
  if (!std::cout.flush()) {
    complain("standard output can't be written; give it a place with room");
    status = std::max(status, ExitStatus::not_fine);
  }
  return static_cast<int>(status);
}

}  // namespace dpinholer
