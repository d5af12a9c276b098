// SPDX-License-Identifier: GPL-2.0-or-later
#include "gatekeeper.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/counted.h"
#include "base/limits.h"
#include "ip/packet.h"
#include "pinhole/element.h"
#include "pinhole/flow_tuple.h"
#include "settings.h"
#include "system/clock.h"
#include "system/escape.h"
#include "system/log.h"

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::Installed;

pinhole::GuardSettings guard_settings(const system::Config& config) {
  const auto& calls = config.negotiation;
  const base::seconds longest = std::max(calls.early, calls.media_idle);
  return {config.policy, calls.pinholes_per_call, longest, std::max(longest, calls.held), calls.tcp};
}

// The timeout by which pinholes of calls on hold can be told from others.
std::optional<base::seconds> held_timeout(const system::Config& config) {
  const auto& calls = config.negotiation;
  if (calls.held == calls.early || calls.held == calls.media_idle) return std::nullopt;
  return calls.held;
}

// How long the gatekeeper waits for a commit and does nothing else.
base::Duration commit_wait(const system::Config& config) {
  return std::min<base::Duration>(config.kernel.patience,
                                  std::chrono::microseconds{base::limits::commit_wait_microseconds});
}

void write_line(const std::string& text, const std::vector<system::log::Field>& fields) {
  system::log::write(system::log::Level::info, text, fields);
}

// How a line in the log goes on: the settings that a refusal follows from, if any.
std::string decided_by(pinhole::Cause cause) {
  switch (cause) {
    case pinhole::Cause::address:
      return ": see media.local, inside-networks, refuse-networks";
    case pinhole::Cause::other_side:
      return ": see [sides]";
    case pinhole::Cause::port_policy:
      return ": see media.ports, refuse-ports";
    case pinhole::Cause::networks:
      return ": see media.networks";
    case pinhole::Cause::tcp_off:
      return ": see media.tcp";
    case pinhole::Cause::limit:
      return ": see [limits]";
    default:
      return "";
  }
}

}  // namespace

Gatekeeper::Gatekeeper(const system::Config& config, pinhole::Host& host, base::HashKey hash_key)
    : observe_(config.kernel.observe),
      held_(held_timeout(config)),
      offload_(config.offload && !observe_),
      sets_(config.kernel.table),
      watch_(config.kernel.table, sets_.port_id()),
      keeper_(sets_, observe_, hash_key, commit_wait(config)),
      flows_(keeper_.installed(), hash_key),
      own_media_(host, config.policy.local),
      call_log_(write_line, !observe_, config.negotiation.media_idle, config.negotiation.held, &own_media_),
      refusals_told_(hash_key),
      unread_told_(hash_key),
      guard_(guard_settings(config), &host, hash_key),
      ban_sets_(config.kernel.table),
      bans_(ban_sets_, host, observe_, scanner_settings(config), hash_key, commit_wait(config)) {}

std::vector<pinhole::Recovered> Gatekeeper::recover(base::TimePoint now) {
  bans_.recover(now);
  std::vector<pinhole::Recovered> found = keeper_.recover(now);
  guard_.offer(found);
  return found;
}

std::vector<pinhole::Recovered> Gatekeeper::offer() {
  // Pinholes found at the start that no inspector has claimed yet, too: the one that was to claim them has
  // failed.
  std::vector<pinhole::Recovered> found = guard_.unclaimed();
  const Installed& installed = keeper_.installed();
  std::erase_if(found, [&](const auto& pinhole) { return installed.find(pinhole.key) != nullptr; });
  installed.for_each([&](const pinhole::Key& key, const Installed::Entry& entry) {
    found.push_back(pinhole::recovered(key, entry.from, entry.label, entry.timeout));
  });
  guard_.offer(found);
  return found;
}

void Gatekeeper::close_unclaimed(base::TimePoint now) {
  const std::vector<Change> closings = guard_.take_unclaimed(now);
  write(closings);
  finish({closings, {}, {}}, now);
}

// The next inspector tells by the timeout which of the pinholes that it takes over are those of calls on
// hold.
void Gatekeeper::reconfigure(const system::Config& config) {
  if (held_) keeper_.installed().change_timeout(*held_, config.negotiation.held);
  held_ = held_timeout(config);
  guard_.reconfigure(guard_settings(config));
  bans_.reconfigure(scanner_settings(config));
  call_log_.set_established(config.negotiation.media_idle, config.negotiation.held);
  own_media_.set_local(config.policy.local);
  offload_ = config.offload && !observe_;
}

