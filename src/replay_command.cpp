// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <variant>

#include "exit_status.h"
#include "replay.h"
#include "report/page.h"
#include "report/recorder.h"
#include "settings.h"
#include "system/capture.h"
#include "system/config.h"
#include "system/escape.h"
#include "system/event_lines.h"

namespace dpinholer {

namespace {

using pinhole::SameSide;

enum class Format { text, json, html };

std::optional<Format> format_named(const std::string& name) {
  if (name == "text") return Format::text;
  if (name == "json") return Format::json;
  if (name == "html") return Format::html;
  return std::nullopt;
}

// A capture has no routing table and no interfaces: sides are those of [sides], by network.
SameSide sides_of(const pinhole::PolicySettings& policy) {
  if (policy.same_side == SameSide::off || policy.inside_networks.empty()) return SameSide::off;
  return SameSide::configured;
}

void complain_of_interfaces(const pinhole::PolicySettings& policy) {
  const auto& names = policy.inside_addresses_of;
  if (names.empty()) return;
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) text += ", " + names[i];
  complain("a replay has no interfaces: " + text +
           " in inside-networks stands for nothing; name the addresses of that time instead");
}

std::string line(const Event& event, Format format) {
  return std::visit(
      [&](const auto& value) {
        return format == Format::json ? system::json_line(value) : system::text_line(value);
      },
      event);
}

using Done = tl::expected<void, std::string>;

Done print_lines(system::Capture& capture, const PipelineSettings& settings, Format format) {
  return replay(capture, settings, [&](const Event& event) { std::cout << line(event, format) << "\n"; });
}

Done record(system::Capture& capture, const PipelineSettings& settings, report::Recorder& recorder,
            system::Summary& summary) {
  ReplayObservers observers;
  observers.message = [&](const message::SipMessage& message, const Reading& packet, base::TimePoint now) {
    recorder.message(message, packet.source, packet.destination, now);
  };
  observers.media = [&](const Reading& packet, const std::optional<pinhole::Key>& pinhole,
                        base::TimePoint now) {
    recorder.media(packet.protocol, packet.source, packet.destination, pinhole, now);
  };
  const auto sink = [&](const Event& event) {
    if (const auto* change = std::get_if<pinhole::Change>(&event)) recorder.change(*change);
    if (const auto* refusal = std::get_if<pinhole::Refusal>(&event)) recorder.refusal(*refusal);
    if (const auto* unread = std::get_if<message::UnreadEvent>(&event)) recorder.unread(*unread);
    if (const auto* last = std::get_if<system::Summary>(&event)) summary = *last;
  };
  return replay(capture, settings, sink, observers);
}

// Prints what the replays of all files have in common, before the first and after the last.
class Printer {
 public:
  Printer(const ReplayOptions& options, Format format)
      : format_(format), titles_(format == Format::text && options.files.size() > 1) {}

  ExitStatus print(const std::string& file, const PipelineSettings& settings) {
    if (titles_) std::cout << system::escape(file) << ":\n";
    auto capture = system::Capture::open(file);
    if (!capture) {
      complain(capture.error());
      return ExitStatus::usage;
    }
    const Done done = format_ == Format::html ? print_part(*capture, file, settings)
                                              : print_lines(*capture, settings, format_);
    if (done) return ExitStatus::fine;
    complain(done.error());
    return ExitStatus::not_fine;
  }

  void finish() {
    if (parts_ > 0) std::cout << report::page_end();
  }

 private:
  Done print_part(system::Capture& capture, const std::string& file, const PipelineSettings& settings) {
    const std::string base_name =
        file == "-" ? "standard input" : std::filesystem::path(file).filename().string();
    report::Recorder recorder(base_name);
    system::Summary summary;
    const Done done = record(capture, settings, recorder, summary);
    if (parts_ == 0) std::cout << report::page_begin(base_name);
    std::cout << report::page_part(recorder.finish(summary, done ? "" : done.error()), ++parts_);
    return done;
  }

  Format format_;
  bool titles_;
  std::size_t parts_ = 0;
};

}  // namespace

int replay_command(const ReplayOptions& options) {
  const auto format = format_named(options.format);
  if (!format)
    return failed(ExitStatus::usage, "--format " + system::escape(options.format) +
                                         " is not known; right would be text, json or html");

  auto config = options.config.empty() ? system::Config{} : system::load_config(options.config);
  if (!config) return failed(ExitStatus::usage, config.error());
  PipelineSettings settings = pipeline_settings(*config);
  if (!options.sip_ports.empty()) {
    const auto ports = system::parse_port_list(options.sip_ports);
    if (!ports) {
      return failed(ExitStatus::usage, "--sip-ports " + system::escape(options.sip_ports) +
                                           " is no list of ports; right would be 5060,5062-5064");
    }
    settings.sip_ports = *ports;
  }
  settings.policy.same_side = sides_of(config->policy);
  if (config->policy.same_side != SameSide::off) complain_of_interfaces(config->policy);
  if (settings.policy.same_side == SameSide::off && config->policy.same_side != SameSide::off) {
    complain("no side check is made; a configuration with inside-networks in [sides] would make one");
  }

  auto status = ExitStatus::fine;
  Printer printer(options, *format);
  for (const std::string& file : options.files) status = std::max(status, printer.print(file, settings));
  printer.finish();
  return ended(status);
}

}  // namespace dpinholer
