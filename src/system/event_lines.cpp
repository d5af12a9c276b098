// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/event_lines.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "pinhole/element.h"
#include "system/escape.h"

namespace dpinholer::system {

namespace {

using base::counted;
using message::UnreadEvent;
using nlohmann::ordered_json;
using pinhole::Change;
using pinhole::FarNat;
using pinhole::Label;
using pinhole::Refusal;
using scanners::Offence;

// "1.000123"
std::string seconds_text(base::TimePoint time) {
  constexpr std::int64_t per_second = 1'000'000;
  const std::int64_t count = time.time_since_epoch().count();
  std::string decimals = std::to_string(count % per_second);
  decimals.insert(0, 6 - decimals.size(), '0');
  return std::to_string(count / per_second) + "." + decimals;
}

// The name of the event; nothing for a refresh, which is none.
std::string_view event_name(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::open:
      return "open";
    case Change::Kind::bind:
      return "bind";
    case Change::Kind::close:
      return "close";
    case Change::Kind::refresh:
      return "";
  }
  return "";
}

// JSON has one kind of number and nlohmann prints it as short as it can: `time` is put in front by hand.
std::string line(base::TimePoint time, const ordered_json& fields) {
  constexpr bool ascii_only = true;
  const std::string text = fields.dump(-1, ' ', ascii_only, ordered_json::error_handler_t::replace);
  return "{\"time\":" + seconds_text(time) + "," + text.substr(1);
}

void add_label(ordered_json& fields, const Label& label) {
  fields["call_id"] = label.call_id;
  fields["media"] = label.media;
  fields["component"] = name(label.component);
}

std::string_view set_name(const Change& change) {
  return pinhole::name(pinhole::set_for(change.key, !change.from.empty()));
}

// ---- Columns ----------------------------------------------------------------------------------------------

std::string column(std::string_view text, std::size_t width) {
  std::string padded(text);
  if (padded.size() < width) padded.append(width - padded.size(), ' ');
  return padded + " ";
}

std::string time_column(base::TimePoint time) {
  const std::string text = seconds_text(time);
  return std::string(text.size() < 14 ? 14 - text.size() : 0, ' ') + text + "  ";
}

// "    1.000123  open   udp 192.0.2.10:30000       audio rtp  offer           "
std::string columns(base::TimePoint time, std::string_view event, base::Protocol protocol,
                    std::string_view endpoint, const Label& label, negotiation::Cause cause) {
  return time_column(time) + column(event, 6) + column(name(protocol), 3) + column(endpoint, 21) +
         column(escape(label.media) + " " + std::string(name(label.component)), 10) + column(name(cause), 15);
}

std::string from_text(const std::vector<base::Address>& from) {
  if (from.empty()) return "anybody";
  std::string text;
  for (const auto& address : from) text += (text.empty() ? "" : ",") + address.to_string();
  return text;
}

std::string banned_text(const Offence& offence) {
  return offence.banned.value_or(offence.source).text();
}

}  // namespace

std::string json_line(const Change& change) {
  const std::string_view event = event_name(change.kind);
  if (event.empty()) return "";
  ordered_json fields{{"event", event},
                      {"protocol", name(change.key.protocol)},
                      {"address", change.key.destination.address.to_string()},
                      {"port", change.key.destination.port}};
  fields["from"] = ordered_json::array();
  for (const auto& address : change.from) fields["from"].push_back(address.to_string());
  add_label(fields, change.label);
  if (change.kind != Change::Kind::close) {
    fields["set"] = set_name(change);
    fields["timeout"] = change.timeout.count();
  }
  fields["cause"] = name(change.cause);
  return line(change.time, fields);
}

std::string json_line(const Refusal& refusal) {
  ordered_json fields{{"event", "refuse"},
                      {"protocol", name(refusal.protocol)},
                      {"address", refusal.address},
                      {"port", refusal.port}};
  add_label(fields, refusal.label);
  fields["cause"] = name(refusal.cause);
  return line(refusal.time, fields);
}

std::string json_line(const Offence& offence) {
  return line(offence.time, {{"event", "ban"},
                             {"address", banned_text(offence)},
                             {"cause", name(offence.cause)},
                             {"sign", offence.text}});
}

