// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/request.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace dpinholer::control {

namespace {

using nlohmann::json;
using Command = Request::Command;

constexpr std::array<std::pair<std::string_view, Command>, 6> commands{{{"status", Command::status},
                                                                        {"calls", Command::calls},
                                                                        {"pinholes", Command::pinholes},
                                                                        {"events", Command::events},
                                                                        {"close", Command::close},
                                                                        {"unban", Command::unban}}};

// Its parser does not recurse, but what it makes of deep nesting takes room.
json read(std::string_view line) {
  bool too_deep = false;
  auto shallow = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > base::limits::request_depth;
    return !too_deep;
  };
  constexpr bool may_throw = false;
  json value = json::parse(line, shallow, may_throw);
  return too_deep ? json(json::value_t::discarded) : value;
}

const std::string* text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

tl::unexpected<std::string> wrong(std::string text) {
  return tl::unexpected<std::string>(std::move(text));
}

}  // namespace

tl::expected<Request, std::string> parse_request(std::string_view line) {
  const json object = line.size() <= base::limits::request_length ? read(line) : json();
  if (!object.is_object()) return wrong(R"(no request: right would be {"command": "status"})");
  const std::string* name = text(object, "command");
  Request request;
  bool known = false;
  for (const auto& [its_name, command] : commands) {
    if (name == nullptr || *name != its_name) continue;
    request.command = command;
    known = true;
  }
  if (!known) return wrong("no such command: there are status, calls, pinholes, events, close, unban");
  if (const auto follow = object.find("follow"); follow != object.end()) {
    if (!follow->is_boolean()) return wrong("follow is to be true or false");
    request.follow = follow->get<bool>();
  }
  if (request.command == Command::close) {
    const std::string* call_id = text(object, "call_id");
    if (call_id == nullptr) return wrong("close wants a call_id");
    request.call_id = *call_id;
  }
  if (request.command == Command::unban) {
    const std::string* written = text(object, "address");
    const auto address = written == nullptr ? std::nullopt : base::Network::parse(*written);
    if (!address) return wrong("unban wants an address, like 203.0.113.5");
    request.address = address->first();
  }
  return request;
}

std::string to_line(const Request& request) {
  json object;
  for (const auto& [name, command] : commands) {
    if (command == request.command) object["command"] = name;
  }
  if (request.follow) object["follow"] = true;
  if (request.command == Command::close) object["call_id"] = request.call_id;
  if (request.command == Command::unban) object["address"] = request.address.to_string();
  constexpr bool ascii_only = true;
  return object.dump(-1, ' ', ascii_only, json::error_handler_t::replace) + "\n";
}

}  // namespace dpinholer::control
