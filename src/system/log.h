// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace dpinholer::system::log {

enum class Level { debug, info, warning, error };

/// A field of a journal entry: CALL_ID, ADDRESS, PORT, CAUSE. Any octets.
struct Field {
  std::string_view name;
  std::string value;
};

/// One line: to the journal, with its fields, when standard error is connected to it, and else as plain text
/// to standard error, in colour on a terminal. There the fields are not shown: the text says what matters.
/// Text from the wire must have been escaped (escape.h); control characters left in `text` become '?'.
void write(Level level, std::string_view text, std::span<const Field> fields = {});

/// Lines below it are not written; `info` at first.
void set_least(Level level);

inline void debug(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::debug, text, {fields.begin(), fields.size()});
}
inline void info(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::info, text, {fields.begin(), fields.size()});
}
inline void warning(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::warning, text, {fields.begin(), fields.size()});
}
inline void error(std::string_view text, std::initializer_list<Field> fields = {}) {
  write(Level::error, text, {fields.begin(), fields.size()});
}

/// Whether `stream` ("device:inode", the value of JOURNAL_STREAM) names this file (systemd.exec(5)).
bool names_file(std::string_view stream, unsigned long device, unsigned long inode);

}  // namespace dpinholer::system::log