std::string json_line(const UnreadEvent& unread) {
  ordered_json fields{{"event", "unread"},
                      {"protocol", name(unread.protocol)},
                      {"source", unread.source.address.to_string()},
                      {"source_port", unread.source.port},
                      {"address", unread.destination.address.to_string()},
                      {"port", unread.destination.port}};
  if (!unread.call_id.empty()) fields["call_id"] = unread.call_id;
  fields["cause"] = name(unread.what.cause);
  if (!unread.what.text.empty()) fields["text"] = unread.what.text;
  return line(unread.time, fields);
}

std::string json_line(const FarNat& nat) {
  return line(nat.time, {{"event", "nat"},
                         {"address", nat.announced.to_string()},
                         {"source", nat.source.to_string()},
                         {"call_id", nat.call_id}});
}

std::string json_line(const Flow& flow) {
  return line(flow.time, {{"event", "flow"},
                          {"protocol", name(flow.protocol)},
                          {"source", flow.source.address.to_string()},
                          {"source_port", flow.source.port},
                          {"address", flow.destination.address.to_string()},
                          {"port", flow.destination.port},
                          {"passed", flow.passed},
                          {"dropped", flow.dropped}});
}

std::string json_line(const Summary& summary) {
  return line(summary.time, {{"event", "summary"},
                             {"packets", summary.packets},
                             {"sip_messages", summary.sip_messages},
                             {"malformed", summary.malformed},
                             {"calls", summary.calls},
                             {"opened", summary.opened},
                             {"closed", summary.closed},
                             {"open_at_end", summary.open_at_end},
                             {"refused", summary.refused},
                             {"media_passed", summary.media_passed},
                             {"media_dropped", summary.media_dropped}});
}

std::string text_line(const Change& change) {
  const std::string_view event = event_name(change.kind);
  if (event.empty()) return "";
  std::string text = columns(change.time, event, change.key.protocol, to_string(change.key.destination),
                             change.label, change.cause);
  text += "from " + column(from_text(change.from), 15) + "call " + escape(change.label.call_id);
  if (change.kind == Change::Kind::close) return text;
  return text + "  (" + std::string(set_name(change)) + ", " + std::to_string(change.timeout.count()) + " s)";
}

std::string text_line(const Refusal& refusal) {
  return columns(refusal.time, "refuse", refusal.protocol,
                 escape(refusal.address) + ":" + std::to_string(refusal.port), refusal.label, refusal.cause) +
         "call " + escape(refusal.label.call_id);
}

std::string text_line(const Offence& offence) {
  return time_column(offence.time) + column("ban", 6) + banned_text(offence) + "  " +
         std::string(name(offence.cause)) + " " + escape(offence.text);
}

std::string text_line(const UnreadEvent& unread) {
  std::string text = time_column(unread.time) + column("unread", 6) + column(name(unread.protocol), 3) +
                     to_string(unread.source) + " > " + to_string(unread.destination) + "  " +
                     std::string(name(unread.what.cause));
  if (!unread.what.text.empty()) text += ": " + escape(unread.what.text);
  if (!unread.call_id.empty()) text += "  call " + escape(unread.call_id);
  return text;
}

std::string text_line(const FarNat& nat) {
  return time_column(nat.time) + column("nat", 6) + column(nat.announced.to_string(), 25) +
         "announced from " + column(nat.source.to_string(), 15) + "call " + escape(nat.call_id);
}

std::string text_line(const Flow& flow) {
  return time_column(flow.time) + column("flow", 6) + column(name(flow.protocol), 3) +
         to_string(flow.source) + " > " + to_string(flow.destination) + "  passed " +
         std::to_string(flow.passed) + ", dropped " + std::to_string(flow.dropped);
}

std::string text_line(const Summary& summary) {
  return time_column(summary.time) + "summary: " + counted(summary.packets, "packet", "packets") + ", " +
         counted(summary.sip_messages, "SIP message", "SIP messages") + " and " +
         std::to_string(summary.malformed) + " malformed, " + counted(summary.calls, "call", "calls") +
         "; pinholes: " + std::to_string(summary.opened) + " opened, " + std::to_string(summary.closed) +
         " closed, " + std::to_string(summary.open_at_end) + " open at the end, " +
         std::to_string(summary.refused) + " refused; media: " + std::to_string(summary.media_passed) +
         " passed, " + std::to_string(summary.media_dropped) + " dropped";
}

}  // namespace dpinholer::system
