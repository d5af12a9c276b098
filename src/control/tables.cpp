// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <utility>

#include "control/json_values.h"
#include "system/escape.h"

namespace dpinholer::control {

namespace {

using system::escape;

constexpr std::size_t ways_told = 2;
constexpr std::size_t senders_told = 2;
constexpr std::size_t least_call_id = 12;  // columns

enum class Colour { none, bold, red, yellow, green, dim };

std::string_view code(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::bold:
      return "\x1b[1m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::dim:
      return "\x1b[2m";
  }
  return "";
}

std::string paint(std::string text, Colour colour, const Look& look) {
  if (!look.colours || colour == Colour::none) return text;
  return std::string(code(colour)) + text + "\x1b[0m";
}

std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  constexpr std::string_view mark = "...";
  if (width <= mark.size()) return text.substr(0, width);
  return text.substr(0, width - mark.size()) + std::string(mark);
}

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

struct Column {
  std::string heading;
  bool right = false;
};

// Columns as wide as what is in them; the last one takes what is left of the terminal.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {
    for (const Column& column : columns_) widths_.push_back(column.heading.size());
  }

  void add(std::vector<Cell> row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].text.size());
    rows_.push_back(std::move(row));
  }

  std::string print(const Look& look) const {
    std::size_t before_last = 0;
    for (std::size_t i = 0; i + 1 < widths_.size(); ++i) before_last += widths_[i] + 2;
    std::size_t last = widths_.back();
    if (look.width > 0) {
      last = look.width > before_last + least_call_id ? look.width - before_last : least_call_id;
    }
    std::vector<Cell> headings;
    for (const Column& column : columns_) headings.push_back({column.heading, Colour::bold});
    std::string text = line(headings, last, look);
    for (const auto& row : rows_) text += line(row, last, look);
    return text;
  }

 private:
  std::string line(const std::vector<Cell>& row, std::size_t last, const Look& look) const {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_last = i + 1 == row.size();
      const std::string content = is_last ? cut(row[i].text, last) : row[i].text;
      const std::string padding(is_last || content.size() >= widths_[i] ? 0 : widths_[i] - content.size(),
                                ' ');
      const std::string painted = paint(content, row[i].colour, look);
      text += columns_[i].right ? padding + painted : painted + padding;
      if (!is_last) text += "  ";
    }
    return text + "\n";
  }

  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<Cell>> rows_;
};

std::string endpoint(const Json& object, const char* name = "address", const char* port_name = "port") {
  const std::string address = escape(text(object, name));
  const std::string port = std::to_string(count(object, port_name));
  return address.find(':') == std::string::npos ? address + ":" + port : "[" + address + "]:" + port;
}

// "203.0.113.5,203.0.113.6 +3"
std::string senders(const Json& object) {
  std::string told;
  std::size_t left = 0;
  for (const Json& address : list(object, "from")) {
    if (!address.is_string()) continue;
    if (left++ >= senders_told) continue;
    told += (told.empty() ? "" : ",") + escape(address.get<std::string>());
  }
  if (told.empty()) return "anybody";
  return left > senders_told ? told + " +" + std::to_string(left - senders_told) : told;
}

// "600", "50/s"; "not counted" to an address
std::string amount(const Json& object) {
  if (value(object, "counted").is_boolean() && !flag(object, "counted")) return "not counted";
  const Json& rate = value(object, "rate");
  if (!rate.is_number()) return std::to_string(count(object, "packets"));
  return std::to_string(std::llround(rate.get<double>())) + "/s";
}

// "600 to 192.0.2.10, 0 to 203.0.113.5 +1"
// "600 to 192.0.2.10; 10.0.0.5 is behind 203.0.113.20"
std::string ways(const Json& call) {
  std::string told;
  const Json& all = list(call, "packets");
  for (std::size_t i = 0; i < std::min(all.size(), ways_told); ++i) {
    told += (i == 0 ? "" : ", ") + amount(all[i]) + " to " + escape(text(all[i], "to"));
  }
  if (all.size() > ways_told) told += " +" + std::to_string(all.size() - ways_told);
  const Json& nats = list(call, "behind_nat");
  for (std::size_t i = 0; i < std::min(nats.size(), ways_told); ++i) {
    told += "; " + escape(text(nats[i], "address")) + " is behind " + escape(text(nats[i], "source"));
  }
  return told;
}

