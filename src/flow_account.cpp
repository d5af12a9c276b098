// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_account.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/limits.h"
#include "system/clock.h"
#include "system/log.h"

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::FlowTuple;
using pinhole::Key;

// A call lives for media-idle (300 s) after the last packet that is known of.
constexpr base::Duration flow_period = std::chrono::seconds{10};
constexpr int idle_share = 50;  // a pause is at least so many times as long as the walk before it

}  // namespace

FlowAccount::FlowAccount(pinhole::Installed& installed, base::HashKey hash_key)
    : installed_(installed), known_(0, pinhole::KeyHash{hash_key}), told_(hash_key) {}

bool FlowAccount::walk_some(base::TimePoint now) {
  if (!walk_.goes_on() && (now < next_walk_ || installed_.size() == 0)) return false;
  const base::TimePoint began = system::now();
  tl::expected<bool, system::SystemError> more = true;
  if (!walk_.goes_on()) {
    if (const auto begun = walk_.begin(); !begun) more = tl::unexpected(begun.error());
  }
  if (more) more = walk_.go_on([this](const system::TrackedFlow& flow) { note(flow); });
  spent_ += system::now() - began;
  if (!walk_.goes_on()) end_walk(now);
  if (!more) {
    const std::string text = more.error().to_string() + ": packets of offloaded media are not counted";
    if (const auto ending = told_.tell("walk", now)) system::log::error(text + *ending);
  }
  return walk_.goes_on();
}

void FlowAccount::end_walk(base::TimePoint now) {
  next_walk_ = now + std::max(flow_period, idle_share * std::exchange(spent_, {}));
  if (!std::exchange(uncounted_, false)) return;
  if (const auto ending = told_.tell("uncounted", now)) {
    system::log::warning(
        "connection tracking does not count the packets of media; set "
        "net.netfilter.nf_conntrack_acct = 1 before calls begin, or media.offload = \"avoid\"" +
        *ending);
  }
}

void FlowAccount::read_last(std::span<const Change> changes, std::vector<FlowTuple>& flows) {
  std::vector<Key> closed;
  for (const Change& change : changes) {
    if (change.kind != Change::Kind::close) continue;
    closed.push_back(change.key);
    const auto known = known_.find(change.key);
    if (known == known_.end()) continue;
    for (const Known& flow : known->second) flows.push_back(flow.tuple);
  }
  if (closed.empty()) return;
  std::sort(flows.begin(), flows.end());
  flows.erase(std::unique(flows.begin(), flows.end()), flows.end());
  if (flows.size() <= base::limits::flows_read_at_once)
    (void)conntrack_.read_flows(flows, [this](const system::TrackedFlow& flow) { note(flow); });
  for (const Key& key : closed) known_.erase(key);
}

void FlowAccount::note(const system::TrackedFlow& flow) {
  const auto& [original, reply, there, back, counted, zone] = flow;
  const bool one = credit({original, zone, there}, reply.source, original.source.address);
  const bool other = credit({reply, zone, back}, original.source, reply.source.address);
  if ((one || other) && !counted) uncounted_ = true;
}

// A rule of the forward chain sees `source`. A flow that has counted less than before is a new one; the same
// in another zone has counted the same packets.
bool FlowAccount::credit(const Known& flow, const base::Endpoint& led_to, const base::Address& source) {
  for (const base::Endpoint& destination : {flow.tuple.destination, led_to}) {
    const Key key{flow.tuple.protocol, destination};
    auto* entry = installed_.find(key);
    if (entry == nullptr || !entry->lets(source)) continue;
    std::vector<Known>& flows = known_[key];
    auto known = std::ranges::find(flows, flow.tuple, &Known::tuple);
    if (known == flows.end()) {
      if (flows.size() >= base::limits::flows_per_pinhole) flows.erase(flows.begin());
      known = flows.insert(flows.end(), {flow.tuple, flow.zone, 0});
    }
    if (known->zone != flow.zone) return true;
    const std::uint64_t before = std::exchange(known->packets, flow.packets);
    entry->note_flow(source, flow.packets >= before ? flow.packets - before : flow.packets);
    return true;
  }
  return false;
}

}  // namespace dpinholer
