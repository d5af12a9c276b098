// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/page.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/limits.h"
#include "report/findings.h"
#include "report/html.h"
#include "report/parts.h"

namespace dpinholer::report {

namespace {

namespace limits = base::limits;
using base::counted;

using Verdicts = std::vector<Verdict>;  // of the calls of a story, in their order

// Identifiers are made of our own numbers only.
std::string id_of(std::size_t story, std::size_t call) {
  return "s" + std::to_string(story) + "c" + std::to_string(call + 1);
}

std::string call_id(const Call& call) {
  return "<bdi class=\"id\">" + html(call.id) + "</bdi>";
}

// Those to draw, in their order: calls with something wrong come before others.
std::vector<std::size_t> drawn_calls(const Verdicts& verdicts) {
  std::vector<std::size_t> drawn;
  for (const bool trouble : {true, false}) {
    for (std::size_t i = 0; i < verdicts.size() && drawn.size() < limits::report_calls_drawn; ++i) {
      if (verdicts[i].trouble == trouble) drawn.push_back(i);
    }
  }
  std::ranges::sort(drawn);
  return drawn;
}

void add_figure(std::string& out, std::string_view name, const std::string& value, bool grave = false) {
  out += "<div" + std::string(grave ? " class=\"grave\"" : "") + "><dt>" + html(name) + "</dt><dd>" + value +
         "</dd></div>\n";
}

void add_figures(std::string& out, const Story& story) {
  const system::Summary& summary = story.summary;
  out += "<dl class=\"figures\">\n";
  add_figure(out, "Time", duration_text(summary.time.time_since_epoch()));
  add_figure(out, "Packets", std::to_string(summary.packets));
  add_figure(out, "SIP messages", std::to_string(summary.sip_messages));
  if (summary.malformed > 0) add_figure(out, "SIP unreadable", std::to_string(summary.malformed), true);
  add_figure(out, "Calls", std::to_string(story.calls.size()));
  add_figure(out, "Pinholes", std::to_string(summary.opened));
  add_figure(out, "Refused", std::to_string(summary.refused), summary.refused > 0);
  add_figure(out, "Media passed", std::to_string(summary.media_passed));
  add_figure(out, "Media dropped", std::to_string(summary.media_dropped), summary.media_dropped > 0);
  out += "</dl>\n";
}

std::string chip(const Verdict& verdict) {
  return "<span class=\"chip" +
         std::string(verdict.trouble ? " trouble"
                     : verdict.good  ? " good"
                                     : "") +
         "\">" + html(verdict.brief) + "</span>";
}

std::string ending(const Call& call) {
  if (call.ended_by) return std::string(name(*call.ended_by));
  return call.pinholes.empty() ? "" : "open";
}

void add_contents(std::string& out, const Story& story, const Verdicts& verdicts,
                  const std::vector<std::size_t>& drawn, std::size_t number) {
  if (drawn.size() < 2) return;
  out +=
      "<table class=\"contents\"><caption>Calls</caption><thead><tr><th scope=\"col\">Call</th>"
      "<th scope=\"col\">Begins</th><th scope=\"col\">Lasts</th><th scope=\"col\">Ended by</th>"
      "<th scope=\"col\">What stands out</th></tr></thead><tbody>\n";
  for (const std::size_t i : drawn) {
    const Call& call = story.calls[i];
    out += "<tr><td data-l=\"Call\"><a href=\"#" + id_of(number, i) + "\">" + std::to_string(i + 1) +
           "</a> " + call_id(call) + "</td><td data-l=\"Begins\">" + time_text(call.first) +
           "</td><td data-l=\"Lasts\">" + duration_text(call.last - call.first) +
           "</td><td data-l=\"Ended by\">" + ending(call) + "</td><td data-l=\"What stands out\">" +
           chip(verdicts[i]) + "</td></tr>\n";
  }
  out += "</tbody></table>\n";
}

void add_findings(std::string& out, const Verdict& verdict) {
  if (verdict.findings.empty()) return;
  constexpr std::size_t longest = 600;
  out += "<ul class=\"findings\">\n";
  for (const Finding& finding : verdict.findings) {
    out += "<li class=\"" + std::string(finding.trouble ? "trouble" : "note") + "\">" +
           html(finding.text, longest) + "</li>\n";
  }
  out += "</ul>\n";
}

void add_call(std::string& out, const Call& call, const Verdict& verdict, std::size_t number,
              std::size_t index) {
  constexpr std::size_t whole = limits::call_id_length;
  out += "<section class=\"call\" id=\"" + id_of(number, index) + "\">\n<h2 title=\"" + html(call.id, whole) +
         "\">Call " + std::to_string(index + 1) + " " + call_id(call) + " " + chip(verdict) + "</h2>\n";
  out += "<p class=\"sub\">" + time_text(call.first) + " to " + time_text(call.last);
  if (call.answered) out += ", answered at " + time_text(*call.answered);
  if (call.ended_by) out += ", closed: " + std::string(name(*call.ended_by));
  out += "</p>\n";
  add_findings(out, verdict);
  add_ladder(out, call, verdict.heard_nothing);
  add_pinholes(out, call);
  add_refusals(out, call);
  add_flows(out, call);
  out += "</section>\n";
}

void add_other_sip(std::string& out, const Story& story) {
  if (story.other_methods.empty()) return;
  out += "<p class=\"sub\">SIP of no call: ";
  std::string_view separator;
  for (const auto& [method, count] : story.other_methods) {
    out += std::string(separator) + std::to_string(count) + " " +
           html(method == message::Method::other ? "of other methods" : name(method));
    separator = ", ";
  }
  out += " (requests and responses).</p>\n";
}

void add_left_out(std::string& out, const Story& story, const Verdicts& verdicts,
                  const std::vector<std::size_t>& drawn) {
  const std::size_t left_out = verdicts.size() - drawn.size();
  if (left_out > 0) {
    const auto is_troubled = [](const Verdict& verdict) { return verdict.trouble; };
    const auto troubled = static_cast<std::size_t>(std::ranges::count_if(verdicts, is_troubled));
    const auto told = static_cast<std::size_t>(
        std::ranges::count_if(drawn, [&](std::size_t i) { return verdicts[i].trouble; }));
    out += "<p class=\"left-out\">" + counted(left_out, "call is", "calls are") + " left out, " +
           (troubled == told ? "nothing stands out in them"
                             : "something stands out in " + std::to_string(troubled - told) + " of them") +
           ".</p>\n";
  }
  if (story.messages_left_out > 0) {
    out += "<p class=\"left-out\">This page has room for " + std::to_string(story.calls.size()) + " calls: " +
           counted(story.messages_left_out, "message of a further call is", "messages of further calls are") +
           " left out.</p>\n";
  }
}

constexpr std::string_view legend = R"(<section class="legend"><h2>How to read this</h2>
<p>This is what dpinholer would have done on a gateway that these packets cross: which pinholes it opens for the media
that the calls announce, until when, and which media passes them. Times are seconds since the first packet.</p>
<dl>
<dt><span class="key sip"></span></dt><dd>a SIP request; <b>SDP</b>: with a session description</dd>
<dt><span class="key sip re"></span></dt><dd>a response</dd>
<dt><span class="key media"></span></dt><dd>media between two SIP messages, RTP and RTCP together</dd>
<dt><span class="key media lost"></span></dt><dd>media that was dropped</dd>
<dt><i class="bar any key"></i></dt><dd>a pinhole, open to any sender: its offer has no answer yet</dd>
<dt><i class="bar bound key"></i></dt><dd>a pinhole, bound to the addresses that the other party may send from</dd>
</dl></section>
)";

}  // namespace

