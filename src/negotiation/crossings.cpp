// SPDX-License-Identifier: GPL-2.0-or-later
// Proxies may send one dialog through the gateway several times. A message may announce less for a party
// whose addresses were judged at another of these crossings (calls.md section 2, attack A24).
//
// A refusal counts for all of an address when it comes from where the party was first heard, on a leg of the
// call's own (strangers.cpp). From elsewhere, where a stranger may have learned the party's tag, it counts
// for the ports that it names, and not where the party was first heard. The party keeps what it has open.
#include <algorithm>

#include "base/limits.h"
#include "negotiation/turn.h"

namespace dpinholer::negotiation {

using message::Connection;
using message::MediaDescription;
using message::SessionDescription;
using message::SipMessage;

namespace {

void add_place(std::vector<base::Endpoint>& places, const base::Address& address, std::uint32_t port) {
  if (port <= 0xffff) places.push_back({address, static_cast<std::uint16_t>(port)});
}

// All that a description could open, whatever is agreed on: a port for RTCP beside each, be it used or not.
void add_places(std::vector<base::Endpoint>& places, const MediaDescription& section) {
  const bool has_address = section.connection.kind == Connection::Kind::address;
  if (has_address) {
    for (std::uint32_t i = 0; i < 2 * section.port_count; ++i)
      add_place(places, section.connection.address, section.port + i);
  }
  if (section.rtcp && (section.rtcp->address || has_address))
    add_place(places, section.rtcp->address.value_or(section.connection.address), section.rtcp->port);
  for (const message::Candidate& candidate : section.candidates)
    add_place(places, candidate.address, candidate.port);
}

// Skips a description that is over a bound: it opens nothing, here or elsewhere.
std::vector<base::Endpoint> places_of(const SipMessage& message, const Settings& settings) {
  std::vector<base::Endpoint> places;
  for (const auto* description : {&message.session, &message.early_session, &message.ice_fragment}) {
    if (!*description || (*description)->over_limit) continue;
    if (most_pinholes(**description) > settings.pinholes_per_call) continue;
    for (const MediaDescription& section : (*description)->media) add_places(places, section);
  }
  return places;
}

void sort_each_once(auto& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

// Where the party was first heard, on a leg of the call's own; nothing when it was not heard before. The
// caller's legs stand in the order in which its INVITE took them, the callee's dialogs in the order of its
// responses.
std::optional<base::Address> Turn::home_of(std::string_view tag) const {
  std::optional<std::size_t> first;
  auto consider = [&](std::size_t leg) {
    if (call_.legs[leg].own) first = std::min(leg, first.value_or(leg));
  };
  for (const Transaction& transaction : call_.transactions) {
    if (transaction.initial_invite() && transaction.from_tag == tag && transaction.leg)
      consider(*transaction.leg);
  }
  for (const Dialog& dialog : call_.dialogs) {
    if (dialog.caller_tag == tag) consider(dialog.leg);
  }
  if (first) return call_.legs[*first].caller;
  for (const Dialog& dialog : call_.dialogs) {
    if (dialog.callee_tag == tag && call_.legs[dialog.leg].own) return call_.legs[dialog.leg].callee;
  }
  return std::nullopt;
}

// The places that a party announced and may use.
std::vector<base::Endpoint> Turn::admitted_of(std::string_view tag) const {
  std::vector<base::Endpoint> places;
  auto add = [&](const Grants& grants) {
    for (const Grant& grant : grants) {
      for (const Transport& transport : grant.to) {
        if (!transport.elsewhere && !transport.named) add_place(places, transport.address, transport.port);
      }
    }
  };
  for (const Transaction& transaction : call_.transactions) {
    if (transaction.from_tag != tag) continue;
    for (const Grants& grants : transaction.offer_grants) add(grants);
  }
  for (const Dialog& dialog : call_.dialogs) {
    for (Party party : {Party::caller, Party::callee}) {
      if ((party == Party::caller ? dialog.caller_tag : dialog.callee_tag) != tag) continue;
      dialog.negotiations.for_each([&](const Negotiation& negotiation) {
        add(negotiation.toward(party));
        for (const Exchange& exchange : negotiation.exchanges) {
          if (exchange.offerer == party) add(exchange.grants);
          if (!exchange.provisional) continue;
          add(exchange.offerer == party ? exchange.provisional->toward_offerer
                                        : exchange.provisional->toward_answerer);
        }
      });
    }
  }
  sort_each_once(places);
  return places;
}

// `origin`, with what this call knows of the party from other crossings. Most calls name nothing that is
// elsewhere, and cost nothing here.
Origin Turn::judged(const SipMessage& message, const Origin& origin) {
  Origin judged = origin;
  if (origin.elsewhere.empty() && !call_.refused) return judged;
  std::vector<base::Endpoint> places = places_of(message, settings_);
  if (places.empty()) return judged;
  sort_each_once(places);
  const std::string& tag = message.is_request() ? message.from_tag : message.to_tag;
  const auto home = home_of(tag);
  const bool at_home = !origin.forged && home == origin.address;
  const bool begins = !origin.forged && !home && may_begin_own_leg(origin.address);
  const std::vector<base::Endpoint> admitted = admitted_of(tag);
  auto is_admitted = [&](const base::Address& address) {
    return std::ranges::find(admitted, address, &base::Endpoint::address) != admitted.end();
  };
  if (!call_.refused) call_.refused = std::make_unique<Refused>();
  Refused& refused = *call_.refused;
  for (const base::Endpoint& place : places) {
    const bool has_it = std::ranges::binary_search(admitted, place);
    if (std::ranges::binary_search(origin.elsewhere, place.address)) {
      if (is_admitted(place.address)) {
        judged.sources.push_back(place.address);
        if (!has_it) refused.add(tag, place);
      } else if (at_home || begins) {
        refused.add(tag, place.address);
      } else if (!refused.has(tag, place.address)) {
        refused.add(tag, place);
      }
    }
    if (refused.has(tag, place.address)) {
      judged.refused.push_back(place.address);
    } else if (!has_it && !at_home && (refused.has(tag, place) || refused.overflowed())) {
      if (is_admitted(place.address)) {
        judged.refused_places.push_back(place);
      } else {
        judged.refused.push_back(place.address);  // nor may it be a source
      }
    }
  }
  sort_each_once(judged.sources);
  sort_each_once(judged.refused);
  return judged;
}

}  // namespace dpinholer::negotiation
