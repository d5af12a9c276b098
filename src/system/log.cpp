// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "system/journal.h"

namespace dpinholer::system::log {

namespace {

Level least = Level::info;

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& terminal() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("dpinholer",
                                                 std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

}  // namespace

void write(Level level, std::string_view text, std::span<const Field> fields) {
  if (level < least) return;
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  static const bool to_journal = journal::is_there();
  if (to_journal) return journal::write(level, line, fields);
  terminal().log(spdlog_level(level), "{}", line);
}

void set_least(Level level) {
  least = level;
}

bool names_file(std::string_view stream, unsigned long device, unsigned long inode) {
  return stream == std::to_string(device) + ":" + std::to_string(inode);
}

}  // namespace dpinholer::system::log