std::string media(const Json& call) {
  std::string told;
  for (const Json& name : list(call, "media")) {
    if (name.is_string()) told += (told.empty() ? "" : ",") + escape(name.get<std::string>());
  }
  return told;
}

Cell state(const Json& call) {
  if (flag(call, "one_way")) return {"one way", Colour::red};
  const std::string state = escape(text(call, "state"));
  return {state, state == "offered" ? Colour::yellow : Colour::green};
}

std::vector<Json> read(const std::vector<std::string>& lines, const char* by, const Look& look) {
  std::vector<Json> objects;
  objects.reserve(lines.size());
  for (const std::string& line : lines) objects.push_back(read_object(line));
  if (look.sorted)
    std::ranges::stable_sort(objects, {}, [&](const Json& object) { return number(object, by); });
  return objects;
}

std::string size_text(double octets) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", octets / (1024 * 1024));
  return text.data();
}

std::string clock_text(double since_1970) {
  const std::int64_t thousandths = std::llround(std::clamp(since_1970, 0.0, 1e12) * 1000);
  const auto whole = static_cast<std::time_t>(thousandths / 1000);
  std::tm broken{};
  localtime_r(&whole, &broken);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%03d", broken.tm_hour, broken.tm_min, broken.tm_sec,
                static_cast<int>(thousandths % 1000));
  return text.data();
}

std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return escape(name);
}

// "read 12, sip messages 9"
std::string figures(const Json& group) {
  std::string told;
  for (const auto& [name, number] : group.items()) {
    if (number.is_number_unsigned())
      told += (told.empty() ? "" : ", ") + words(name) + " " + std::to_string(number.get<std::uint64_t>());
  }
  return told;
}

Colour colour_of(const std::string& event) {
  if (event == "open" || event == "bind") return Colour::green;
  return event == "refuse" || event == "ban" || event == "unread" ? Colour::red : Colour::dim;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + " ";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto all = static_cast<std::int64_t>(std::max(0.0, seconds));
  std::array<char, 48> text{};
  auto write = [&](const char* format, std::int64_t large, std::int64_t small) {
    std::snprintf(text.data(), text.size(), format, static_cast<long>(large), static_cast<long>(small));
    return std::string(text.data());
  };
  if (all < 60) return write("%lds", all, 0);
  if (all < 3600) return write("%ldm%02lds", all / 60, all % 60);
  if (all < 24 * 3600) return write("%ldh%02ldm", all / 3600, all / 60 % 60);
  return write("%ldd%02ldh", all / (24 * 3600), all / 3600 % 24);
}

std::string calls_table(const std::vector<std::string>& lines, const Look& look) {
  Table table({{"AGE", true}, {"STATE"}, {"MEDIA"}, {"PINHOLES", true}, {"PACKETS"}, {"CALL"}});
  for (const Json& call : read(lines, "began", look)) {
    table.add({{duration_text(number(call, "seconds"))},
               state(call),
               {media(call)},
               {std::to_string(count(call, "pinholes"))},
               {ways(call)},
               {escape(text(call, "call_id"))}});
  }
  return table.print(look);
}

std::string pinholes_table(const std::vector<std::string>& lines, const Look& look) {
  Table table({{""}, {"TO"}, {"FROM"}, {"MEDIA"}, {"PACKETS", true}, {"EXPIRES", true}, {"CALL"}});
  for (const Json& pinhole : read(lines, "opened", look)) {
    const Json& expires = value(pinhole, "expires");
    const std::string sources = senders(pinhole);
    table.add({{escape(text(pinhole, "protocol"))},
               {endpoint(pinhole)},
               {sources, sources == "anybody" ? Colour::yellow : Colour::none},
               {escape(text(pinhole, "media") + " " + text(pinhole, "component"))},
               {amount(pinhole)},
               {expires.is_number() ? duration_text(expires.get<double>()) : "-"},
               {escape(text(pinhole, "call_id"))}});
  }
  return table.print(look);
}

