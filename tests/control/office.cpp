// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/office.h"

namespace dpinholer::control::test {

using pinhole::Cause;
using pinhole::Change;
using pinhole::Component;

void Office::apply(const Change& change) {
  const auto elements = pinhole::element_changes(change);
  std::vector<system::ElementState> removed;
  sets.commit(elements, &removed);
  for (const auto& gone : removed) installed.count(gone.key, gone.packets, true);
  const auto* entry = installed.find(change.key);
  if (change.kind == Change::Kind::open) log.opened(change);
  if (change.kind == Change::Kind::bind) log.changed(change, entry->label);
  if (change.kind == Change::Kind::close) {
    log.closed(change, change.label, entry == nullptr ? 0 : pinhole::passed(entry->packets));
  }
  installed.apply(change);
  log.flush();
  events.add(change);
}

void Office::offer(const std::string& call_id, std::string_view to, std::uint16_t port,
                   base::seconds timeout) {
  for (const auto component : {Component::rtp, Component::rtcp}) {
    Change change;
    change.key.destination = {address(to),
                              static_cast<std::uint16_t>(port + (component == Component::rtcp ? 1 : 0))};
    change.timeout = timeout;
    change.label = {call_id, "audio", component};
    change.time = now;
    apply(change);
  }
}

void Office::answer(const std::string& call_id, std::string_view caller, std::uint16_t caller_port,
                    std::string_view callee, std::uint16_t callee_port) {
  for (const auto component : {Component::rtp, Component::rtcp}) {
    const int more = component == Component::rtcp ? 1 : 0;
    Change bind;
    bind.kind = Change::Kind::bind;
    bind.key.destination = {address(caller), static_cast<std::uint16_t>(caller_port + more)};
    bind.from = {address(callee)};
    bind.timeout = base::seconds{300};
    bind.label = {call_id, "audio", component};
    bind.cause = Cause::answer;
    bind.time = now;
    apply(bind);
    Change open = bind;
    open.kind = Change::Kind::open;
    open.key.destination = {address(callee), static_cast<std::uint16_t>(callee_port + more)};
    open.from = {address(caller)};
    apply(open);
  }
}

bool Office::hang_up(const std::string& call_id, Cause cause) {
  const auto call = log.calls().find(call_id);
  if (call == log.calls().end()) return false;
  const auto pinholes = call->second.pinholes;
  for (const auto& pinhole : pinholes) {
    const auto* entry = installed.find(pinhole.key);
    Change change;
    change.kind = Change::Kind::close;
    change.key = pinhole.key;
    change.from = entry->from;
    change.label = entry->label;
    change.cause = cause;
    change.time = now;
    apply(change);
  }
  return true;
}

void Office::refuse(const std::string& call_id, const std::string& address, std::uint32_t port) {
  events.add(
      pinhole::Refusal{base::Protocol::udp, address, port, {call_id, "audio"}, Cause::port_policy, now});
}

void Office::count(std::string_view to, std::uint16_t port, std::uint64_t packets) {
  for (auto& [key, element] : sets.elements) {
    if (key.destination == base::Endpoint{address(to), port}) element.packets += packets;
  }
}

void Office::lose_count(std::string_view to, std::uint16_t port) {
  installed.find({base::Protocol::udp, {address(to), port}})->lost = true;
}

void Office::see() {
  for (const auto& [key, element] : sets.elements)
    installed.find(pinhole::pinhole_of(key))->seen = element.packets;
}

Source Office::source() {
  return {.status =
              [] {
                Status status;
                status.version = "1.2.3";
                status.table = "inet filter";
                return status;
              },
          .calls = [this](const std::string& last) { return listing().after(last); },
          .close =
              [this](const std::string& call_id) {
                return hang_up(call_id, Cause::requested) ? Closing::done : Closing::not_found;
              },
          .unban = [this](const base::Address& source) -> tl::expected<bool, std::string> {
            if (source == unreachable) return tl::unexpected(std::string("the kernel refuses"));
            return banned.erase(source) > 0;
          },
          .events = &events};
}

}  // namespace dpinholer::control::test
