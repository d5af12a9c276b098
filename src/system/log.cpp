// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace dpinholer::system::log {

namespace {

Level least = Level::info;

bool goes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || fstat(STDERR_FILENO, &file) != 0) return false;
  return names_file(stream, file.st_dev, file.st_ino);
}

int priority(Level level) {
  switch (level) {
    case Level::debug:
      return LOG_DEBUG;
    case Level::info:
      return LOG_INFO;
    case Level::warning:
      return LOG_WARNING;
    case Level::error:
      return LOG_ERR;
  }
  return LOG_INFO;
}

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

// entry = 1*( name "=" value ), each in a vector of its own: values may hold any octet
void write_journal(Level level, std::string_view text, std::span<const Field> fields) {
  std::vector<std::string> entry{"MESSAGE=" + std::string(text),
                                 "PRIORITY=" + std::to_string(priority(level)),
                                 "SYSLOG_IDENTIFIER=dpinholer"};
  for (const Field& field : fields) entry.push_back(std::string(field.name) + "=" + field.value);
  std::vector<iovec> vectors;
  vectors.reserve(entry.size());
  for (std::string& field : entry) vectors.push_back({field.data(), field.size()});
  sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
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
  static const bool journal = goes_to_journal();
  if (journal) return write_journal(level, line, fields);
  terminal().log(spdlog_level(level), "{}", line);
}

void set_least(Level level) {
  least = level;
}

bool names_file(std::string_view stream, unsigned long device, unsigned long inode) {
  return stream == std::to_string(device) + ":" + std::to_string(inode);
}

}  // namespace dpinholer::system::log
