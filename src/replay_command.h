// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace dpinholer {

/// `dpinholer replay`, as it stands on the command line.
struct ReplayOptions {
  std::string config;           ///< file; empty: the defaults
  std::string format = "text";  ///< text, json or html
  std::string sip_ports;        ///< "5060,5062-5064"; empty: SIP is recognised on any port
  std::vector<std::string> files;
};

/// Prints the events of each file to standard output, one line each, and errors to standard error. Each file
/// is replayed by itself: its time starts at 0, and its flows and summary end it. As html, all become one
/// page.
///
/// Returns the exit status: 0; 1 when a capture breaks off; 2 when an option, the configuration or a file
/// can't be used. The other files are replayed nonetheless.
int replay_command(const ReplayOptions& options);

}  // namespace dpinholer
