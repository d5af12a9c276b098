// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace dpinholer {

/// Becomes `dpinholer-exporter`, a program of its own beside this one: not every gateway has it, nor the
/// library that it speaks HTTP with. `arguments`: the command line from the command's own name on, with the
/// null pointer at its end. Returns an exit status if the program can't be executed.
int exporter_command(char** arguments);

}  // namespace dpinholer
