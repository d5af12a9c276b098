// SPDX-License-Identifier: GPL-2.0-or-later
// A ladder is a list in a grid. Its columns:
//
//   1      2 3      4 5      ...   gap   one for each bar
//   time   party 1  party 2
//
// A party's line stands between its two columns, so an arrow from line to line begins and ends at a grid
// line. Each step takes two rows, the arrow and below it what it did; the names of the parties are the first
// row.
#include <algorithm>
#include <chrono>
#include <map>

#include "base/counted.h"
#include "base/limits.h"
#include "report/findings.h"
#include "report/html.h"
#include "report/parties.h"
#include "report/parts.h"

namespace dpinholer::report {

namespace {

namespace limits = base::limits;
using base::counted;
using pinhole::Cause;

constexpr std::size_t numbers_told = 12;

// RFC 3261 section 21, and those of its extensions that are met most.
std::string_view phrase_of(std::uint16_t status) {
  struct Phrase {
    std::uint16_t status;
    std::string_view text;
  };
  constexpr Phrase phrases[] = {
      {100, "Trying"},         {180, "Ringing"},         {181, "Forwarded"},
      {182, "Queued"},         {183, "Progress"},        {200, "OK"},
      {202, "Accepted"},       {301, "Moved"},           {302, "Moved"},
      {305, "Use Proxy"},      {400, "Bad Request"},     {401, "Unauthorized"},
      {403, "Forbidden"},      {404, "Not Found"},       {405, "Not Allowed"},
      {407, "Proxy Auth."},    {408, "Timeout"},         {410, "Gone"},
      {415, "Media Type"},     {420, "Bad Extension"},   {422, "Interval"},
      {480, "Unavailable"},    {481, "No Such Call"},    {482, "Loop"},
      {483, "Too Many Hops"},  {484, "Incomplete"},      {486, "Busy"},
      {487, "Terminated"},     {488, "Not Acceptable"},  {491, "Pending"},
      {500, "Server Error"},   {501, "Not Implemented"}, {503, "Unavailable"},
      {504, "Server Timeout"}, {600, "Busy Everywhere"}, {603, "Decline"},
      {604, "Does Not Exist"}, {606, "Not Acceptable"},
  };
  for (const Phrase& phrase : phrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "";
}

std::string_view direction_text(message::Direction direction) {
  switch (direction) {
    case message::Direction::sendrecv:
      return "SDP";
    case message::Direction::sendonly:
      return "SDP sendonly";
    case message::Direction::recvonly:
      return "SDP recvonly";
    case message::Direction::inactive:
      return "SDP inactive";
  }
  return "";
}

// A line may end before the port.
std::string breakable(const std::string& name) {
  const auto colon = name.rfind(':');
  const bool has_port = colon != std::string::npos && name.find('.') != std::string::npos;
  return has_port ? html(name.substr(0, colon)) + "<wbr>" + html(name.substr(colon)) : html(name);
}

class Ladder {
 public:
  Ladder(std::string& out, const Call& call, const std::set<std::string>& heard_nothing)
      : out_(out), call_(call), heard_nothing_(heard_nothing), parties_(call) {
    for (const Row& row : call_.rows) {
      if (row.kind == Row::Kind::timer) continue;
      take_lane(parties_.name(row.source));
      take_lane(parties_.name(row.destination));
    }
    if (names_.empty()) names_.emplace_back("?");
    for (const Pinhole& pinhole : call_.pinholes) {
      if (columns_.size() < limits::report_bars) columns_.try_emplace(pinhole.key, columns_.size());
    }
  }

  void write() {
    out_ += "<div class=\"ladder\"><ol style=\"grid-template-columns:auto repeat(" +
            number(2 * names_.size()) + ",minmax(var(--lane),1fr)) .4rem repeat(" +
            number(std::max<std::size_t>(columns_.size(), 1)) + ",var(--bar))\">\n";
    add_lines();
    for (const Row& row : call_.rows) {
      add_gap_before(row);
      add_row(row);
    }
    add_bars();
    out_ += "</ol></div>\n";
  }

 private:
  static std::string number(std::size_t value) { return std::to_string(value); }

  void take_lane(const std::string& name) {
    if (lanes_.contains(name)) return;
    const bool is_full = names_.size() == limits::report_lanes;
    if (is_full) {
      names_.back() = "others";
    } else {
      names_.push_back(name);
    }
    lanes_.emplace(name, names_.size() - 1);
  }

  std::size_t lane_of(const base::Endpoint& endpoint) const { return lanes_.at(parties_.name(endpoint)); }
  std::size_t after_lanes() const { return 2 + 2 * names_.size(); }

  std::string area(std::size_t row, std::size_t column, std::size_t row_end, std::size_t column_end) const {
    return " style=\"grid-area:" + number(row) + "/" + number(column) + "/" + number(row_end) + "/" +
           number(column_end) + "\"";
  }

  // The grid row of the row that is the next one after those that were left out, or the row itself.
  std::size_t grid_row(std::uint64_t row_number) const {
    const auto row = std::ranges::lower_bound(call_.rows, row_number, {}, &Row::number);
    const auto index = static_cast<std::size_t>(row - call_.rows.begin());
    const auto gap_at = gap_row();
    return 2 + 2 * (index + (gap_at && index >= *gap_at ? 1 : 0));
  }

  // Index of the row before which some were left out.
  std::optional<std::size_t> gap_row() const {
    for (std::size_t i = 1; i < call_.rows.size(); ++i) {
      if (call_.rows[i].number != call_.rows[i - 1].number + 1) return i;
    }
    return std::nullopt;
  }

  std::size_t last_grid_row() const { return 2 + 2 * (call_.rows.size() + (gap_row() ? 1 : 0)); }

  void add_lines() {
    out_ += "<li aria-hidden=\"true\">";
    static const std::string deaf = "<span class=\"deaf\">received nothing</span>";
    for (std::size_t lane = 0; lane < names_.size(); ++lane) {
      const std::size_t column = 2 + 2 * lane;
      out_ += "<span class=\"party\"" + area(1, column, 2, column + 2) + "><bdi>" + breakable(names_[lane]) +
              "</bdi>" + (heard_nothing_.contains(names_[lane]) ? deaf : "") + "</span><i class=\"life\"" +
              area(2, column, last_grid_row(), column + 2) + "></i>";
    }
    if (!columns_.empty()) {
      out_ += "<span class=\"heads\"" + area(1, after_lanes() + 1, 2, after_lanes() + 1 + columns_.size()) +
              ">pinholes</span>";
    }
    out_ += "</li>\n";
  }

  void add_gap_before(const Row& row) {
    const auto gap = gap_row();
    if (!gap || call_.rows[*gap].number != row.number) return;
    const std::size_t at = grid_row(row.number) - 2;
    out_ += "<li><span class=\"gap\"" + area(at, 2, at + 1, after_lanes()) + ">" +
            counted(call_.left_out.rows, "row is", "rows are") + " left out here</span></li>\n";
  }

  void add_row(const Row& row) {
    const std::size_t at = grid_row(row.number);
    out_ += "<li><span class=\"t\"" + area(at, 1, at + 1, 2) + ">" + time_text(row.time) + "</span>";
    switch (row.kind) {
      case Row::Kind::message:
        add_arrow(row, at, message_class(row));
        add_message(row);
        break;
      case Row::Kind::media:
        add_arrow(row, at, row.passed == 0 ? "media lost" : "media");
        add_media(row);
        break;
      case Row::Kind::timer:
        out_ +=
            "<span class=\"timer\"" + area(at, 2, at + 1, after_lanes()) + "><span class=\"lb\">time passes";
        break;
    }
    out_ += "</span></span>";
    add_effects(row, at);
    out_ += "</li>\n";
  }

  static std::string message_class(const Row& row) {
    if (row.status == 0) return "sip";
    if (row.status < 200) return "sip re";
    return row.status < 300 ? "sip re good" : "sip re bad";
  }

  // Leaves two elements open: the arrow and its label.
  void add_arrow(const Row& row, std::size_t at, const std::string& kind) {
    const std::size_t from = lane_of(row.source);
    const std::size_t to = lane_of(row.destination);
    const auto [first, last] = std::minmax({from, to});
    const char* direction = from == to ? "self" : from < to ? "right" : "left";
    const std::size_t begin = from == to ? 2 + 2 * first : 3 + 2 * first;
    const std::size_t end = from == to ? begin + 2 : 3 + 2 * last;
    out_ += "<span class=\"msg " + kind + " " + direction + "\"" + area(at, begin, at + 1, end) +
            " title=\"" + html(to_string(row.source) + " to " + to_string(row.destination)) +
            "\"><span class=\"lb\"><span class=\"v\">" + html(parties_.name(row.source)) + " to " +
            html(parties_.name(row.destination)) + ": </span>";
  }

  void add_message(const Row& row) {
    const std::string method = html(row.method == message::Method::other ? "other method" : name(row.method));
    if (row.status == 0) {
      out_ += "<b>" + method + "</b>";
    } else {
      out_ += "<b>" + std::to_string(row.status) + "</b> <span class=\"ph\">" +
              std::string(phrase_of(row.status)) + "</span> <small>" + method + "</small>";
    }
    if (was_seen_before(row)) add_tag("again", " again");
    if (row.direction) add_tag(direction_text(*row.direction), "");
    if (row.ambiguous) add_tag("ambiguous", " warn");
    if (row.unread) add_tag("not read: " + std::string(name(row.unread->cause)), " warn");
  }

  bool was_seen_before(const Row& row) const {
    return std::ranges::any_of(call_.rows, [&](const Row& other) {
      return other.number < row.number && other.kind == Row::Kind::message && other.method == row.method &&
             other.status == row.status && other.cseq == row.cseq && other.source == row.source &&
             other.destination == row.destination;
    });
  }

  void add_tag(std::string_view text, std::string_view kind) {
    out_ += " <span class=\"tag" + std::string(kind) + "\">" + html(text) + "</span>";
  }

  void add_media(const Row& row) {
    if (row.passed > 0) out_ += "<b>" + counted(row.passed, "packet", "packets") + "</b>";
    if (row.dropped > 0) {
      out_ += std::string(row.passed > 0 ? ", " : "") + "<b class=\"drop\">" + std::to_string(row.dropped) +
              " dropped</b>";
    }
    if (row.until - row.time >= std::chrono::milliseconds(1))
      out_ += " <small>" + duration_text(row.until - row.time) + "</small>";
  }

  void add_numbers(const std::vector<Index>& pinholes) {
    for (std::size_t i = 0; i < pinholes.size() && i < numbers_told; ++i) add_number(out_, pinholes[i]);
    if (pinholes.size() > numbers_told) out_ += " +" + std::to_string(pinholes.size() - numbers_told);
  }

  // Under the arrow, half a lane wider to both sides.
  std::string effects_area(const Row& row, std::size_t at) const {
    if (row.kind == Row::Kind::timer) return area(at, 2, at + 1, after_lanes());
    const auto [first, last] = std::minmax({lane_of(row.source), lane_of(row.destination)});
    return area(at, 2 + 2 * first, at + 1, 4 + 2 * last);
  }

  void add_effects(const Row& row, std::size_t at) {
    if (row.opened.empty() && row.bound.empty() && row.closed.empty() && row.refused.empty()) return;
    out_ += "<span class=\"did\"" + effects_area(row, at + 1) + ">";
    if (!row.opened.empty()) {
      out_ += "<span>opens ";
      add_numbers(row.opened);
      out_ += "</span>";
    }
    if (!row.bound.empty()) {
      out_ += "<span>binds ";
      add_numbers(row.bound);
      out_ += "</span>";
    }
    add_closed(row);
    for (std::size_t i = 0; i < row.refused.size() && i < 4; ++i) {
      out_ += "<span class=\"refused\">";
      add_refusal(out_, call_.refusals[row.refused[i]]);
      out_ += "</span>";
    }
    if (row.refused.size() > 4)
      out_ += "<span class=\"refused\">and " + std::to_string(row.refused.size() - 4) + " more</span>";
    out_ += "</span>";
  }

  void add_closed(const Row& row) {
    std::map<Cause, std::vector<Index>> by_cause;
    for (const Index index : row.closed) by_cause[call_.pinholes[index].closed_by].push_back(index);
    for (const auto& [cause, pinholes] : by_cause) {
      out_ += "<span>closes ";
      add_numbers(pinholes);
      out_ += " " + std::string(name(cause)) + "</span>";
    }
  }

  void add_bars() {
    out_ += "<li aria-hidden=\"true\">";
    for (Index i = 0; i < call_.pinholes.size(); ++i) {
      const Pinhole& pinhole = call_.pinholes[i];
      if (const auto column = columns_.find(pinhole.key); column != columns_.end())
        add_bar(i, column->second);
    }
    out_ += "</li>\n";
  }

  void add_bar(Index index, std::size_t place) {
    const Pinhole& pinhole = call_.pinholes[index];
    const std::size_t column = after_lanes() + 1 + place;
    const std::size_t begin = grid_row(pinhole.opened_at);
    const std::size_t end = pinhole.closed ? grid_row(pinhole.closed_at) + 1 : last_grid_row();
    const std::size_t bound = pinhole.bound ? std::max(begin, grid_row(pinhole.bound_at)) : end;
    const std::string ends = pinhole.closed ? "" : " open";
    const std::string kind = pinhole.component == pinhole::Component::rtcp ? " rtcp" : "";
    const bool unbound_first = bound > begin;
    if (unbound_first)
      add_segment(index, "any" + kind + (pinhole.bound ? " on" : ends), begin, bound, column, true);
    if (pinhole.bound && end > bound)
      add_segment(index, "bound" + kind + ends, bound, end, column, !unbound_first);
  }

  void add_segment(Index index, const std::string& kind, std::size_t begin, std::size_t end,
                   std::size_t column, bool numbered) {
    out_ += "<i class=\"bar " + kind + "\"" + area(begin, column, std::max(end, begin + 1), column + 1) + ">";
    if (numbered) add_number(out_, index);
    out_ += "</i>";
  }

  std::string& out_;
  const Call& call_;
  const std::set<std::string>& heard_nothing_;
  Parties parties_;
  std::map<std::string, std::size_t> lanes_;
  std::vector<std::string> names_;  // of the lanes
  std::map<pinhole::Key, std::size_t> columns_;
};

}  // namespace

void add_number(std::string& out, Index pinhole) {
  out += "<span class=\"n\">" + std::to_string(pinhole + 1) + "</span>";
}

void add_refusal(std::string& out, const pinhole::Refusal& refusal) {
  out += "refused <bdi>" + html(refusal.address) + "</bdi>:" + std::to_string(refusal.port) + " " +
         html(refusal.label.media) + " " + std::string(name(refusal.label.component)) + ": " +
         std::string(name(refusal.cause));
}

void add_ladder(std::string& out, const Call& call, const std::set<std::string>& heard_nothing) {
  if (call.rows.empty()) return;
  Ladder(out, call, heard_nothing).write();
}

}  // namespace dpinholer::report