std::string page_begin(std::string_view file) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; "
         "base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Calls in " +
         html(file) + "</title>\n<style>" + std::string(style()) + "</style></head>\n<body>\n<main>\n";
}

std::string page_part(const Story& story, std::size_t number) {
  Verdicts verdicts;
  MediaSeen seen = story.outside.empty() ? MediaSeen::of_calls : MediaSeen::of_no_call;
  if (story.summary.media_passed + story.summary.media_dropped == 0) seen = MediaSeen::none;
  for (const Call& call : story.calls) verdicts.push_back(verdict_on(call, seen));
  const auto drawn = drawn_calls(verdicts);

  std::string out = "<header><h1>Calls in <bdi>" + html(story.file) + "</bdi></h1>\n";
  if (!story.error.empty()) out += "<p class=\"error\">" + html(story.error, 400) + "</p>\n";
  add_figures(out, story);
  out += "</header>\n";
  if (story.calls.empty()) out += "<p>No call was found in this capture.</p>\n";
  add_contents(out, story, verdicts, drawn, number);
  add_left_out(out, story, verdicts, drawn);
  for (const std::size_t i : drawn) add_call(out, story.calls[i], verdicts[i], number, i);
  if (!story.outside.empty() || !story.unread.empty() || !story.other_methods.empty()) {
    out += "<section class=\"rest\"><h2>Beside the calls</h2>\n";
    add_other_sip(out, story);
    add_unread(out, story);
    add_outside(out, story);
    out += "</section>\n";
  }
  return out;
}

std::string page_end() {
  return std::string(legend) + "</main>\n</body></html>\n";
}

}  // namespace dpinholer::report