std::string status_text(std::string_view line, const Look& look) {
  const Json status = read_object(line);
  std::string told = paint("dpinholer " + escape(text(status, "version")), Colour::bold, look) + ", up " +
                     duration_text(number(status, "uptime")) + ", " + size_text(number(status, "memory")) +
                     " of memory\n";
  auto add = [&](const std::string& name, const std::string& what) {
    told += paint(padded(name, 11), Colour::bold, look) + what + "\n";
  };
  add("table", escape(text(status, "table")) + (flag(status, "observe") ? ", observed only" : ""));
  for (const Json& queue : list(status, "queues")) {
    add("queue " + std::to_string(count(queue, "number")),
        std::to_string(count(queue, "waiting")) + " waiting, " + std::to_string(count(queue, "full")) +
            " not read because it was full, " + std::to_string(count(queue, "undelivered")) + " lost");
  }
  for (const auto& [name, group] : status.items()) {
    if (name != "held" && group.is_object()) add(words(name), figures(group));
  }
  for (const char* name : {"refusals", "unread"}) {
    std::string told_here;
    for (const Json& one : list(status, name)) {
      told_here += (told_here.empty() ? "" : ", ") + words(text(one, "reason")) + " " +
                   std::to_string(count(one, "count"));
    }
    if (!told_here.empty()) add(name, told_here);
  }
  for (const Json& ban : list(status, "banned")) {
    add("banned", escape(text(ban, "address")) + " for " + duration_text(number(ban, "seconds")) + ", " +
                      escape(text(ban, "why")));
  }
  const Json& held = value(status, "held");
  if (const double messages = number(held, "count"); messages > 0) {
    std::array<char, 64> mean{};
    std::snprintf(mean.data(), mean.size(), "%.2f ms on average, ", number(held, "sum") / messages * 1000);
    add("held", mean.data() + std::to_string(count(held, "count")) + " messages");
  }
  return told;
}

std::string event_text(std::string_view line, const Look& look) {
  const Json event = read_object(line);
  if (event.contains("missed"))
    return paint(std::to_string(count(event, "missed")) + " events missed", Colour::yellow, look) + "\n";
  const std::string name = escape(text(event, "event"));
  std::string told = clock_text(number(event, "time")) + "  ";
  told += paint(padded(name, 6), colour_of(name), look);
  if (name == "ban") {
    return told + escape(text(event, "address")) + "  " + escape(text(event, "cause")) + " " +
           escape(text(event, "sign")) + "\n";
  }
  if (name == "unread") {
    const std::string what = text(event, "text");
    const std::string call = text(event, "call_id");
    return told + padded(escape(text(event, "protocol")), 3) + endpoint(event, "source", "source_port") +
           " > " + endpoint(event) + "  " + escape(text(event, "cause")) +
           (what.empty() ? "" : ": " + escape(what)) + (call.empty() ? "" : "  call " + escape(call)) + "\n";
  }
  if (name == "nat") {
    return told + padded(escape(text(event, "address")), 25) + "announced from " +
           padded(escape(text(event, "source")), 15) + "call " + escape(text(event, "call_id")) + "\n";
  }
  told += padded(escape(text(event, "protocol")), 3) + padded(endpoint(event), 21) +
          padded(escape(text(event, "media") + " " + text(event, "component")), 10) +
          padded(escape(text(event, "cause")), 15);
  if (event.contains("from")) told += "from " + padded(senders(event), 15);
  return told + "call " + escape(text(event, "call_id")) + "\n";
}

}  // namespace dpinholer::control
