// SPDX-License-Identifier: GPL-2.0-or-later
#include "control/listing.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace dpinholer::control {

namespace limits = base::limits;
using pinhole::Component;
using pinhole::ElementKey;

bool is_one_way(const CallRow& call) {
  const auto reached = std::ranges::count_if(call.packets, [](const auto& way) { return way.second > 0; });
  return reached == 1 && call.packets.size() - call.uncounted.size() > 1 && !call.counts_lost;
}

std::vector<CallRow> Listing::after(const std::string& last) const {
  std::vector<CallRow> rows;
  std::size_t pinholes = 0;
  const auto& calls = calls_.calls();
  for (auto at = calls.upper_bound(last); at != calls.end(); ++at) {
    const std::size_t more = at->second.pinholes.size();
    if (!rows.empty() && pinholes + more > limits::listed_pinholes) break;
    pinholes += more;
    rows.push_back(row(at->first, at->second));
  }
  look_up(rows);
  for (CallRow& row : rows) {
    const system::CallLog::Call& call = calls.at(row.call_id);
    for (const auto& [address, packets] : row.packets) {
      if (packets == 0 && calls_.is_uncounted(call, address)) row.uncounted.insert(address);
    }
  }
  return rows;
}

CallRow Listing::row(const std::string& call_id, const system::CallLog::Call& call) const {
  CallRow row;
  row.call_id = call_id;
  row.began = call.began;
  row.opened_by = call.opened_by;
  row.answered = call.answered;
  row.nats = call.nats;
  for (const auto& [address, way] : call.ways) {
    row.packets.emplace(address, way.packets);
    row.counts_lost = row.counts_lost || way.lost;
  }
  for (const auto& [key, cause] : call.pinholes) {
    const auto* entry = installed_.find(key);
    if (entry == nullptr) continue;
    row.pinholes.push_back(
        {key, entry->from, entry->label, cause, entry->opened, entry->timeout, {}, entry->packets});
  }
  return row;
}

// Constant cost for each element: of a call with more of them than any has, the rest is not looked at.
void Listing::look_up(std::vector<CallRow>& rows) const {
  std::vector<ElementKey> keys;
  std::vector<PinholeRow*> owners;
  for (CallRow& call : rows) {
    for (PinholeRow& pinhole : call.pinholes) {
      for (const ElementKey& key : pinhole::element_keys(pinhole.key, pinhole.from)) {
        if (keys.size() >= limits::listed_elements) break;
        keys.push_back(key);
        owners.push_back(&pinhole);
      }
    }
  }
  if (const auto states = sets_.find_all(keys)) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto& state = (*states)[i];
      if (!state) continue;
      PinholeRow& pinhole = *owners[i];
      pinhole.packets += state->packets;
      pinhole.expires = std::min(pinhole.expires.value_or(state->expires), state->expires);
    }
  }
  for (CallRow& call : rows) {
    for (PinholeRow& pinhole : call.pinholes) {
      // What elements had counted that others removed was seen before, perhaps.
      const auto* entry = installed_.find(pinhole.key);
      pinhole.packets = entry->passed(std::max(pinhole.packets, entry->seen));
      if (pinhole.label.component == Component::rtcp) continue;
      call.counts_lost = call.counts_lost || entry->lost;
      call.packets[pinhole.key.destination.address] += pinhole.packets;
    }
  }
}

}  // namespace dpinholer::control
