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

std::size_t elements_of(const std::vector<base::Address>& from) {
  return std::max<std::size_t>(from.size(), 1);
}

// Both sorted.
std::size_t added(const std::vector<base::Address>& before, const std::vector<base::Address>& now) {
  return static_cast<std::size_t>(std::ranges::count_if(
      now, [&](const base::Address& source) { return !std::ranges::binary_search(before, source); }));
}

bool is_set(const std::vector<base::Address>& from) {
  return std::ranges::adjacent_find(from, std::ranges::greater_equal{}) == from.end();
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
      speakers_(limits::speakers, limits::kept_speakers, hash_key),
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
  const std::size_t pinholes = messages * settings_.pinholes_per_call;
  speakers_.heard(source, arrival, pinholes);
  credit_ = std::min(credit_ + pinholes, limits::elements_of_all);
}

std::vector<Refusal> Guard::judge(std::vector<Change>& changes) {
  ++judgements_;
  std::vector<Refusal> refusals;
  std::erase_if(changes, [&](Change& change) { return !admits(change, refusals); });
  return refusals;
}

bool Guard::admits(Change& change, std::vector<Refusal>& refusals) {
  clamp_timeout(change, change.from);
  const auto place = open_.find(change.key);
  if (change.kind == Change::Kind::open) return place == open_.end() && admits_open(change, refusals);
  if (place == open_.end()) return false;
  Record& record = place->second;
  change.from_before = record.from;
  change.label = record.label;
  switch (change.kind) {
    case Change::Kind::open:
      return false;
    case Change::Kind::bind:
      return admits_bind(change, record);
    case Change::Kind::refresh:
      return admits_refresh(change, record);
    case Change::Kind::close:
      change.from = record.from;
      leave(change.key);
      return true;
  }
  return false;
}

// Only what a peer is bound to can be on hold; with media.source = "any" nothing is bound.
void Guard::clamp_timeout(Change& change, const std::vector<base::Address>& from) const {
  const bool is_bound = !from.empty() || !settings_.policy.bind_to_peer;
  const base::seconds longest = is_bound ? settings_.longest_bound : settings_.longest_timeout;
  change.timeout = std::clamp(change.timeout, base::seconds{1}, longest);
}

bool Guard::admits_open(Change& change, std::vector<Refusal>& refusals) {
  change.from_before.clear();
  if (change.cause == Cause::recovered) {
    if (!claims(change)) return false;
  } else if (change.label.call_hash || offered_.contains(change.key)) {
    return false;
  } else if (const auto cause = refusal(change)) {
    refusals.push_back(refusal_of(change, *cause));
    return false;
  }
  enter(change);
  return true;
}

bool Guard::admits_bind(Change& change, Record& record) {
  const std::size_t more = added(record.from, change.from);
  const std::size_t elements = elements_ - elements_of(record.from) + elements_of(change.from);
  if (change.from.size() > limits::sources_per_pinhole || elements > limits::open_pinholes ||
      more > credit_ || !admits_sources(change.key, change.from, record.from))
    return false;
  credit_ -= more;
  elements_ = elements;
  record.from = change.from;
  return true;
}

// Admits one refresh of a pinhole in each judgement: a second one would change nothing.
bool Guard::admits_refresh(Change& change, Record& record) const {
  change.from = record.from;
  clamp_timeout(change, record.from);
  return std::exchange(record.refreshed, judgements_) != judgements_;
}

// A claimed pinhole goes on as it was found, if policy still allows it. The party that announced it is not
// known any more.
bool Guard::claims(Change& change) {
  const auto place = offered_.find(change.key);
  if (place == offered_.end()) return false;
  const Recovered& found = place->second;
  const Label label = label_of(found);
  const base::Address& address = change.key.destination.address;
  const negotiation::Transport transport{address, change.key.destination.port, change.key.protocol,
                                         label.component};
  const bool is_off = change.key.protocol == base::Protocol::tcp && !settings_.tcp;
  if (is_off || found.from != change.from || change.label.call_hash != label.call_hash ||
      policy_.refusal(transport, address))
    return false;
  change.label = label;
  offered_.erase(place);
  return true;
}

