// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "control/json_values.h"

namespace dpinholer::control {

/// What `dpinholer top` shows: calls or pinholes with the packets that came a second since the last look, a
/// screenful of them. Draws nothing itself.
class Top {
 public:
  enum class Pane : std::uint8_t { calls, pinholes };
  enum class Order : std::uint8_t { rate, age, packets, call };

  /// Answers of the daemon (lines.h), asked for at `now`; `complete`: these are all.
  void update(std::string_view status, const std::vector<std::string>& lines, bool complete,
              base::TimePoint now);
  /// Nobody answered: what was known stays on the screen, with the reason above it.
  void fail(std::string reason) { failure_ = std::move(reason); }

  /// A key that was pressed: one of the letters that the last line of the screen names, or a move.
  enum class Move : std::uint8_t { up, down, page_up, page_down, first };
  /// False: it was none of them.
  bool press(char key);
  void move(Move move, std::size_t page);

  Pane pane() const { return pane_; }

  struct Line {
    enum class Kind : std::uint8_t { plain, bold, heading, warning } kind = Kind::plain;
    std::string text;  ///< printable ASCII, at most as wide as the screen
  };
  /// At most `height` lines.
  std::vector<Line> screen(std::size_t height, std::size_t width) const;

 private:
  struct Seen {
    std::uint64_t packets = 0;
    base::TimePoint when;
  };

  double rate(const std::string& name, std::uint64_t packets, base::TimePoint now);
  void add_rates(Json& row, base::TimePoint now);
  void sort();
  std::string summary() const;
  std::string first_line() const;

  Pane pane_ = Pane::calls;
  Order order_ = Order::rate;
  bool reversed_ = false;
  std::size_t offset_ = 0;
  Json status_;
  std::vector<Json> rows_;
  bool complete_ = true;
  std::string failure_;
  std::map<std::string, Seen> seen_;    // by pinhole, or call and address: at the last look
  std::map<std::string, Seen> before_;  // and at the one before, while this one is read
};

}  // namespace dpinholer::control
