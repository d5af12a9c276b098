// SPDX-License-Identifier: GPL-2.0-or-later
// text      = *family ["# EOF" LF]                        the last only in OpenMetrics
// family    = "# HELP" name help LF "# TYPE" name type LF *sample
// sample    = name ["{" label "=" quoted *("," ...) "}"] SP value LF
//
// The two formats differ in the name of a counter's family, which OpenMetrics writes without "_total".
#include "control/metrics.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

#include "control/json_values.h"

namespace dpinholer::control {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

struct Family {
  std::string_view name;  // without "dpinholer_"
  std::string_view type;
  std::string_view help;
};

// A number of the status, on its own.
struct Single {
  Family family;
  const char* group;  // nullptr: none
  const char* key;
};

constexpr std::array singles{
    Single{{"uptime_seconds", "gauge", "Seconds since the daemon started."}, nullptr, "uptime"},
    Single{{"resident_memory_bytes", "gauge", "Memory of the daemon that is resident."}, nullptr, "memory"},
    Single{{"packets_total", "counter", "Packets read from the queues."}, "packets", "queued"},
    Single{{"packets_dropped_total", "counter", "Packets dropped because the configuration says so."},
           "packets",
           "dropped"},
    Single{{"packets_unread_total", "counter",
            "Packets that reached the queue rule and were not read, for want of room."},
           "packets",
           "unread"},
    Single{{"packets_sip_tls_total", "counter",
            "Packets of SIP over TLS that the rules counted: nobody reads them."},
           "packets",
           "sip_tls"},
    Single{{"calls_seen_total", "counter", "Calls whose signalling was followed."}, "calls", "seen"},
    Single{{"pinholes", "gauge", "Pinholes that are open."}, "pinholes", "open"},
    Single{{"pinholes_waiting", "gauge", "Pinholes that the kernel refuses for now."}, "pinholes", "waiting"},
    Single{{"transactions_total", "counter", "Transactions that changed the sets."}, "sets", "transactions"},
    Single{{"element_changes_total", "counter", "Elements of the sets added, renewed or removed."},
           "sets",
           "changes"},
    Single{
        {"commit_errors_total", "counter", "Changes of elements that the kernel refused."}, "sets", "failed"},
    Single{{"late_messages_total", "counter",
            "Messages that went on before the kernel had written what they changed."},
           "sets",
           "late"},
    Single{{"conntrack_deletions_total", "counter", "Flows forgotten because their pinhole closed."},
           "conntrack",
           "deleted"},
    Single{{"conntrack_errors_total", "counter", "Walks and deletions that failed."}, "conntrack", "failed"},
    Single{{"inspector_restarts_total", "counter", "Inspectors that had to be started anew."},
           "inspector",
           "restarts"},
    Single{{"scanner_messages_total", "counter", "Messages of scanners, which change nothing."},
           "scanners",
           "messages"},
    Single{{"banned_sources", "gauge", "Sources of SIP that are banned."}, "scanners", "banned"},
    Single{{"bans_total", "counter", "Bans of sources of SIP."}, "scanners", "bans"},
    Single{
        {"bans_failed_total", "counter", "Bans that could not be written, or for which there was no room."},
        "scanners",
        "failed"},
    Single{{"pinholes_repelled_total", "counter", "Pinholes that an inspector asked for against the policy."},
           "inspector",
           "repelled"},
};

// Several numbers of a group as one family, told apart by a label.
struct Split {
  Family family;
  const char* group;
  std::string_view label;
  std::array<std::pair<const char*, const char*>, 6> keys;  // key, value of the label
};

constexpr std::array splits{
    Split{{"readings_total", "counter", "What packets turned out to be."},
          "packets",
          "kind",
          {{{"malformed", "malformed"},
            {"keep_alives", "keep-alive"},
            {"not_sip", "not-sip"},
            {"unreadable", "unreadable"}}}},
    Split{{"calls", "gauge", "Calls that have a pinhole."},
          "calls",
          "state",
          {{{"offered", "offered"}, {"answered", "answered"}}}},
    Split{
        {"mends_total", "counter", "What was put right that others did to the sets, or the kernel refused."},
        "sets",
        "kind",
        {{{"rewritten", "rewritten"}, {"retried", "retried"}, {"swept", "swept"}}}},
    Split{{"tcp_connections_given_up_total", "counter", "Connections that are not read any more."},
          "tcp",
          "reason",
          {{{"foreign", "foreign"},
            {"encrypted", "encrypted"},
            {"conflict", "conflict"},
            {"gap", "gap"},
            {"over_bound", "over-bound"},
            {"evicted", "evicted"}}}},
};

// As short as it can be without loss.
std::string number_text(double value) {
  if (std::isinf(value)) return "+Inf";
  std::array<char, 32> text{};
  for (const int digits : {6, 15, 17}) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, value);
    if (std::stod(text.data()) == value) break;
  }
  return text.data();
}

