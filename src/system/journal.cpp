// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/journal.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace dpinholer::system::journal {

namespace {

using log::Level;

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

}  // namespace

bool is_there() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || fstat(STDERR_FILENO, &file) != 0) return false;
  return log::names_file(stream, file.st_dev, file.st_ino);
}

// entry = 1*( name "=" value ), each in a vector of its own: values may hold any octet
void write(Level level, std::string_view text, std::span<const log::Field> fields) {
  std::vector<std::string> entry{"MESSAGE=" + std::string(text),
                                 "PRIORITY=" + std::to_string(priority(level)),
                                 "SYSLOG_IDENTIFIER=dpinholer"};
  for (const log::Field& field : fields) entry.push_back(std::string(field.name) + "=" + field.value);
  std::vector<iovec> vectors;
  vectors.reserve(entry.size());
  for (std::string& field : entry) vectors.push_back({field.data(), field.size()});
  sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
}

}  // namespace dpinholer::system::journal