// Why it may not open; what it costs is taken when it may.
std::optional<Cause> Guard::refusal(const Change& change) {
  const std::size_t elements = elements_of(change.from);
  if (elements_ + elements > limits::open_pinholes) return Cause::limit;
  if (change.from.size() > limits::sources_per_binding) return Cause::limit;
  const auto call = per_call_.find(call_of(change.label));
  if (call != per_call_.end() && call->second >= settings_.pinholes_per_call) return Cause::limit;
  if (change.key.protocol == base::Protocol::tcp && !settings_.tcp) return Cause::tcp_off;
  const bool has_sources = admits_sources(change.key, change.from, {});
  Speakers::Speaker* speaker = speakers_.find(change.announced_by);
  if (speaker == nullptr) return Cause::no_request;
  if (speaker->credit == 0 || change.from.size() > credit_) return Cause::limit;
  const auto& [address, port] = change.key.destination;
  const negotiation::Transport transport{address,
                                         port,
                                         change.key.protocol,
                                         change.label.component,
                                         false,
                                         false,
                                         !speaks(address, *speaker, change.announced_by)};
  if (const auto cause = policy_.refusal(transport, change.announced_by)) return cause;
  if (!has_sources) return Cause::address;
  --speaker->credit;
  credit_ -= change.from.size();
  return std::nullopt;
}

// Whether the speaker may speak for `address` on any interface through which it was heard.
bool Guard::speaks(const base::Address& address, const Speakers::Speaker& speaker,
                   const base::Address& announced_by) {
  return std::any_of(speaker.arrivals.begin(), speaker.arrivals.end(),
                     [&, first = true](base::Interface arrival) mutable {
                       const bool heard = std::exchange(first, false) || arrival != base::Interface::unknown;
                       return heard && sides_.speaks_for(address, announced_by, arrival);
                     });
}

// A source that was heard may send. Only this host can mean a loopback address, once it was heard. One that
// was let in before may have been a party's own address, outside media.networks, that nobody knows any more.
bool Guard::admits_sources(const Key& key, const std::vector<base::Address>& from,
                           const std::vector<base::Address>& before) {
  const base::Family family = key.destination.address.family();
  return is_set(from) && std::ranges::all_of(from, [&](const base::Address& source) {
           if (source.family() != family || !is_of_a_host(source)) return false;
           if (speakers_.find(source) != nullptr) return true;
           if (source.is_loopback() || !policy_.admits_source(source, source)) return false;
           return policy_.is_in_networks(source) || std::ranges::binary_search(before, source);
         });
}

void Guard::enter(const Change& change) {
  const std::uint64_t call = call_of(change.label);
  open_.emplace(change.key, Record{change.from, change.label, call});
  elements_ += elements_of(change.from);
  ++per_call_[call];
}

void Guard::leave(const Key& key) {
  const auto place = open_.find(key);
  elements_ -= elements_of(place->second.from);
  const auto call = per_call_.find(place->second.call);
  if (--call->second == 0) per_call_.erase(call);
  open_.erase(place);
}

const Guard::Record* Guard::find(const Key& key) const {
  const auto place = open_.find(key);
  return place == open_.end() ? nullptr : &place->second;
}

void Guard::offer(const std::vector<Recovered>& pinholes) {
  open_.clear();
  elements_ = 0;
  per_call_.clear();
  offered_.clear();
  for (const Recovered& pinhole : pinholes) offered_.emplace(pinhole.key, pinhole);
}

std::vector<Recovered> Guard::unclaimed() const {
  std::vector<Recovered> pinholes;
  for (const auto& [key, pinhole] : offered_) pinholes.push_back(pinhole);
  return pinholes;
}

std::vector<Change> Guard::take_unclaimed(base::TimePoint now) {
  std::vector<Change> closings;
  for (const auto& [key, pinhole] : offered_) {
    Change close;
    close.kind = Change::Kind::close;
    close.key = key;
    close.from_before = pinhole.from;
    close.from = pinhole.from;
    close.label = label_of(pinhole);
    close.cause = Cause::shutdown;
    close.time = now;
    closings.push_back(std::move(close));
  }
  offered_.clear();
  return closings;
}

}  // namespace dpinholer::pinhole
