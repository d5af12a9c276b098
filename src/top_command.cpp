// SPDX-License-Identifier: GPL-2.0-or-later
#include "top_command.h"

#include <curses.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <clocale>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/limits.h"
#include "control/client.h"
#include "control/top.h"
#include "control_commands.h"
#include "exit_status.h"
#include "system/clock.h"

namespace dpinholer {

namespace {

using control::Client;
using control::Request;
using control::Top;
using Command = Request::Command;
using Kind = Top::Line::Kind;

std::atomic<bool> told_to_end = false;
static_assert(std::atomic<bool>::is_always_lock_free);

struct Looked {
  std::string status;
  std::vector<std::string> lines;
  bool complete = true;
};

// What there is to see now. A list that is too long is broken off, and the connection with it.
tl::expected<Looked, system::SystemError> look(const std::string& socket, Top::Pane pane) {
  Looked looked;
  auto client = Client::connect(socket);
  if (!client) return tl::unexpected(client.error());
  const auto status = client->ask({Command::status}, [&](std::string_view line) {
    looked.status = line;
    return true;
  });
  if (!status) return tl::unexpected(status.error());
  const Command command = pane == Top::Pane::calls ? Command::calls : Command::pinholes;
  const auto list = client->ask({command}, [&](std::string_view line) {
    looked.complete = looked.lines.size() < base::limits::top_rows;
    if (looked.complete) looked.lines.emplace_back(line);
    return looked.complete;
  });
  if (!list) return tl::unexpected(list.error());
  return looked;
}

// The terminal, for as long as it lives.
class Screen {
 public:
  Screen() : screen_(newterm(nullptr, stdout, stdin)) {
    if (screen_ == nullptr) return;
    set_term(screen_);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (has_colors() == TRUE) {
      start_color();
      use_default_colors();
      init_pair(1, COLOR_RED, -1);
    }
  }
  ~Screen() {
    if (screen_ == nullptr) return;
    endwin();
    delscreen(screen_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool works() const { return screen_ != nullptr; }
  static std::size_t height() { return static_cast<std::size_t>(LINES); }

  static void draw(const Top& top) {
    erase();
    int row = 0;
    for (const Top::Line& line : top.screen(height(), static_cast<std::size_t>(COLS))) {
      const chtype look = attributes(line.kind);
      attron(look);
      mvaddnstr(row++, 0, line.text.c_str(), static_cast<int>(line.text.size()));
      attroff(look);
    }
    refresh();
  }

 private:
  static chtype attributes(Kind kind) {
    switch (kind) {
      case Kind::plain:
        return A_NORMAL;
      case Kind::bold:
        return A_BOLD;
      case Kind::heading:
        return A_REVERSE;
      case Kind::warning:
        return has_colors() == TRUE ? static_cast<chtype>(COLOR_PAIR(1)) : A_BOLD;
    }
    return A_NORMAL;
  }

  SCREEN* screen_;
};

std::optional<Top::Move> move_of(int key) {
  switch (key) {
    case KEY_UP:
      return Top::Move::up;
    case KEY_DOWN:
      return Top::Move::down;
    case KEY_PPAGE:
      return Top::Move::page_up;
    case KEY_NPAGE:
      return Top::Move::page_down;
    case KEY_HOME:
      return Top::Move::first;
    default:
      return std::nullopt;
  }
}

// Keys until the next look is due; false: it is to end. A resized terminal is a key too (KEY_RESIZE).
bool wait(Top& top, base::TimePoint until) {
  while (!told_to_end) {
    Screen::draw(top);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - system::now());
    if (left.count() <= 0) return true;
    timeout(static_cast<int>(left.count()));
    const int key = getch();
    if (key == 'q') return false;
    if (const auto move = move_of(key)) {
      top.move(*move, Screen::height() / 2);
    } else if (key > 0 && key < 128) {
      const auto before = top.pane();
      top.press(static_cast<char>(key));
      if (top.pane() != before) return true;
    }
  }
  return false;
}

void end_soon(int) {
  told_to_end = true;
}

std::string reason(const system::SystemError& error) {
  return "no daemon answers at " + error.object + ": " + std::generic_category().message(error.code);
}

}  // namespace

int top_command(const TopOptions& options) {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
    return failed(ExitStatus::usage, "top needs a terminal; without one there are calls and pinholes");
  auto looked = look(options.socket, Top::Pane::calls);
  if (!looked) return no_daemon(looked.error());
  std::setlocale(LC_CTYPE, "");
  Screen screen;
  if (!screen.works()) return failed(ExitStatus::usage, "this terminal is not known; set TERM to what it is");
  struct sigaction action {};
  action.sa_handler = end_soon;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  Top top;
  do {
    const base::TimePoint now = system::now();
    if (looked) {
      top.update(looked->status, looked->lines, looked->complete, now);
    } else {
      top.fail(reason(looked.error()));
    }
    if (!wait(top, now + base::seconds{options.seconds})) return static_cast<int>(ExitStatus::fine);
    looked = look(options.socket, top.pane());
  } while (true);
}

}  // namespace dpinholer
