// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/flow_tuple.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "base/limits.h"

namespace dpinholer::pinhole {

namespace {

bool lets_through(const Change& closed, const base::Address& source) {
  return closed.from.empty() ||
         std::find(closed.from.begin(), closed.from.end(), source) != closed.from.end();
}

bool may_have_talked(const Change& one, const Change& other) {
  const base::Endpoint& here = one.key.destination;
  const base::Endpoint& there = other.key.destination;
  return here != there && here.address.family() == there.address.family() &&
         lets_through(one, there.address) && lets_through(other, here.address);
}

}  // namespace

std::vector<FlowTuple> likely_flows(std::span<const Change> changes) {
  using Stream = std::tuple<std::string_view, std::string_view, Component, base::Protocol>;
  std::map<Stream, std::vector<const Change*>> streams;
  for (const Change& change : changes) {
    if (change.kind != Change::Kind::close) continue;
    const Label& label = change.label;
    streams[{label.call_id, label.media, label.component, change.key.protocol}].push_back(&change);
  }
  std::vector<FlowTuple> flows;
  for (const auto& [stream, closed] : streams) {
    for (const Change* one : closed) {
      std::size_t found = 0;
      for (const Change* other : closed) {
        if (found == base::limits::tuples_per_close) break;
        if (!may_have_talked(*one, *other)) continue;
        flows.push_back({one->key.protocol, other->key.destination, one->key.destination});
        ++found;
      }
    }
  }
  std::sort(flows.begin(), flows.end());
  flows.erase(std::unique(flows.begin(), flows.end()), flows.end());
  return flows;
}

}  // namespace dpinholer::pinhole