std::string label_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? "\\n" : std::string(1, c);
  }
  return quoted + "\"";
}

class Writer {
 public:
  explicit Writer(MetricsFormat format) : format_(format) {}

  void begin(const Family& family) {
    name_ = "dpinholer_" + std::string(family.name);
    std::string announced = name_;
    constexpr std::string_view suffix = "_total";
    if (format_ == MetricsFormat::open_metrics && announced.ends_with(suffix))
      announced.resize(announced.size() - suffix.size());
    text_ += "# HELP " + announced + " " + std::string(family.help) + "\n";
    text_ += "# TYPE " + announced + " " + std::string(family.type) + "\n";
  }
  void sample(double value, const Labels& labels = {}, std::string_view suffix = "") {
    text_ += name_ + std::string(suffix);
    for (std::size_t i = 0; i < labels.size(); ++i)
      text_ += (i == 0 ? "{" : ",") + std::string(labels[i].first) + "=" + label_text(labels[i].second);
    text_ += (labels.empty() ? " " : "} ") + number_text(value) + "\n";
  }
  std::string take() {
    if (format_ == MetricsFormat::open_metrics) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  MetricsFormat format_;
  std::string name_;
  std::string text_;
};

void write_queues(Writer& writer, const Json& status) {
  struct OfQueue {
    Family family;
    const char* key;
  };
  constexpr std::array families{
      OfQueue{{"queue_waiting", "gauge", "Packets that wait for their verdict."}, "waiting"},
      OfQueue{{"queue_full_total", "counter", "Packets not read because the queue was full."}, "full"},
      OfQueue{{"queue_lost_total", "counter", "Packets lost because the socket had no room."}, "undelivered"},
  };
  for (const OfQueue& one : families) {
    writer.begin(one.family);
    for (const Json& queue : list(status, "queues"))
      writer.sample(number(queue, one.key), {{"queue", std::to_string(count(queue, "number"))}});
  }
}

void write_counts(Writer& writer, const Json& counts, const Family& family,
                  std::span<const std::string_view> labels) {
  writer.begin(family);
  for (const Json& one : counts) {
    Labels named;
    for (const std::string_view label : labels) named.emplace_back(label, text(one, label.data()));
    writer.sample(number(one, "count"), named);
  }
}

void write_histogram(Writer& writer, const Json& held) {
  writer.begin({"hold_seconds", "histogram", "From the read of a packet to its verdict."});
  for (const Json& bucket : list(held, "buckets"))
    writer.sample(number(bucket, "count"), {{"le", number_text(number(bucket, "le"))}}, "_bucket");
  writer.sample(number(held, "count"), {{"le", "+Inf"}}, "_bucket");
  writer.sample(number(held, "sum"), {}, "_sum");
  writer.sample(number(held, "count"), {}, "_count");
}

}  // namespace

MetricsFormat metrics_format(std::string_view accept) {
  const bool open = accept.find("application/openmetrics-text") != std::string_view::npos;
  return open ? MetricsFormat::open_metrics : MetricsFormat::prometheus;
}

std::string_view content_type(MetricsFormat format) {
  switch (format) {
    case MetricsFormat::prometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
    case MetricsFormat::open_metrics:
      break;
  }
  return "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string metrics_text(std::string_view line, MetricsFormat format) {
  Writer writer(format);
  writer.begin({"up", "gauge", "Whether the daemon answers."});
  writer.sample(line.empty() ? 0 : 1);
  if (line.empty()) return writer.take();
  const Json status = read_object(line);
  writer.begin({"build_info", "gauge", "The version of the daemon."});
  writer.sample(1, {{"version", text(status, "version")}});
  for (const Single& single : singles) {
    const Json& group = single.group == nullptr ? status : value(status, single.group);
    if (!value(group, single.key).is_number()) continue;
    writer.begin(single.family);
    writer.sample(number(group, single.key));
  }
  for (const Split& split : splits) {
    writer.begin(split.family);
    const Json& group = value(status, split.group);
    for (const auto& [key, name] : split.keys) {
      if (key != nullptr) writer.sample(number(group, key), {{split.label, name}});
    }
  }
  constexpr std::array<std::string_view, 2> of_message{"method", "result"};
  write_counts(writer, list(status, "messages"),
               {"sip_messages_total", "counter", "SIP messages, by method and what they are."}, of_message);
  constexpr std::array<std::string_view, 1> by_reason{"reason"};
  write_counts(writer, list(status, "refusals"),
               {"pinholes_refused_total", "counter", "Pinholes that policy refused."}, by_reason);
  write_counts(writer, list(status, "unread"),
               {"sip_unread_total", "counter", "SIP that may have asked for pinholes and was not read."},
               by_reason);
  write_queues(writer, status);
  write_histogram(writer, value(status, "held"));
  return writer.take();
}

}  // namespace dpinholer::control
