// SPDX-License-Identifier: GPL-2.0-or-later
#include "control_commands.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "control/client.h"
#include "control/tables.h"
#include "exit_status.h"
#include "system/escape.h"

namespace dpinholer {

namespace {

using control::Client;
using control::Look;
using control::Request;
using Command = Request::Command;
using Lines = std::vector<std::string>;

Look look_of_output() {
  if (isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const char* no_colour = std::getenv("NO_COLOR");  // no-color.org
  return {known ? size.ws_col : std::size_t{80}, no_colour == nullptr || *no_colour == '\0'};
}

std::string not_found_text(const ControlOptions& options, const Request& request) {
  if (request.command == Command::unban)
    return options.address + " is not banned; dpinholer status shows who is";
  return "no call " + system::escape(options.call_id) +
         " has a pinhole; dpinholer calls shows those that have";
}

// Asks, hands over what comes, and makes an exit status of how it ended.
int ask(const ControlOptions& options, const Request& request, const Client::Line& line,
        const std::function<void()>& done = {}) {
  auto client = Client::connect(options.socket);
  if (!client) return no_daemon(client.error());
  const auto end = client->ask(request, line);
  if (!end) return no_daemon(end.error());
  switch (end->kind) {
    case Client::End::Kind::ok:
      break;
    case Client::End::Kind::not_found:
      return failed(ExitStatus::not_fine, not_found_text(options, request));
    case Client::End::Kind::error:
      return failed(ExitStatus::not_fine, "the daemon refused: " + system::escape(end->error));
  }
  if (done) done();
  return ended(ExitStatus::fine);
}

bool print(std::string_view line) {
  return static_cast<bool>(std::cout << line << "\n");
}

using MakeTable = std::string (*)(const Lines&, const Look&);

int list(const ControlOptions& options, Command command, MakeTable table) {
  if (options.json) return ask(options, {command}, print);
  Lines lines;
  return ask(
      options, {command},
      [&](std::string_view line) {
        lines.emplace_back(line);
        return true;
      },
      [&] { std::cout << table(lines, look_of_output()); });
}

}  // namespace

// "/run/dpinholer/control: Permission denied; ..."
int no_daemon(const system::SystemError& error) {
  std::string remedy = "is the daemon running? systemctl status dpinholer tells";
  if (error.code == EACCES) remedy = "root and members of the group dpinholer may ask";
  if (error.code == ETIMEDOUT || error.code == EAGAIN) remedy = "the daemon does not answer";
  if (error.code == ECONNRESET || error.code == EPIPE) remedy = "the daemon has ended";
  if (error.code == EBADMSG)
    remedy = "what answers there is no daemon of this version; name its socket with --socket";
  return failed(ExitStatus::unreachable, system::escape(error.object) + ": " +
                                             std::generic_category().message(error.code) + "; " + remedy);
}

int status_command(const ControlOptions& options) {
  const Look look = look_of_output();
  return ask(options, {Command::status}, [&](std::string_view line) {
    if (options.json) return print(line);
    return static_cast<bool>(std::cout << control::status_text(line, look));
  });
}

int calls_command(const ControlOptions& options) {
  return list(options, Command::calls, control::calls_table);
}

int pinholes_command(const ControlOptions& options) {
  return list(options, Command::pinholes, control::pinholes_table);
}

int events_command(const ControlOptions& options) {
  const Look look = look_of_output();
  return ask(options, {Command::events, options.follow}, [&](std::string_view line) {
    if (options.json) return static_cast<bool>(std::cout << line << "\n" << std::flush);
    return static_cast<bool>(std::cout << control::event_text(line, look) << std::flush);
  });
}

int close_command(const ControlOptions& options) {
  return ask(
      options, {Command::close, false, options.call_id}, [](std::string_view) { return true; },
      [&] {
        if (options.json) return;
        std::cout << "call " << system::escape(options.call_id) << " closed\n";
      });
}

int unban_command(const ControlOptions& options) {
  const auto address = base::Network::parse(options.address);
  if (!address) {
    return failed(ExitStatus::usage, system::escape(options.address) +
                                         " is no address; right would be 203.0.113.5 or 2001:db8::5");
  }
  Request request{Command::unban};
  request.address = address->first();
  return ask(
      options, request, [](std::string_view) { return true; },
      [&] {
        if (!options.json) std::cout << options.address << " is not banned any more\n";
      });
}

}  // namespace dpinholer
