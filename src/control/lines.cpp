// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/lines.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

#include "pinhole/element.h"
#include "system/event_lines.h"

namespace dpinholer::control {

namespace {

using nlohmann::ordered_json;

std::string line(const ordered_json& object) {
  constexpr bool ascii_only = true;
  return object.dump(-1, ' ', ascii_only, ordered_json::error_handler_t::replace) + "\n";
}

// To the millisecond.
double seconds(base::Duration duration) {
  return static_cast<double>(std::chrono::floor<std::chrono::milliseconds>(duration).count()) / 1000;
}

base::Duration since_1970(base::TimePoint moment, const Times& times) {
  return times.since_1970 - (times.now - moment);
}

ordered_json texts(const std::vector<base::Address>& addresses) {
  auto list = ordered_json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

ordered_json queue(const QueueRow& row) {
  return {
      {"number", row.number}, {"waiting", row.waiting}, {"full", row.full}, {"undelivered", row.undelivered}};
}

ordered_json histogram(const HistogramRow& row) {
  ordered_json object{{"count", row.count}, {"sum", row.sum}};
  object["buckets"] = ordered_json::array();
  for (std::size_t i = 0; i < row.bounds.size(); ++i) {
    object["buckets"].push_back({{"le", row.bounds[i]}, {"count", row.counts[i]}});
  }
  return object;
}

}  // namespace

std::string status_line(const Status& status) {
  ordered_json object{{"version", status.version},
                      {"uptime", seconds(status.uptime)},
                      {"table", status.table},
                      {"observe", status.observe},
                      {"memory", status.memory}};
  object["queues"] = ordered_json::array();
  for (const QueueRow& row : status.queues) object["queues"].push_back(queue(row));
  for (const Figure& figure : status.figures) object[std::string(figure.group)][figure.name] = figure.value;
  for (const LabelledFigure& figure : status.labelled) {
    ordered_json one;
    for (const auto& [name, value] : figure.labels) one[std::string(name)] = value;
    one["count"] = figure.value;
    object[std::string(figure.family)].push_back(std::move(one));
  }
  object["banned"] = ordered_json::array();
  for (const BanRow& ban : status.banned) {
    object["banned"].push_back(
        {{"address", ban.source.text()}, {"why", ban.why}, {"seconds", seconds(ban.left)}});
  }
  object["held"] = histogram(status.held);
  return line(object);
}

std::string call_line(const CallRow& call, const Times& times) {
  ordered_json object{{"call_id", call.call_id},
                      {"began", seconds(since_1970(call.began, times))},
                      {"seconds", seconds(times.now - call.began)},
                      {"cause", name(call.opened_by)},
                      {"state", call.answered ? "answered" : "offered"}};
  std::set<std::string> media;
  for (const PinholeRow& pinhole : call.pinholes) media.insert(pinhole.label.media);
  object["media"] = media;
  object["pinholes"] = call.pinholes.size();
  object["packets"] = ordered_json::array();
  for (const auto& [address, packets] : call.packets) {
    object["packets"].push_back(
        {{"to", address.to_string()}, {"packets", packets}, {"counted", !call.uncounted.contains(address)}});
  }
  object["behind_nat"] = ordered_json::array();
  for (const auto& [address, source] : call.nats) {
    object["behind_nat"].push_back({{"address", address.to_string()}, {"source", source.to_string()}});
  }
  object["one_way"] = is_one_way(call);
  object["counts_lost"] = call.counts_lost;
  return line(object);
}

std::string pinhole_line(const PinholeRow& pinhole, const Times& times) {
  ordered_json object{{"protocol", name(pinhole.key.protocol)},
                      {"address", pinhole.key.destination.address.to_string()},
                      {"port", pinhole.key.destination.port},
                      {"from", texts(pinhole.from)},
                      {"call_id", pinhole.label.call_id},
                      {"media", pinhole.label.media},
                      {"component", name(pinhole.label.component)},
                      {"set", pinhole::name(pinhole::set_for(pinhole.key, !pinhole.from.empty()))},
                      {"opened", seconds(since_1970(pinhole.opened, times))},
                      {"cause", name(pinhole.cause)},
                      {"timeout", pinhole.timeout.count()}};
  if (pinhole.expires) {
    object["expires"] = seconds(*pinhole.expires);
  } else {
    object["expires"] = nullptr;
  }
  object["packets"] = pinhole.packets;
  return line(object);
}

std::string event_line(Event event, const Times& times) {
  return std::visit(
             [&](auto& value) {
               value.time = base::TimePoint{since_1970(value.time, times)};
               return system::json_line(value);
             },
             event) +
         "\n";
}

std::string missed_line(std::uint64_t events) {
  return line({{"missed", events}});
}

std::string end_line(std::string_view end) {
  return line({{"end", end}});
}

std::string error_line(std::string_view error) {
  return line({{"end", "error"}, {"error", error}});
}

}  // namespace dpinholer::control
