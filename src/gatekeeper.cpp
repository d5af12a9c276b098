// SPDX-License-Identifier: GPL-2.0-or-later
#include "gatekeeper.h"

#include <string>
#include <utility>

#include "pinhole/flow_tuple.h"
#include "system/escape.h"
#include "system/log.h"

namespace dpinholer {

namespace {

using pinhole::Change;
using pinhole::Installed;
using system::KernelError;

void check(system::NftSets& sets) {
  const auto faults = sets.faults();
  if (!faults.empty()) throw KernelError(faults.front());
}

void write_line(const std::string& text, const std::vector<system::log::Field>& fields) {
  system::log::write(system::log::Level::info, text, fields);
}

}  // namespace

Gatekeeper::Gatekeeper(const system::KernelSettings& settings, base::HashKey hash_key)
    : observe_(settings.observe),
      sets_(settings.table),
      watch_(settings.table, sets_.port_id()),
      keeper_(sets_, settings.observe, hash_key),
      call_log_(write_line, !settings.observe),
      refusals_told_(hash_key) {
  check(sets_);
}

// What closes or narrows leaves flows behind that conntrack would carry on, unless the kernel showed that not
// one packet went through.
void Gatekeeper::account(const Change& change, const Installed::Entry* entry,
                         std::vector<system::Closing>& closings) {
  const bool carried = entry == nullptr || !entry->accounted || entry->lost || entry->packets > 0;
  switch (change.kind) {
    case Change::Kind::open:
      call_log_.opened(change);
      return;
    case Change::Kind::bind:
      if (carried && !change.from.empty()) closings.push_back({change.key, change.from});
      return;
    case Change::Kind::refresh:
      return;
    case Change::Kind::close:
      if (carried) closings.push_back({change.key, {}});
      if (entry != nullptr) call_log_.closed(change, entry->label, pinhole::passed(entry->packets));
      return;
  }
}

void Gatekeeper::finish(const std::vector<Change>& changes, const std::vector<pinhole::Refusal>& refusals,
                        base::TimePoint now) {
  std::vector<system::Closing> closings;
  keeper_.finish(changes, now, [&](const Change& change, const Installed::Entry* entry) {
    account(change, entry, closings);
  });
  if (!observe_ && !closings.empty()) sweeper_.forget(closings, pinhole::likely_flows(changes));
  call_log_.flush();
  for (const pinhole::Refusal& refusal : refusals) log_refusal(refusal, now);
}

void Gatekeeper::log_refusal(const pinhole::Refusal& refusal, base::TimePoint now) {
  ++refused_;
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

void Gatekeeper::close_all(base::TimePoint now) {
  std::vector<Change> changes;
  keeper_.installed().for_each([&](const pinhole::Key& key, const Installed::Entry& entry) {
    changes.push_back(
        {Change::Kind::close, key, {}, entry.from, {}, entry.label, pinhole::Cause::shutdown, now});
  });
  write(changes);
  finish(changes, {}, now);
}

}  // namespace dpinholer
