// SPDX-License-Identifier: GPL-2.0-or-later
// The command line. Each command is one function below that describes its options, and one function in a file
// of its own that runs it and returns the exit status.
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "check_command.h"
#include "configuration.h"
#include "control_commands.h"
#include "exit_status.h"
#include "exporter_command.h"
#include "inspector_roles.h"
#include "replay_command.h"
#include "run_command.h"
#include "socket_option.h"
#include "system/error.h"
#include "system/escape.h"
#include "top_command.h"

namespace {

using dpinholer::add_socket;
using dpinholer::ControlOptions;
using dpinholer::ended;
using dpinholer::ExitStatus;
using dpinholer::failed;
using dpinholer::system::escape;

// What the command line asks for; set when it has been read.
using Command = std::function<int()>;

void add_replay(CLI::App& app, Command& chosen) {
  auto* replay = app.add_subcommand("replay", "Show what would open and close in captures, when and why");
  auto options = std::make_shared<dpinholer::ReplayOptions>();
  replay->add_option("--config", options->config, "Configuration file (the defaults, if none is given)")
      ->type_name("FILE");
  replay->add_option("--format", options->format, "text, json, or html: one page to read and to send on")
      ->type_name("FORMAT")
      ->capture_default_str();
  replay->add_option("--sip-ports", options->sip_ports, "Recognise SIP on these ports only, 5060,5062-5064")
      ->type_name("LIST");
  replay
      ->add_option("FILE", options->files,
                   "pcap or pcapng; - is standard input. Of several, each is replayed "
                   "by itself and ends with its own flows and summary")
      ->required()
      ->type_name(" ");
  replay->callback([options, &chosen] { chosen = [options] { return replay_command(*options); }; });
}

// A command that asks the running daemon.
CLI::App* add_question(CLI::App& app, Command& chosen, const char* name, const char* description,
                       int (*run)(const ControlOptions&), const std::shared_ptr<ControlOptions>& options) {
  auto* command = app.add_subcommand(name, description);
  add_socket(*command, options->socket);
  command->add_flag("--json", options->json, "Print JSON, an object a line");
  command->callback([=, &chosen] { chosen = [=] { return run(*options); }; });
  return command;
}

void add_questions(CLI::App& app, Command& chosen) {
  auto options = [] { return std::make_shared<ControlOptions>(); };
  add_question(app, chosen, "status", "Show what the daemon has done, and how it is",
               dpinholer::status_command, options());
  add_question(app, chosen, "calls", "Show the calls that have pinholes", dpinholer::calls_command,
               options());
  add_question(app, chosen, "pinholes", "Show the pinholes", dpinholer::pinholes_command, options());
  auto of_events = options();
  add_question(app, chosen, "events", "Show what opened, closed and was refused lately",
               dpinholer::events_command, of_events)
      ->add_flag("--follow,-f", of_events->follow, "And what does from now on");
  auto of_close = options();
  add_question(app, chosen, "close", "Close the pinholes of a call, and open none for it any more",
               dpinholer::close_command, of_close)
      ->add_option("CALL-ID", of_close->call_id, "As calls shows it")
      ->required()
      ->type_name(" ");
  auto of_unban = options();
  add_question(app, chosen, "unban", "Let SIP of a banned source pass again", dpinholer::unban_command,
               of_unban)
      ->add_option("ADDRESS", of_unban->address, "As status shows it")
      ->required()
      ->type_name(" ");
}

#ifdef DPINHOLER_TOP
void add_top(CLI::App& app, Command& chosen) {
  auto* top = app.add_subcommand("top", "Show calls and pinholes with their packets a second, live");
  auto options = std::make_shared<dpinholer::TopOptions>();
  top->add_option("--interval", options->seconds, "Seconds between two looks")
      ->check(CLI::Range(1, 60))
      ->type_name("SECONDS")
      ->capture_default_str();
  add_socket(*top, options->socket);
  top->callback([options, &chosen] { chosen = [options] { return top_command(*options); }; });
}
#else
// `--help` does not list it.
void add_top(CLI::App& app, Command& chosen) {
  auto* top = app.add_subcommand("top")->group("");
  top->set_help_flag("");
  top->allow_extras();
  top->callback([&chosen] {
    chosen = [] {
      return failed(ExitStatus::usage,
                    "top is not in this build of dpinholer; build it with ncurses and -DDPINHOLER_TOP=ON");
    };
  });
}
#endif

// Another program, which reads the words behind the command itself. `argv`: of main.
void add_exporter(CLI::App& app, Command& chosen, char** argv) {
  auto* exporter = app.add_subcommand(
      "exporter", "Serve the daemon's figures to Prometheus, at /metrics: dpinholer-exporter(8)");
  exporter->callback([=, &chosen] { chosen = [=] { return dpinholer::exporter_command(argv + 1); }; });
}

// How many words of the command line are for this program.
int words_of_ours(int argc, char** argv) {
  return argc > 1 && std::string_view(argv[1]) == "exporter" ? 2 : argc;
}

void add_run(CLI::App& app, Command& chosen) {
  auto* run =
      app.add_subcommand("run", "Open pinholes for the calls that an nftables rule queues: the daemon");
  auto options = std::make_shared<dpinholer::RunOptions>();
  run->add_option(
         "--config", options->config,
         std::string("Configuration file (") + dpinholer::default_configuration + ", if it is there)")
      ->type_name("FILE");
  add_socket(*run, options->socket);
  run->callback([options, &chosen] { chosen = [options] { return run_command(*options); }; });
}

void add_check(CLI::App& app, Command& chosen) {
  auto* check = app.add_subcommand(
      "check", "Say what is wrong with rules, kernel and configuration, and what mends it");
  auto options = std::make_shared<dpinholer::CheckOptions>();
  check
      ->add_option(
          "--config", options->config,
          std::string("Configuration file (") + dpinholer::default_configuration + ", if it is there)")
      ->type_name("FILE");
  check->add_flag("--json", options->json, "One JSON object a line");
  check->add_flag(
      "--preflight", options->preflight,
      "Before the daemon starts: findings go to the log, and only a mistake in the configuration fails");
  check->callback([options, &chosen] { chosen = [options] { return check_command(*options); }; });
}

// "dpinholer 1.0", or "dpinholer 1.0 without systemd, top".
std::string version() {
  std::string text = "dpinholer " DPINHOLER_VERSION;
  [[maybe_unused]] std::string separator = " without ";
#ifndef DPINHOLER_SYSTEMD
  text += std::exchange(separator, ", ") + "systemd";
#endif
#ifndef DPINHOLER_TOP
  text += std::exchange(separator, ", ") + "top";
#endif
  return text;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto commands = app.get_subcommands();
  const std::string command = commands.empty() ? "" : commands.front()->get_name() + " ";
  return failed(ExitStatus::usage, escape(error.what()) + "; see dpinholer " + command + "--help");
}

int no_command(const CLI::App& app) {
  const auto words = app.remaining();
  const bool none = words.empty() || words.front().empty();
  std::string text = none ? "a command is missing" : escape(words.front()) + " is no command";
  std::string separator = ": there are ";
  const auto is_listed = [](const CLI::App* command) { return !command->get_group().empty(); };
  for (const CLI::App* command : app.get_subcommands(is_listed))
    text += std::exchange(separator, ", ") + command->get_name();
  return failed(ExitStatus::usage, text + "; see dpinholer --help");
}

}  // namespace

int main(int argc, char** argv) try {
  dpinholer::take_role(argc, argv, dpinholer::inspect_as_ordered);
  CLI::App app("Opens nftables pinholes for the media that SIP calls announce.", "dpinholer");
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  Command chosen;
  add_run(app, chosen);
  add_replay(app, chosen);
  add_check(app, chosen);
  add_questions(app, chosen);
  add_top(app, chosen);
  add_exporter(app, chosen, argv);
  try {
    app.parse(words_of_ours(argc, argv), argv);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return ended(ExitStatus::fine);
  } catch (const CLI::ParseError& error) {
    return app.get_subcommands().empty() ? no_command(app) : usage_error(app, error);
  }
  return chosen();
} catch (const std::bad_alloc&) {
  return failed(ExitStatus::not_fine, "there is no memory left; let it have more, or lower [limits]");
} catch (const dpinholer::system::KernelError& error) {
  return failed(ExitStatus::unreachable, error.what());
} catch (const std::exception& error) {
  return failed(ExitStatus::not_fine, escape(error.what()));
}
