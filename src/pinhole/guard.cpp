// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/guard.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace dpinholer::pinhole {

namespace limits = base::limits;

namespace {

// An inspector that chooses Call-IDs so that they collide gets fewer pinholes by it.
std::uint64_t call_of(const Label& label) {
  return label.call_hash.value_or(base::stable_hash(label.call_id));
}

Refusal refusal_of(const Change& change, Cause cause) {
  return {change.key.protocol,
          change.key.destination.address.to_string(),
          change.key.destination.port,
          change.label,
          cause,
          change.time};
}

}  // namespace

Guard::Guard(const GuardSettings& settings, Host* host, base::HashKey hash_key)
    : settings_(settings),
      host_(host),
      policy_(settings.policy, host),
      sides_(settings.policy, host),
      speakers_(limits::speakers, hash_key),
      open_(0, KeyHash{hash_key}),
      per_call_(0, CallHash{hash_key}),
      offered_(0, KeyHash{hash_key}) {}

void Guard::reconfigure(const GuardSettings& settings) {
  settings_ = settings;
  policy_ = Policy(settings.policy, host_);
  sides_ = Sides(settings.policy, host_);
}

std::size_t Guard::CallHash::operator()(std::uint64_t call) const {
  return base::keyed_hash(hash_key, {reinterpret_cast<const std::uint8_t*>(&call), sizeof call});
}

void Guard::heard(const base::Address& source, base::Interface arrival, std::size_t octets) {
  const std::size_t messages = 1 + octets / limits::shortest_message;
  speakers_.heard(source, arrival, messages * settings_.pinholes_per_call);
}

std::vector<Refusal> Guard::judge(std::vector<Change>& changes) {
  std::vector<Refusal> refusals;
  std::erase_if(changes, [&](Change& change) { return !admits(change, refusals); });
  return refusals;
}

bool Guard::admits(Change& change, std::vector<Refusal>& refusals) {
  change.timeout = std::clamp(change.timeout, base::seconds{1}, settings_.longest_timeout);
  switch (change.kind) {
    case Change::Kind::open:
      if (open_.contains(change.key)) return false;
      if (change.cause == Cause::recovered) {
        if (!claims(change)) return false;
      } else if (const auto cause = refusal(change)) {
        refusals.push_back(refusal_of(change, *cause));
        return false;
      }
      enter(change);
      return true;
    case Change::Kind::bind:
      return open_.contains(change.key) && admits_sources(change);
    case Change::Kind::refresh:
      return open_.contains(change.key);
    case Change::Kind::close:
      if (!open_.contains(change.key)) return false;
      leave(change.key);
      return true;
  }
  return false;
}

bool Guard::claims(const Change& change) {
  const auto offered = offered_.find(change.key);
  if (offered == offered_.end() || offered->second.from != change.from) return false;
  if (call_of(change.label) != offered->second.call_hash) return false;
  offered_.erase(offered);
  return true;
}

// Why it may not open; what it costs is taken when it may.
std::optional<Cause> Guard::refusal(const Change& change) {
  if (open_.size() >= limits::open_pinholes) return Cause::limit;
  const auto call = per_call_.find(call_of(change.label));
  if (call != per_call_.end() && call->second >= settings_.pinholes_per_call) return Cause::limit;
  const base::Address& address = change.key.destination.address;
  const std::uint16_t port = change.key.destination.port;
  const bool has_sources = admits_sources(change);
  Speakers::Speaker* speaker = speakers_.find(change.announced_by);
  if (speaker == nullptr) return Cause::no_request;
  const bool speaks = std::any_of(
      speaker->arrivals.begin(), speaker->arrivals.end(), [&, first = true](base::Interface arrival) mutable {
        const bool heard = std::exchange(first, false) || arrival != base::Interface::unknown;
        return heard && sides_.speaks_for(address, change.announced_by, arrival);
      });
  const negotiation::Transport transport{address, port,   change.key.protocol, change.label.component, false,
                                         false,   !speaks};
  if (const auto cause = policy_.refusal(transport, change.announced_by)) return cause;
  if (!has_sources) return Cause::address;
  if (speaker->credit == 0) return Cause::limit;
  --speaker->credit;
  return std::nullopt;
}

// Who was heard may send. Only the host itself can mean a loopback address, and only who was heard is it.
bool Guard::admits_sources(const Change& change) {
  return std::all_of(change.from.begin(), change.from.end(), [&](const base::Address& source) {
    if (speakers_.find(source) != nullptr) return true;
    return !source.is_loopback() && policy_.admits_source(source, source);
  });
}

void Guard::enter(const Change& change) {
  const std::uint64_t call = call_of(change.label);
  open_.emplace(change.key, call);
  ++per_call_[call];
}

void Guard::leave(const Key& key) {
  const auto entry = open_.find(key);
  const auto call = per_call_.find(entry->second);
  if (--call->second == 0) per_call_.erase(call);
  open_.erase(entry);
}

void Guard::offer(const std::vector<Recovered>& pinholes) {
  open_.clear();
  per_call_.clear();
  offered_.clear();
  for (const Recovered& pinhole : pinholes) offered_.emplace(pinhole.key, pinhole);
}

std::vector<Change> Guard::take_unclaimed(base::TimePoint now) {
  std::vector<Change> closings;
  for (auto& [key, pinhole] : offered_) {
    Change close;
    close.kind = Change::Kind::close;
    close.key = key;
    close.from = pinhole.from;
    close.label = {pinhole.call, std::string(name(pinhole.media)), pinhole.component, pinhole.call_hash};
    close.cause = Cause::shutdown;
    close.time = now;
    closings.push_back(std::move(close));
  }
  offered_.clear();
  return closings;
}

}  // namespace dpinholer::pinhole
