// SPDX-License-Identifier: GPL-2.0-or-later
#include "gatekeeper.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "pinhole/flow_tuple.h"
#include "system/escape.h"
#include "system/log.h"
#include "system/set_writer.h"

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::ElementChange;
using pinhole::ElementKey;
using system::ElementState;
using system::KernelError;

// Looking at a pinhole of two elements takes some 10 microseconds: this many don't keep a packet waiting.
constexpr std::size_t refreshed_at_once = 8;
// Of a set that others change meanwhile: what one reading lacks, another one has.
constexpr int readings = 4;

// `update` in the packet path keeps the elements of media that flows: those need nothing. One that nobody
// renewed for a fifth of its timeout does; refreshes come far more often than its other four fifths last.
bool needs_refresh(const ElementState& state, base::seconds timeout) {
  return state.expires < timeout * 4 / 5;
}

std::string_view verb(ElementChange::Kind kind) {
  switch (kind) {
    case ElementChange::Kind::add:
      return "added: its media stays closed";
    case ElementChange::Kind::remove:
      return "removed";
    case ElementChange::Kind::renew:
      return "renewed";
  }
  return "";
}

system::NftSets checked_sets(const system::TableName& table) {
  system::NftSets sets(table);
  const auto faults = sets.faults();
  if (!faults.empty()) throw KernelError(faults.front());
  return sets;
}

void write_line(const std::string& text, const std::vector<system::log::Field>& fields) {
  system::log::write(system::log::Level::info, text, fields);
}

}  // namespace

Gatekeeper::Gatekeeper(const system::KernelSettings& settings, base::HashKey hash_key)
    : observe_(settings.observe),
      sets_(checked_sets(settings.table)),
      installed_(hash_key),
      call_log_(write_line),
      refusals_told_(hash_key),
      failures_told_(hash_key) {}

std::vector<pinhole::Recovered> Gatekeeper::recover() {
  std::map<ElementKey, ElementState> ours;
  for (const pinhole::Set set : pinhole::all_sets) read_ours(set, ours);
  std::vector<pinhole::FoundElement> elements;
  elements.reserve(ours.size());
  for (const auto& [key, state] : ours) elements.push_back({key, *pinhole::read_comment(state.comment)});
  const std::vector<pinhole::Recovered> pinholes = pinhole::recovered(std::move(elements));
  for (const pinhole::Recovered& pinhole : pinholes) {
    Found& found = found_[pinhole.key];
    for (const ElementKey& key : pinhole::element_keys(pinhole.key, pinhole.from)) {
      if (found.comment.empty()) found.comment = ours.at(key).comment;
      found.packets += ours.at(key).packets;
    }
  }
  return pinholes;
}

void Gatekeeper::read_ours(pinhole::Set set, std::map<ElementKey, ElementState>& ours) {
  bool complete = false;
  for (int i = 0; i < readings && !complete; ++i) {
    const auto read = sets_.for_each(set, [&](const ElementState& state) {
      if (ours.size() >= base::limits::recovered_elements || !pinhole::read_comment(state.comment)) return;
      ours.insert_or_assign(state.key, state);
    });
    if (!read) return system::log::warning(read.error().to_string() + ": its elements are not taken over");
    complete = *read;
  }
  if (complete) return;
  system::log::warning("set " + std::string(name(set)) + " never stood still: not all may be taken over");
}

void Gatekeeper::write(const std::vector<Change>& changes) {
  std::vector<ElementChange> elements;
  for (const Change& change : changes) {
    last_change_ = change.time;
    if (change.kind == Change::Kind::refresh) {
      to_refresh_.push_back(change);
      continue;
    }
    const auto found = found_.find(change.key);
    for (ElementChange& element : pinhole::element_changes(change)) {
      // It may have expired just now, and the change does not know the call by name.
      if (found != found_.end() && change.cause == pinhole::Cause::recovered) {
        element.comment = found->second.comment;
      }
      elements.push_back(std::move(element));
    }
  }
  removed_ = write_elements(std::move(elements));
}

std::vector<ElementState> Gatekeeper::write_elements(std::vector<ElementChange> changes) {
  if (observe_ || changes.empty()) return {};
  counters_.elements += changes.size();
  auto commit = [&](auto some, auto* removed) { return sets_.commit(some, removed); };
  system::Written written = system::write_changes(commit, std::move(changes));
  counters_.transactions += written.transactions;
  counters_.failures += written.failures.size();
  for (const auto& failure : written.failures) {
    const std::string subject = failure.error.to_string();
    if (!failures_told_.first(std::string(name(failure.change.key.set)) + std::to_string(failure.error.code),
                              last_change_)) {
      continue;
    }
    system::log::error(subject + ", not " + std::string(verb(failure.change.kind)),
                       {{"ADDRESS", failure.change.key.destination.address.to_string()},
                        {"PORT", std::to_string(failure.change.key.destination.port)}});
  }
  return std::move(written.removed);
}