void Gatekeeper::heard(base::Bytes packet, base::Interface arrival) {
  if (const auto source = ip::source_address(packet)) guard_.heard(*source, arrival, packet.size());
}

void Gatekeeper::keep(base::Bytes packet) {
  if (const auto source = ip::source_address(packet)) guard_.keep(*source);
  if (const auto destination = ip::destination_address(packet)) guard_.keep(*destination);
}

void Gatekeeper::judge(Outcome& outcome) {
  std::vector<pinhole::Refusal> repelled = guard_.judge(outcome.changes);
  repelled_ += repelled.size();
  for (pinhole::Refusal& refusal : repelled) outcome.refusals.push_back(std::move(refusal));
  // Drops accusations of sources that were not heard, and those for causes that the settings don't ban.
  std::erase_if(outcome.offences, [&](const auto& offence) {
    return !bans_.looks_for(offence.cause) || !guard_.has_heard(offence.source);
  });
  std::erase_if(outcome.unread, [&](const auto& unread) {
    return !guard_.has_heard(unread.source.address) && !guard_.has_heard(unread.destination.address);
  });
  std::erase_if(outcome.far_nats, [&](const auto& nat) { return !guard_.has_heard(nat.source); });
  std::erase_if(outcome.changes, [&](const Change& change) {
    return change.cause == pinhole::Cause::recovered && change.kind == Change::Kind::open &&
           keeper_.installed().find(change.key) != nullptr;
  });
}

// Closing or narrowing a pinhole leaves flows behind that conntrack would carry on, unless the kernel showed
// that not one packet went through.
void Gatekeeper::account(const Change& change, const Installed::Entry* entry,
                         std::vector<system::Closing>& closings) {
  const bool carried = entry == nullptr || !entry->accounted || entry->lost || entry->passed() > 0;
  switch (change.kind) {
    case Change::Kind::open:
      call_log_.opened(change);
      return;
    case Change::Kind::bind:
      if (entry != nullptr) call_log_.changed(change, entry->label);
      if (carried && !change.from.empty()) closings.push_back({change.key, change.from});
      return;
    case Change::Kind::refresh:
      if (entry != nullptr) call_log_.changed(change, entry->label);
      return;
    case Change::Kind::close:
      if (carried) closings.push_back({change.key, {}});
      if (entry != nullptr) note_own_media(change.key, *entry);
      if (entry != nullptr) call_log_.closed(change, entry->label, entry->passed(), entry->lost);
      return;
  }
}

void Gatekeeper::note_own_media(const pinhole::Key& key, const Installed::Entry& entry) {
  for (std::size_t i = 0; i < entry.from.size(); ++i) {
    if (entry.sources[i].heard) own_media_.note_counted(key, entry.from[i]);
  }
}

bool Gatekeeper::refresh_some(const SetKeeper::Seen& seen) {
  return keeper_.refresh_some([&](const pinhole::Key& key, const std::optional<base::Address>& source) {
    if (source) own_media_.note_counted(key, *source);
    seen(key, source);
  });
}

pinhole::Sources Gatekeeper::has_media(const pinhole::Senders& asked) {
  pinhole::Sources heard = keeper_.has_media(asked);
  for (const auto& source : heard) {
    if (source) own_media_.note_counted(asked.key, *source);
  }
  return heard;
}

void Gatekeeper::read_news(base::TimePoint now) {
  const system::RulesetNews news = watch_.read();
  if (news.sets || news.rules || news.lost) own_media_.forget();
  keeper_.note(news, now);
}

void Gatekeeper::finish(const Outcome& outcome, base::TimePoint now) {
  std::vector<pinhole::FlowTuple> flows = pinhole::likely_flows(outcome.changes);
  if (offload_) flows_.read_last(outcome.changes, flows);
  std::vector<system::Closing> closings;
  keeper_.finish(outcome.changes, now, [&](const Change& change, const Installed::Entry* entry) {
    account(change, entry, closings);
  });
  if (!observe_ && !closings.empty()) sweeper_.forget(closings, flows);
  call_log_.flush();
  std::vector<pinhole::FarNat> far_nats;
  for (const pinhole::FarNat& nat : outcome.far_nats) {
    if (call_log_.behind_nat(nat)) far_nats.push_back(nat);
  }
  for (const pinhole::Refusal& refusal : outcome.refusals) log_refusal(refusal, now);
  for (const message::UnreadEvent& unread : outcome.unread) log_unread(unread, now);
  const std::vector<scanners::Offence> banned = bans_.ban(outcome.offences, now);
  if (witness_) witness_(outcome, banned, far_nats);
}

