// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/top.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "control/tables.h"
#include "system/escape.h"

namespace dpinholer::control {

namespace {

constexpr std::string_view keys =
    "q quit  tab calls/pinholes  sort: r rate  a age  p packets  c call  again: reverse";

std::string_view name(Top::Order order) {
  switch (order) {
    case Top::Order::rate:
      return "rate";
    case Top::Order::age:
      return "age";
    case Top::Order::packets:
      return "packets";
    case Top::Order::call:
      return "call";
  }
  return "";
}

std::optional<Top::Order> order_of(char key) {
  switch (key) {
    case 'r':
      return Top::Order::rate;
    case 'a':
      return Top::Order::age;
    case 'p':
      return Top::Order::packets;
    case 'c':
      return Top::Order::call;
    default:
      return std::nullopt;
  }
}

// Of a pinhole, or of all ways of a call.
double total(const Json& row, const char* key) {
  const Json& packets = value(row, "packets");
  if (!packets.is_array()) return number(row, key);
  double sum = 0;
  for (const Json& way : packets) sum += number(way, key);
  return sum;
}

double key_of(const Json& row, Top::Order order) {
  switch (order) {
    case Top::Order::rate:
      return -total(row, "rate");
    case Top::Order::age:
      return number(row, "began") + number(row, "opened");  // one of them is there
    case Top::Order::packets:
      return -total(row, "packets");
    case Top::Order::call:
      return 0;
  }
  return 0;
}

}  // namespace

void Top::update(std::string_view status, const std::vector<std::string>& lines, bool complete,
                 base::TimePoint now) {
  failure_.clear();
  status_ = read_object(status);
  complete_ = complete;
  rows_.clear();
  before_ = std::exchange(seen_, {});
  for (const std::string& line : lines) {
    rows_.push_back(read_object(line));
    add_rates(rows_.back(), now);
  }
  before_.clear();
  sort();
}

double Top::rate(const std::string& who, std::uint64_t packets, base::TimePoint now) {
  seen_[who] = {packets, now};
  const auto before = before_.find(who);
  if (before == before_.end() || now <= before->second.when || packets < before->second.packets) return 0;
  const std::chrono::duration<double> past = now - before->second.when;
  return std::round(static_cast<double>(packets - before->second.packets) / past.count());
}

void Top::add_rates(Json& row, base::TimePoint now) {
  if (pane_ == Pane::pinholes) {
    const std::string who =
        text(row, "protocol") + " " + text(row, "address") + " " + std::to_string(count(row, "port"));
    row["rate"] = rate(who, count(row, "packets"), now);
    return;
  }
  if (!list(row, "packets").is_array() || list(row, "packets").empty()) return;
  for (Json& way : row["packets"]) {
    if (!way.is_object()) continue;
    way["rate"] = rate(text(row, "call_id") + " " + text(way, "to"), count(way, "packets"), now);
  }
}

void Top::sort() {
  std::ranges::stable_sort(
      rows_, {}, [&](const Json& row) { return std::pair(key_of(row, order_), text(row, "call_id")); });
  if (reversed_) std::ranges::reverse(rows_);
}

bool Top::press(char key) {
  if (key == '\t') {
    pane_ = pane_ == Pane::calls ? Pane::pinholes : Pane::calls;
    rows_.clear();
    seen_.clear();
    offset_ = 0;
    return true;
  }
  const auto order = order_of(key);
  if (!order) return false;
  reversed_ = *order == order_ && !reversed_;
  order_ = *order;
  sort();
  return true;
}

void Top::move(Move move, std::size_t page) {
  const std::size_t last = rows_.empty() ? 0 : rows_.size() - 1;
  switch (move) {
    case Move::up:
      offset_ -= std::min<std::size_t>(offset_, 1);
      return;
    case Move::down:
      offset_ = std::min(offset_ + 1, last);
      return;
    case Move::page_up:
      offset_ -= std::min(offset_, page);
      return;
    case Move::page_down:
      offset_ = std::min(offset_ + page, last);
      return;
    case Move::first:
      offset_ = 0;
      return;
  }
}

std::string Top::first_line() const {
  const Json& calls = value(status_, "calls");
  const std::uint64_t answered = count(calls, "answered");
  return "dpinholer " + system::escape(text(status_, "version")) + ", up " +
         duration_text(number(status_, "uptime")) + ": " +
         std::to_string(answered + count(calls, "offered")) + " calls, " + std::to_string(answered) +
         " answered, " + std::to_string(count(value(status_, "pinholes"), "open")) + " pinholes";
}

std::string Top::summary() const {
  std::string told = pane_ == Pane::calls ? "calls" : "pinholes";
  if (!complete_) told = "the first " + std::to_string(rows_.size()) + " " + told;
  told += " by " + std::string(name(order_)) + (reversed_ ? ", reversed" : "");
  if (offset_ > 0) told += ", from the " + std::to_string(offset_ + 1) + ". on";
  return told;
}

std::vector<Top::Line> Top::screen(std::size_t height, std::size_t width) const {
  std::vector<Line> lines;
  lines.push_back({Line::Kind::bold, first_line()});
  lines.push_back(failure_.empty() ? Line{Line::Kind::plain, summary()}
                                   : Line{Line::Kind::warning, system::escape(failure_)});
  constexpr std::size_t others = 4;  // those two, the heading, the keys
  const std::size_t from = std::min(offset_, rows_.size());
  const std::size_t shown = std::min(rows_.size() - from, height > others ? height - others : 0);
  std::vector<std::string> of_table;
  for (std::size_t i = from; i < from + shown; ++i) of_table.push_back(rows_[i].dump());
  const Look look{.width = width, .colours = false, .sorted = false};
  std::istringstream table(pane_ == Pane::calls ? calls_table(of_table, look)
                                                : pinholes_table(of_table, look));
  auto kind = Line::Kind::heading;
  std::size_t at = from;
  for (std::string line; std::getline(table, line);) {
    lines.push_back({kind, std::move(line)});
    kind = at < rows_.size() && flag(rows_[at], "one_way") ? Line::Kind::warning : Line::Kind::plain;
    ++at;
  }
  lines.resize(std::max<std::size_t>(height, 1) - 1);
  lines.push_back({Line::Kind::bold, std::string(keys)});
  for (Line& line : lines) line.text.resize(std::min(line.text.size(), width));
  return lines;
}

}  // namespace dpinholer::control