// What closes or narrows leaves flows behind that conntrack would carry on, unless the kernel showed that not
// one packet went through.
void Gatekeeper::account(const Change& change) {
  const auto* entry = installed_.find(change.key);
  const bool carried = entry == nullptr || !entry->accounted || entry->packets > 0;
  switch (change.kind) {
    case Change::Kind::open:
      call_log_.opened(change);
      break;
    case Change::Kind::bind:
      if (carried && !change.from.empty()) closings_.push_back({change.key, change.from});
      break;
    case Change::Kind::refresh:
      return;
    case Change::Kind::close:
      if (carried) closings_.push_back({change.key, {}});
      if (entry != nullptr) call_log_.closed(change, entry->label, pinhole::passed(entry->packets));
      break;
  }
  installed_.apply(change);
  if (const auto found = found_.find(change.key); found != found_.end()) take_over(found->second, change);
}

void Gatekeeper::take_over(const Found& found, const Change& change) {
  auto* entry = installed_.find(change.key);
  if (entry != nullptr && change.cause == pinhole::Cause::recovered) {
    entry->comment = found.comment;
    entry->seen = found.packets;
  }
  found_.erase(change.key);
}

void Gatekeeper::finish(const std::vector<Change>& changes, const std::vector<pinhole::Refusal>& refusals,
                        base::TimePoint now) {
  count(removed_);
  removed_.clear();
  for (const Change& change : changes) account(change);
  if (!observe_ && !closings_.empty()) sweeper_.forget(closings_, pinhole::likely_flows(changes));
  closings_.clear();
  call_log_.flush();
  for (const pinhole::Refusal& refusal : refusals) log_refusal(refusal, now);
}

// One that was made only to be removed has no comment.
void Gatekeeper::count(const std::vector<ElementState>& removed) {
  for (const ElementState& gone : removed) {
    installed_.count(gone.key, gone.packets, !gone.comment.empty());
  }
}

void Gatekeeper::log_refusal(const pinhole::Refusal& refusal, base::TimePoint now) {
  ++counters_.refused;
  const std::string cause(name(refusal.cause));
  const std::string where = refusal.address + " port " + std::to_string(refusal.port);
  if (!refusals_told_.first(cause + " " + refusal.address, now)) return;
  system::log::info("call " + system::escape(refusal.label.call_id) + ": no pinhole to " +
                        system::escape(where) + " (" + cause + ")",
                    {{"CALL_ID", refusal.label.call_id},
                     {"CAUSE", cause},
                     {"ADDRESS", refusal.address},
                     {"PORT", std::to_string(refusal.port)}});
}

bool Gatekeeper::refresh_some(const std::function<void(const pinhole::Key&)>& seen) {
  std::vector<ElementChange> renewals;
  for (std::size_t i = 0; i < refreshed_at_once && !to_refresh_.empty(); ++i) {
    const Change change = std::move(to_refresh_.front());
    to_refresh_.pop_front();
    auto* entry = installed_.find(change.key);
    if (entry == nullptr || observe_) continue;  // closed meanwhile
    entry->timeout = change.timeout;
    const Look found = look(change.key, *entry);
    if (found.packets > entry->seen) seen(change.key);
    entry->seen = found.packets;
    if (!found.needs_refresh) continue;
    // As it is bound now, whatever it was when the refresh was asked for.
    for (const auto& key : installed_.elements(change.key)) {
      renewals.push_back({ElementChange::Kind::renew, key, entry->timeout, comment(*entry)});
    }
  }
  count(write_elements(std::move(renewals)));
  return !to_refresh_.empty();
}

bool Gatekeeper::has_media(const pinhole::Key& key) {
  auto* entry = installed_.find(key);
  if (entry == nullptr || observe_) return false;
  const std::uint64_t packets = look(key, *entry).packets;
  return packets > std::exchange(entry->seen, packets);
}

// An element that is gone although it should be there is to be written again.
Gatekeeper::Look Gatekeeper::look(const pinhole::Key& key, const pinhole::Installed::Entry& entry) {
  Look found{entry.packets, false};
  for (const auto& element : installed_.elements(key)) {
    const auto state = sets_.find(element);
    if (!state) ++counters_.lookups_failed;
    if (!state || !*state) {
      found.needs_refresh = true;
      continue;
    }
    found.packets += (*state)->packets;
    found.needs_refresh = found.needs_refresh || needs_refresh(**state, entry.timeout);
  }
  return found;
}

void Gatekeeper::close_all(base::TimePoint now) {
  std::vector<Change> changes;
  installed_.for_each([&](const pinhole::Key& key, const pinhole::Installed::Entry& entry) {
    changes.push_back(
        {Change::Kind::close, key, {}, entry.from, {}, entry.label, pinhole::Cause::shutdown, now});
  });
  write(changes);
  finish(changes, {}, now);
}

}  // namespace dpinholer