// Forgets flows of elements that the kernel removed later than the account said: they may have begun since.
void Gatekeeper::forget_late() {
  if (keeper_.busy()) return;
  std::vector<system::Closing> closings;
  for (const pinhole::Key& key : keeper_.take_removed_late()) {
    const Installed::Entry* entry = keeper_.installed().find(key);
    if (entry == nullptr) closings.push_back({key, {}});
    if (entry != nullptr && !entry->from.empty()) closings.push_back({key, entry->from});
  }
  if (!observe_ && !closings.empty()) sweeper_.forget(closings, {});
}

void Gatekeeper::settle(base::TimePoint now, base::Duration most) {
  keeper_.settle(now, most);
  bans_.settle(now);
  forget_late();
}

bool Gatekeeper::mend(base::TimePoint now) {
  const bool more = keeper_.mend(now);
  forget_late();
  return (offload_ && flows_.walk_some(now)) || more;
}

std::optional<base::TimePoint> Gatekeeper::next_deadline() const {
  const auto mending = keeper_.next_deadline();
  if (!offload_ || open_pinholes() == 0) return mending;
  return std::min(mending.value_or(flows_.next_walk()), flows_.next_walk());
}

void Gatekeeper::log_refusal(const pinhole::Refusal& refusal, base::TimePoint now) {
  ++refused_;
  const std::string cause(name(refusal.cause));
  const std::string where = refusal.address + " port " + std::to_string(refusal.port);
  const auto ending = refusals_told_.tell(cause + " " + refusal.address, now);
  if (!ending) return;
  system::log::info("call " + system::escape(refusal.label.call_id) + ": no pinhole to " +
                        system::escape(where) + " (" + cause + ")" + decided_by(refusal.cause) + *ending,
                    {{"CALL_ID", refusal.label.call_id},
                     {"CAUSE", cause},
                     {"ADDRESS", refusal.address},
                     {"PORT", std::to_string(refusal.port)}});
}

// One line for each peer and reason. What a message from there says of others is not asked.
void Gatekeeper::log_unread(const message::UnreadEvent& unread, base::TimePoint now) {
  const std::string cause(name(unread.what.cause));
  const std::string source = unread.source.address.to_string();
  const auto ending = unread_told_.tell(cause + " " + source, now);
  if (!ending) return;
  std::string text = "SIP from " + to_string(unread.source) + " to " + to_string(unread.destination) +
                     " is not read (" + cause + "): " + system::escape(sentence_of(unread.what));
  std::vector<system::log::Field> fields{{"CAUSE", cause}, {"ADDRESS", source}};
  if (!unread.call_id.empty()) {
    text = "call " + system::escape(unread.call_id) + ": " + text;
    fields.push_back({"CALL_ID", unread.call_id});
  }
  system::log::write(system::log::Level::info, text + *ending, fields);
}

void Gatekeeper::close_all(base::TimePoint now) {
  std::vector<Change> changes;
  keeper_.installed().for_each([&](const pinhole::Key& key, const Installed::Entry& entry) {
    changes.push_back(
        {Change::Kind::close, key, entry.from, entry.from, {}, entry.label, pinhole::Cause::shutdown, now});
  });
  const SetKeeper::Commit commit = write(changes);
  finish({changes, {}, {}}, now);
  const auto until = system::now() + std::chrono::seconds{base::limits::flush_wait_seconds};
  for (auto left = until - system::now(); busy() && left.count() > 0; left = until - system::now()) {
    settle(now, left);
  }
  if (is_done(commit)) return;
  system::log::warning("the kernel was busy for " + std::to_string(base::limits::flush_wait_seconds) +
                       " s, perhaps with a ruleset that another program loads: " +
                       base::counted(changes.size(), "pinhole stays", "pinholes stay") +
                       " until the timeouts of the elements");
}

}  // namespace dpinholer
