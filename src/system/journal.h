// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string_view>

#include "system/log.h"

/// The journal of systemd, for log.cpp alone.
namespace dpinholer::system::journal {

/// Whether standard error is connected to it; never in a build without systemd.
bool is_there();

/// An entry with its fields.
void write(log::Level level, std::string_view text, std::span<const log::Field> fields);

}  // namespace dpinholer::system::journal
