// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspection_desk.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

namespace dpinholer {

namespace {

// Pinholes that a new inspector is told at once, but for the rest of the last call.
constexpr std::size_t recovered_at_once = 4096;
// Signs of media that may wait for the next packet.
constexpr std::size_t most_media_kept = 128;

// Of times that it names: what is further away is a mistake, or worse.
constexpr base::Duration a_day = std::chrono::hours{24};
// A deadline that is always over would leave the daemon no rest.
constexpr base::Duration least_rest = std::chrono::milliseconds{1};

void clamp_times(Findings& findings, base::TimePoint now) {
  auto clamp_past = [&](base::TimePoint& time) { time = std::clamp(time, now - a_day, now); };
  for (pinhole::Change& change : findings.outcome.changes) clamp_past(change.time);
  for (pinhole::Refusal& refusal : findings.outcome.refusals) clamp_past(refusal.time);
  for (scanners::Offence& offence : findings.outcome.offences) clamp_past(offence.time);
  for (message::UnreadEvent& event : findings.outcome.unread) clamp_past(event.time);
  for (pinhole::FarNat& nat : findings.outcome.far_nats) clamp_past(nat.time);
  if (findings.next_deadline)
    findings.next_deadline = std::clamp(*findings.next_deadline, now + least_rest, now + a_day);
}

}  // namespace

InspectionDesk::InspectionDesk(Inspection& inspection, Gatekeeper& gatekeeper, system::HostNetworks& networks,
                               bool observe, Outcome& outcome, Daemon daemon)
    : inspection_(inspection),
      gatekeeper_(gatekeeper),
      kernel_(networks, gatekeeper, observe),
      outcome_(outcome),
      daemon_(std::move(daemon)) {}

void InspectionDesk::take_over(std::vector<Connection> connections, base::TimePoint now) {
  inspection_.start(now);
  adopt(gatekeeper_.recover(now), std::move(connections), now);
}

void InspectionDesk::start(base::TimePoint now) {
  const auto due = inspection_.next_start();
  if (inspecting_ || (due && now < *due)) return;
  inspection_.start(now);
  adopt(gatekeeper_.offer(), connections(), now);
}

void InspectionDesk::failed() {
  inspection_.notice();
  inspecting_ = false;
}

// Tells all that is open to somebody who knows nothing yet, some of it at a time, call by call.
void InspectionDesk::adopt(std::vector<pinhole::Recovered> open, std::vector<Connection> connections,
                           base::TimePoint now) {
  inspecting_ = true;
  seen_before_ = seen_;
  if (inspection_.fd() >= 0) daemon_.watch(inspection_.fd());
  media_.clear();
  connections_.clear();
  left_ = std::move(connections);
  std::ranges::sort(open, {}, [](const auto& pinhole) { return std::tie(pinhole.call_hash, pinhole.key); });
  Batch batch;
  batch.connections = left_;
  auto next = open.begin();
  do {
    while (next != open.end() && (batch.recovered.size() < recovered_at_once ||
                                  batch.recovered.back().call_hash == next->call_hash)) {
      batch.recovered.push_back(std::move(*next++));
    }
    if (!inspect(std::exchange(batch, {}), now)) return;
    left_.clear();
    daemon_.finish();
  } while (next != open.end());
  gatekeeper_.close_unclaimed(now);
}

std::optional<std::vector<Findings::Packet>> InspectionDesk::inspect(Batch batch, base::TimePoint now) {
  if (!inspecting_) return std::nullopt;
  batch.now = now;
  batch.networks_changed = std::exchange(networks_changed_, false);
  batch.media = std::exchange(media_, {});
  auto findings = ask(batch, now);
  if (!findings) return std::nullopt;
  std::vector<Findings::Packet> found = std::move(findings->packets);
  const std::size_t all = batch.packets.size();
  for (std::size_t taken = found.size(); taken > 0 && found.size() < all;) {
    Batch rest;
    rest.now = now;
    rest.packets.assign(batch.packets.begin() + static_cast<std::ptrdiff_t>(found.size()),
                        batch.packets.end());
    findings = ask(rest, now);
    taken = findings ? findings->packets.size() : 0;
    if (findings) std::ranges::move(findings->packets, std::back_inserter(found));
  }
  found.resize(all);
  return found;
}

std::optional<Findings> InspectionDesk::ask(const Batch& batch, base::TimePoint now) {
  auto findings = inspection_.inspect(batch, kernel_);
  inspecting_ = findings.has_value();
  if (!findings) return std::nullopt;
  clamp_times(*findings, now);
  timer_due_ = findings->next_deadline;
  seen_ = seen_before_;
  seen_ += findings->counters;
  note(findings->connections);
  if (!batch.close.empty()) closed_ = findings->closed;
  for (std::size_t i = 0; i < findings->packets.size(); ++i) {
    if (findings->packets[i].reading.of_a_call) gatekeeper_.keep(batch.packets[i].octets);
  }
  gatekeeper_.judge(findings->outcome);
  std::ranges::move(findings->outcome.changes, std::back_inserter(outcome_.changes));
  std::ranges::move(findings->outcome.refusals, std::back_inserter(outcome_.refusals));
  std::ranges::move(findings->outcome.offences, std::back_inserter(outcome_.offences));
  std::ranges::move(findings->outcome.unread, std::back_inserter(outcome_.unread));
  std::ranges::move(findings->outcome.far_nats, std::back_inserter(outcome_.far_nats));
  return findings;
}

void InspectionDesk::note(const std::vector<Findings::ConnectionNews>& news) {
  for (const auto& [stream, now] : news) {
    if (!now) {
      connections_.erase(stream);
    } else if (connections_.size() < most_connections_ || connections_.contains(stream)) {
      connections_.insert_or_assign(stream, *now);
    }
  }
}

void InspectionDesk::run_timers(base::TimePoint now) {
  const bool due = timer_due_ && *timer_due_ <= now;
  if (due || media_.size() >= most_media_kept) inspect({}, now);
}

std::optional<base::TimePoint> InspectionDesk::next_deadline() const {
  return inspecting_ ? timer_due_ : inspection_.next_start();
}

std::vector<Connection> InspectionDesk::connections() const {
  std::vector<Connection> all = left_;
  for (const auto& [stream, connection] : connections_) all.push_back(connection);
  return all;
}

}  // namespace dpinholer
