// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <chrono>
#include <initializer_list>

#include "base/counted.h"
#include "base/limits.h"
#include "report/findings.h"
#include "report/html.h"
#include "report/parts.h"

namespace dpinholer::report {

namespace {

namespace limits = base::limits;

// A table whose rows become cards on a narrow screen: each cell knows the head of its column.
class Table {
 public:
  Table(std::string& out, std::string_view title, std::vector<std::string_view> heads)
      : out_(out), heads_(std::move(heads)) {
    out_ += "<table><caption>" + html(title) + "</caption><thead><tr>";
    for (const auto head : heads_) out_ += "<th scope=\"col\">" + html(head) + "</th>";
    out_ += "</tr></thead><tbody>\n";
  }
  ~Table() { out_ += "</tbody></table>\n"; }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// `cells` are HTML.
  void row(std::initializer_list<std::string> cells) {
    out_ += "<tr>";
    auto head = heads_.begin();
    for (const std::string& cell : cells) out_ += "<td data-l=\"" + html(*head++) + "\">" + cell + "</td>";
    out_ += "</tr>\n";
  }

 private:
  std::string& out_;
  std::vector<std::string_view> heads_;
};

void add_left_out(std::string& out, std::uint64_t count, std::string_view one, std::string_view many) {
  if (count > 0) out += "<p class=\"left-out\">" + base::counted(count, one, many) + " left out.</p>\n";
}

// A line may end before the port.
std::string endpoint(base::Protocol protocol, const base::Endpoint& endpoint) {
  const std::string text = to_string(endpoint);
  const auto colon = text.rfind(':');
  const std::string parts = html(text.substr(0, colon)) + "<wbr>" + html(text.substr(colon));
  return "<span class=\"ep\">" + parts + "</span>" +
         (protocol == base::Protocol::tcp ? " <small>tcp</small>" : "");
}

std::string number_of(Index pinhole) {
  std::string text;
  add_number(text, pinhole);
  return text;
}

std::string from_text(const Pinhole& pinhole) {
  constexpr std::size_t most = 4;
  if (pinhole.from.empty()) return "anybody";
  std::string text;
  for (std::size_t i = 0; i < pinhole.from.size() && i < most; ++i)
    text += (i > 0 ? ", " : "") + ("<span class=\"ep\">" + html(pinhole.from[i].to_string()) + "</span>");
  if (pinhole.from.size() > most) text += " and " + std::to_string(pinhole.from.size() - most) + " more";
  return text;
}

std::string when(base::TimePoint time, std::string_view cause) {
  return time_text(time) + " <small>" + std::string(cause) + "</small>";
}

std::string drops_text(const Flow& flow) {
  struct Reason {
    Fate fate;
    std::string_view text;
  };
  constexpr Reason reasons[] = {{Fate::wrong_source, "wrong source"},
                                {Fate::too_early, "before it opened"},
                                {Fate::too_late, "after it closed"},
                                {Fate::unannounced, "not announced"}};
  std::string text;
  for (const Reason& reason : reasons) {
    if (flow.count(reason.fate) == 0) continue;
    if (!text.empty()) text += ", ";
    text +=
        "<b class=\"drop\">" + std::to_string(flow.count(reason.fate)) + "</b> " + std::string(reason.text);
  }
  return text.empty() ? "0" : text;
}

std::string span_text(const Flow& flow) {
  return time_text(flow.first) + "\u2013" + time_text(flow.last);
}

}  // namespace

std::string time_text(base::TimePoint time) {
  const std::int64_t milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  std::string decimals = std::to_string(milliseconds % 1000);
  decimals.insert(0, 3 - decimals.size(), '0');
  return std::to_string(milliseconds / 1000) + "." + decimals;
}

std::string duration_text(base::Duration duration) {
  const std::int64_t milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  const std::int64_t seconds = milliseconds / 1000;
  if (milliseconds < 1000) return std::to_string(milliseconds) + " ms";
  if (seconds < 60) return std::to_string(seconds) + "." + std::to_string(milliseconds % 1000 / 100) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  if (seconds < 172'800)
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
  return std::to_string(seconds / 86'400) + " days";
}

void add_pinholes(std::string& out, const Call& call) {
  if (call.pinholes.empty()) return;
  {
    Table table(out, "Pinholes", {"No.", "To", "Media", "From", "Opened", "Bound", "Closed"});
    for (Index i = 0; i < call.pinholes.size(); ++i) {
      const Pinhole& pinhole = call.pinholes[i];
      table.row({number_of(i), endpoint(pinhole.key.protocol, pinhole.key.destination),
                 html(pinhole.media) + " " + std::string(name(pinhole.component)), from_text(pinhole),
                 when(pinhole.opened, name(pinhole.opened_by)),
                 pinhole.bound ? time_text(*pinhole.bound) : "never",
                 pinhole.closed ? when(*pinhole.closed, name(pinhole.closed_by)) : "still open"});
    }
  }
  add_left_out(out, call.left_out.pinholes, "pinhole is", "pinholes are");
}

void add_refusals(std::string& out, const Call& call) {
  if (call.refusals.empty()) return;
  {
    Table table(out, "Refused", {"Time", "To", "Media", "Reason"});
    for (const pinhole::Refusal& refusal : call.refusals) {
      table.row({time_text(refusal.time),
                 "<bdi class=\"ep\">" + html(refusal.address) + "</bdi>:" + std::to_string(refusal.port) +
                     (refusal.protocol == base::Protocol::tcp ? " <small>tcp</small>" : ""),
                 html(refusal.label.media) + " " + std::string(name(refusal.label.component)),
                 "<b class=\"drop\">" + std::string(name(refusal.cause)) +
                     "</b>: " + html(meaning_of(refusal.cause), 400)});
    }
  }
  add_left_out(out, call.left_out.refusals, "refusal is", "refusals are");
}

void add_flows(std::string& out, const Call& call) {
  if (call.flows.empty()) return;
  {
    Table table(out, "Media", {"From", "To", "Pinhole", "Media", "Passed", "Dropped", "Time"});
    for (const Flow& flow : call.flows) {
      const Pinhole* pinhole = flow.pinhole ? &call.pinholes[*flow.pinhole] : nullptr;
      table.row(
          {endpoint(flow.protocol, flow.source), endpoint(flow.protocol, flow.destination),
           pinhole != nullptr ? number_of(*flow.pinhole) : "none",
           pinhole != nullptr ? html(pinhole->media) + " " + std::string(name(pinhole->component)) : "?",
           std::to_string(flow.passed()), drops_text(flow), span_text(flow)});
    }
  }
  add_left_out(out, call.left_out.flows, "packet of further flows is", "packets of further flows are");
}

void add_outside(std::string& out, const Story& story) {
  if (story.outside.empty()) return;
  std::vector<Flow> flows = story.outside;
  std::ranges::stable_sort(flows, std::ranges::greater{}, [](const Flow& flow) { return flow.dropped(); });
  std::uint64_t left_out = story.outside_left_out;
  {
    Table table(out, "Packets that belong to no call: dropped", {"From", "To", "Packets", "Time"});
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (i >= limits::report_outside_flows_shown) {
        left_out += flows[i].dropped();
        continue;
      }
      table.row({endpoint(flows[i].protocol, flows[i].source),
                 endpoint(flows[i].protocol, flows[i].destination), std::to_string(flows[i].dropped()),
                 span_text(flows[i])});
    }
  }
  add_left_out(out, left_out, "packet of further flows is", "packets of further flows are");
}

void add_unread(std::string& out, const Story& story) {
  if (story.unread.empty()) return;
  Table table(out, "SIP that was not read: it opens and closes nothing", {"Time", "From", "To", "Why"});
  for (const message::UnreadEvent& event : story.unread) {
    table.row({time_text(event.time), endpoint(event.protocol, event.source),
               endpoint(event.protocol, event.destination), html(sentence_of(event.what))});
  }
}

}  // namespace dpinholer::report
