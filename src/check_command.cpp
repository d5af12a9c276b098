// SPDX-License-Identifier: GPL-2.0-or-later
#include "check_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "configuration.h"
#include "control/client.h"
#include "control/json_values.h"
#include "control/server.h"
#include "doctor/report.h"
#include "exit_status.h"

namespace dpinholer {

namespace {

using doctor::Findings;
using doctor::Severity;

bool wants_colours() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

// Of a daemon that waits for its sets only what it does not say by itself; what else is wrong then may come
// right with them. By standard error, as sd-daemon(3) has it: the journal would not know of what unit a
// process was that is gone already.
void log_before_start(const Findings& findings) {
  const std::string level = std::getenv("JOURNAL_STREAM") == nullptr ? "" : "<4>";
  const bool waits = std::ranges::any_of(findings, doctor::keeps_waiting);
  for (const doctor::Finding& finding : findings) {
    if (finding.id == "nobody-listening" || (waits && finding.id != "kernel-feature")) continue;
    std::cerr << level << "dpinholer: check: " << doctor::log_line(finding) << "\n";
  }
}

// How many messages found no room in the queues, as the daemon says; 0 when there is none.
std::uint64_t unread_messages() {
  auto client = control::Client::connect(control::default_socket);
  if (!client) return 0;
  std::uint64_t unread = 0;
  const control::Request request{control::Request::Command::status};
  (void)client->ask(request, [&](std::string_view line) {
    unread = control::count(control::value(control::read_object(line), "packets"), "unread");
    return true;
  });
  return unread;
}

}  // namespace

int check_command(const CheckOptions& options) {
  const auto configuration = read_configuration(options.config);
  if (!configuration) return failed(ExitStatus::usage, configuration.error());
  auto facts = doctor::gather(configuration->config, configuration->file);
  if (options.preflight) {
    if (facts) log_before_start(doctor::examine(*facts));
    return static_cast<int>(ExitStatus::fine);
  }
  if (!facts) return failed(ExitStatus::unreachable, facts.error());
  facts->unread_messages = unread_messages();
  const Findings findings = doctor::examine(*facts);
  std::cout << (options.json ? doctor::json_report(*facts, findings)
                             : doctor::text_report(*facts, findings, wants_colours()));
  return ended(doctor::count(findings, Severity::fault) > 0 ? ExitStatus::not_fine : ExitStatus::fine);
}

}  // namespace dpinholer
