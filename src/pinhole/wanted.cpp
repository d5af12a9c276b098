// SPDX-License-Identifier: GPL-2.0-or-later
#include "pinhole/wanted.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/limits.h"

namespace dpinholer::pinhole {

namespace limits = base::limits;
using negotiation::Grant;
using negotiation::Phase;
using negotiation::Transport;

namespace {

void insert_sorted(std::vector<base::Address>& addresses, const base::Address& address) {
  auto at = std::lower_bound(addresses.begin(), addresses.end(), address);
  if (at == addresses.end() || *at != address) addresses.insert(at, address);
}

// What the parties of a call said themselves. A proxy on this host passes it on to the other party, and
// speaks for nothing else but the host.
class Said {
 public:
  explicit Said(std::span<const Grant* const> grants) {
    auto by_host = [](const Grant* grant) { return grant->announced_by_host || grant->senders_by_host; };
    if (std::none_of(grants.begin(), grants.end(), by_host)) return;
    for (const Grant* grant : grants) {
      if (grant->announced_by_host) continue;
      for (const Transport& transport : grant->to) {
        if (!transport.elsewhere && !transport.named)
          parties_.emplace(transport.address, grant->announced_by);
      }
    }
  }

  bool has(const base::Address& address) const { return parties_.contains(address); }

  // The party itself, where this host passes on what it said.
  const base::Address& announcer(const Transport& transport, const Grant& grant) const {
    const auto party = grant.announced_by_host ? parties_.find(transport.address) : parties_.end();
    return party == parties_.end() ? grant.announced_by : party->second;
  }

  std::optional<Cause> refusal(const Transport& transport, const Grant& grant, const Policy& policy) const {
    Transport as_said = transport;
    if (grant.announced_by_host && has(transport.address)) as_said.elsewhere = transport.barred;
    return policy.refusal(as_said, announcer(transport, grant));
  }

  // Of a source: where the message came from that named it first.
  bool admits_source(const base::Address& sender, const Grant& grant, const Policy& policy) const {
    if (grant.recovered) return policy.admits_source(sender, sender);
    const auto party = grant.senders_by_host ? parties_.find(sender) : parties_.end();
    return policy.admits_source(sender, party == parties_.end() ? grant.sender_signalling : party->second);
  }

 private:
  std::map<base::Address, base::Address> parties_;  // by the address that one said
};

// The sources of this m-line, which has so many pinholes: sorted; empty when it is open to anybody.
std::vector<base::Address> sources(const Grant& grant, std::size_t pinholes, const Policy& policy, const Said& said) {
  std::vector<base::Address> from;
  if (!grant.bound || !policy.bind_to_peer()) return from;
  const std::size_t room = std::clamp(limits::elements_per_binding / std::max<std::size_t>(pinholes, 1),
                                      std::size_t{1}, limits::sources_per_binding);
  insert_sorted(from, grant.sender_signalling);
  for (const base::Address& sender : grant.senders) {
    if (from.size() == room) break;
    const bool passed_on = grant.senders_by_host && !policy.is_own(sender);
    if (passed_on && !said.has(sender)) continue;
    if (said.admits_source(sender, grant, policy)) insert_sorted(from, sender);
  }
  return from;
}

base::seconds timeout_of(Phase phase, const ElementTimeouts& timeouts) {
  switch (phase) {
    case Phase::early:
      return timeouts.early;
    case Phase::established:
      return timeouts.established;
    case Phase::held:
      return timeouts.held;
  }
  return timeouts.early;
}

std::vector<base::Address> of_family(const std::vector<base::Address>& addresses, base::Family family) {
  std::vector<base::Address> same;
  for (const base::Address& address : addresses) {
    if (address.family() == family) same.push_back(address);
  }
  return same;
}

// An offer adds nothing to what is bound until it is answered.
void merge(Want& into, const Want& more) {
  if (into.held && !more.held) {
    into = more;
    return;
  }
  if (more.held) return;
  into.timeout = std::max(into.timeout, more.timeout);
  for (const base::Address& address : more.from) insert_sorted(into.from, address);
}

// The wants of a call are few: most have four, and a linear look beats a map.
class Collection {
 public:
  void add(Want want) {
    constexpr std::size_t few = 32;
    if (wants_.size() < few) {
      auto same =
          std::find_if(wants_.begin(), wants_.end(), [&](const Want& w) { return w.key == want.key; });
      if (same != wants_.end()) return merge(*same, want);
    } else {
      for (; indexed_ < wants_.size(); ++indexed_) index_.emplace(wants_[indexed_].key, indexed_);
      auto same = index_.find(want.key);
      if (same != index_.end()) return merge(wants_[same->second], want);
    }
    wants_.push_back(std::move(want));
  }

  std::vector<Want> take() { return std::move(wants_); }

 private:
  std::vector<Want> wants_;
  std::map<Key, std::size_t> index_;
  std::size_t indexed_ = 0;
};

Refusal refusal_of(const Transport& transport, const negotiation::Announced& announced,
                   const negotiation::Update& update, Cause cause) {
  Refusal refusal;
  refusal.protocol = transport.protocol;
  refusal.address = transport.named ? announced.host_name : transport.address.to_string();
  refusal.port = transport.port;
  refusal.label = {update.call_id, std::string(name(announced.grant.media)), transport.component};
  refusal.cause = cause;
  refusal.time = update.time;
  return refusal;
}

}  // namespace

std::vector<Want> wanted(std::span<const Grant* const> grants, const Policy& policy,
                         const ElementTimeouts& timeouts) {
  Collection collection;
  const Said said(grants);
  for (const Grant* grant : grants) {
    std::vector<const Transport*> admitted;
    for (const Transport& transport : grant->to) {
      if (!said.refusal(transport, *grant, policy)) admitted.push_back(&transport);
    }
    const std::vector<base::Address> from = sources(*grant, admitted.size(), policy, said);
    for (const Transport* transport : admitted) {
      Want want;
      want.key = {transport->protocol, {transport->address, static_cast<std::uint16_t>(transport->port)}};
      want.from = of_family(from, transport->address.family());
      // The peer has no address of this family: open to nobody is closed, not open to anybody.
      if (want.from.empty() && !from.empty()) continue;
      want.timeout = timeout_of(grant->phase, timeouts);
      want.media = grant->media;
      want.component = transport->component;
      want.held = transport->held;
      want.announced_by = said.announcer(*transport, *grant);
      collection.add(std::move(want));
    }
  }
  return collection.take();
}

std::vector<Refusal> refusals(const negotiation::Update& update, const Policy& policy) {
  std::vector<Refusal> found;
  const Said said(update.wanted);
  for (const negotiation::Announced& announced : update.announced) {
    for (const Transport& transport : announced.grant.to) {
      if (found.size() == limits::refusals_per_message) return found;
      const auto cause = update.refused ? update.refused : said.refusal(transport, announced.grant, policy);
      if (cause) found.push_back(refusal_of(transport, announced, update, *cause));
    }
  }
  if (update.refused && found.empty()) {
    Refusal refusal;
    refusal.label.call_id = update.call_id;
    refusal.cause = *update.refused;
    refusal.time = update.time;
    found.push_back(std::move(refusal));
  }
  return found;
}

}  // namespace dpinholer::pinhole
