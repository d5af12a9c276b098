// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/agreement.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace dpinholer::negotiation {

namespace {

using base::Protocol;
using message::Candidate;
using message::Connection;
using message::Direction;
using message::MediaDescription;
using message::Profile;
using message::SessionDescription;
using message::Setup;

constexpr std::uint32_t discard_port = 9;  // what RFC 8840 and RFC 4145 put where no port is meant

// How the m-line of a party is to be read, given what the other said about the same m-line.
struct Reading {
  bool muxed = false;       // RTCP comes to the RTP port
  bool may_mux = false;     // it might yet: the offer asks for it
  bool candidates = false;  // ICE is offered, or agreed on
  bool connect_to = false;  // TCP: the other party may connect to this one
  bool hold_narrow = false;
  bool tcp = false;
};

bool wants_mux(const MediaDescription& section) {
  return section.rtcp_mux || section.rtcp_mux_only;
}

bool is_elsewhere(const Origin& origin, const base::Address& address) {
  return std::ranges::binary_search(origin.elsewhere, address);
}

void judge(Transport& transport, const Origin& origin) {
  const base::Endpoint place{transport.address, static_cast<std::uint16_t>(transport.port)};
  transport.barred = std::ranges::binary_search(origin.refused, transport.address) ||
                     (transport.port <= 0xffff && std::ranges::binary_search(origin.refused_places, place));
  transport.elsewhere = transport.barred || is_elsewhere(origin, transport.address);
}

template <typename Value>
void add_sorted(std::vector<Value>& values, const std::vector<Value>& more) {
  std::vector<Value> all;
  std::ranges::set_union(values, more, std::back_inserter(all));
  values = std::move(all);
}

void add(std::vector<Transport>& to, const Transport& transport) {
  auto same_place = [&](const Transport& other) {
    return other.protocol == transport.protocol && other.port == transport.port &&
           other.address == transport.address && other.named == transport.named;
  };
  if (std::none_of(to.begin(), to.end(), same_place)) to.push_back(transport);
}

// The m-line's own port, or ports: everything but candidates.
void add_own(std::vector<Transport>& to, const MediaDescription& section, const Reading& reading) {
  const bool named = section.connection.kind == Connection::Kind::host_name;
  if (section.connection.kind == Connection::Kind::absent) return;
  if (!named && section.connection.address.is_unspecified()) return;  // the old hold; trickle ICE
  if (section.port == 0 || (section.port == discard_port && section.ice)) return;

  Transport own{section.connection.address, section.port, Protocol::udp, Component::data, named};
  switch (section.profile) {
    case Profile::unsupported:
      return;
    case Profile::udp:
      to.push_back(own);
      return;
    case Profile::tcp:
      own.protocol = Protocol::tcp;
      own.off = !reading.tcp;
      if (reading.connect_to) to.push_back(own);
      return;
    case Profile::rtp:
      break;
  }
  for (std::uint32_t pair = 0; pair < section.port_count; ++pair) {
    own.component = Component::rtp;
    own.port = section.port + 2 * pair;
    to.push_back(own);  // a port within a range of one m-line can't stand twice
    if (reading.muxed) continue;
    Transport rtcp = own;
    rtcp.component = Component::rtcp;
    rtcp.port = own.port + 1;
    if (section.rtcp && pair == 0) {
      rtcp.port = section.rtcp->port;
      if (section.rtcp->address) {
        rtcp.address = *section.rtcp->address;
        rtcp.named = false;
      }
      const bool nowhere = rtcp.port == 0 || (!rtcp.named && rtcp.address.is_unspecified());
      if (nowhere || (rtcp.port == discard_port && section.ice)) continue;
      add(to, rtcp);
      continue;
    }
    to.push_back(rtcp);
  }
}

// The transport that a candidate offers to others, if it offers one.
bool read_candidate(const Candidate& candidate, bool rtp, bool muxed, bool tcp, Transport& transport) {
  if (!candidate.may_open() || (candidate.protocol == Protocol::tcp && !tcp)) return false;
  if (muxed && candidate.component != 1) return false;
  transport = {candidate.address, candidate.port, candidate.protocol, Component::data};
  if (rtp) transport.component = candidate.component == 1 ? Component::rtp : Component::rtcp;
  return true;
}

// A port that RTCP comes to as well stays open.
void mark_held(std::vector<Transport>& to, const MediaDescription& section, const Reading& reading) {
  const bool asks_for_none =
      section.direction == Direction::sendonly || section.direction == Direction::inactive;
  const bool shared =
      reading.muxed || reading.may_mux || (section.rtcp && section.rtcp->port == section.port);
  if (!reading.hold_narrow || !asks_for_none || shared) return;
  for (Transport& transport : to) transport.held = transport.component == Component::rtp;
}

std::vector<Transport> transports(const MediaDescription& section, const Reading& reading,
                                  const Origin& origin) {
  std::vector<Transport> to;
  add_own(to, section, reading);
  if (reading.candidates) {
    const bool rtp = section.profile == Profile::rtp;
    for (const Candidate& candidate : section.candidates) {
      Transport transport;
      if (read_candidate(candidate, rtp, reading.muxed, reading.tcp, transport)) add(to, transport);
    }
  }
  mark_held(to, section, reading);
  for (Transport& transport : to) judge(transport, origin);
  return to;
}

// What this host passes on for others is judged with what they said themselves (pinhole/wanted.h).
void add_sender(std::vector<base::Address>& senders, const base::Address& address, const Origin& origin) {
  if (address.is_unspecified() || std::ranges::binary_search(origin.refused, address)) return;
  const bool admitted = origin.own || std::ranges::binary_search(origin.sources, address);
  if (!admitted && is_elsewhere(origin, address)) return;
  if (std::find(senders.begin(), senders.end(), address) == senders.end()) senders.push_back(address);
}

// The media addresses that a party announced for an m-line (calls.md sections 3 and 7).
std::vector<base::Address> senders_of(const MediaDescription& section, const Origin& origin) {
  std::vector<base::Address> senders;
  if (section.connection.kind == Connection::Kind::address)
    add_sender(senders, section.connection.address, origin);
  if (section.rtcp && section.rtcp->address) add_sender(senders, *section.rtcp->address, origin);
  for (const Candidate& candidate : section.candidates) add_sender(senders, candidate.address, origin);
  for (const base::Address& address : section.silent) add_sender(senders, address, origin);
  return senders;
}

Grant grant_for(std::size_t index, const MediaDescription& section, const Reading& reading,
                const Origin& origin) {
  Grant grant;
  grant.section = static_cast<std::uint16_t>(index);
  grant.media = media_of(section.media);
  grant.mid = section.mid;
  grant.to = transports(section, reading, origin);
  grant.announced_by = origin.address;
  grant.announced_by_host = origin.own;
  grant.muxed = reading.muxed;
  grant.ice = reading.candidates && section.ice;
  return grant;
}

// Whether a grant is worth keeping: it opens something, or candidates may still trickle in.
bool worth_keeping(const Grant& grant) {
  return !grant.to.empty() || grant.ice;
}

// Port 0 of a=bundle-only (RFC 9143 section 6) comes to the same: it has no transport of its own.
bool refused(const MediaDescription& section) {
  return section.port == 0 || section.profile == Profile::unsupported;
}

// RFC 4145 section 4.1, as far as the offerer's own port goes: absent means active.
bool offerer_listens(Setup setup) {
  return setup == Setup::passive || setup == Setup::actpass;
}
// In an answer absent means passive; actpass may not stand there, but whoever writes it listens.
bool answerer_listens(Setup setup) {
  return setup != Setup::active && setup != Setup::holdconn;
}

// RFC 3264 section 8.4 and RFC 2543 appendix B: to 0.0.0.0 nothing is sent, unless it only waits for
// candidates.
bool flows(const MediaDescription& from, const MediaDescription& to) {
  const Connection& connection = to.connection;
  const bool nowhere =
      connection.kind == Connection::Kind::address && connection.address.is_unspecified() && !to.ice;
  return (from.direction == Direction::sendrecv || from.direction == Direction::sendonly) &&
         (to.direction == Direction::sendrecv || to.direction == Direction::recvonly) && !nowhere;
}

std::string_view mid_of(const SessionDescription& offer, const SessionDescription& answer,
                        std::size_t index) {
  const std::string& answered = answer.media[index].mid;
  return answered.empty() ? std::string_view(offer.media[index].mid) : std::string_view(answered);
}

// Indices of the m-lines that use another m-line's transport once `answer` is in (RFC 9143 section 7.3): all
// of an accepted group but its first.
std::set<std::size_t> bundled_away(const SessionDescription& offer, const SessionDescription& answer) {
  std::set<std::size_t> away;
  const std::size_t sections = std::min(offer.media.size(), answer.media.size());
  for (const auto& group : answer.bundles) {
    bool tagged = true;
    for (const std::string& mid : group) {
      auto offers_it = [&](const auto& other) {
        return std::find(other.begin(), other.end(), mid) != other.end();
      };
      if (std::none_of(offer.bundles.begin(), offer.bundles.end(), offers_it)) continue;
      for (std::size_t index = 0; index < sections; ++index) {
        if (mid_of(offer, answer, index) != mid || refused(answer.media[index])) continue;
        if (!tagged) away.insert(index);
        tagged = false;
        break;
      }
    }
  }
  return away;
}

// The section of `count` that a section of a trickle fragment means; `count` when none.
template <typename MidOf>
std::size_t section_for(const MediaDescription& fragment, std::size_t index, std::size_t count, MidOf mid) {
  if (fragment.mid.empty()) return std::min(index, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (mid(i) == fragment.mid) return i;
  }
  return count;
}

// The grant that a section of a trickle fragment adds to; null when there is none with ICE.
Grant* grant_for_fragment(Grants& grants, const MediaDescription& section, std::size_t index,
                          const Origin& origin) {
  Grant* meant = nullptr;
  for (Grant& grant : grants) {
    const bool same = section.mid.empty() ? grant.section == index : grant.mid == section.mid;
    if (!same || !grant.ice) continue;
    if (grant.announced_by == origin.address) return &grant;
    meant = &grant;
  }
  if (meant == nullptr) return nullptr;
  Grant of_its_own = *meant;
  of_its_own.announced_by = origin.address;
  of_its_own.announced_by_host = origin.own;
  of_its_own.to.clear();
  return &grants.emplace_back(std::move(of_its_own));
}

}  // namespace

std::size_t most_pinholes(const SessionDescription& description) {
  std::size_t count = 0;
  for (const MediaDescription& section : description.media) {
    if (section.port != 0) count += section.profile == Profile::rtp ? std::size_t{2} * section.port_count : 1;
    count += section.candidates.size();
  }
  return count;
}

Grants offered(const Announcement& offer, const Settings& settings) {
  Grants grants;
  const auto& media = offer.description.media;
  for (std::size_t index = 0; index < media.size(); ++index) {
    const MediaDescription& section = media[index];
    if (refused(section)) continue;
    Reading reading;
    reading.muxed = section.rtcp_mux_only;
    reading.may_mux = wants_mux(section);
    reading.candidates = true;
    reading.connect_to = offerer_listens(section.setup);
    reading.hold_narrow = settings.hold_narrow;
    reading.tcp = settings.tcp;
    Grant grant = grant_for(index, section, reading, offer.origin);
    if (worth_keeping(grant)) grants.push_back(std::move(grant));
  }
  return grants;
}

Agreement agree(const Announcement& offer, const Announcement& answer, const Settings& settings) {
  Agreement agreement;
  const auto& theirs = offer.description.media;
  const auto& ours = answer.description.media;
  const auto away = bundled_away(offer.description, answer.description);
  bool has_media = false;
  bool any_flows = false;
  for (std::size_t index = 0; index < std::min(theirs.size(), ours.size()); ++index) {
    const MediaDescription& offering = theirs[index];
    const MediaDescription& answering = ours[index];
    if (refused(offering) || refused(answering)) continue;
    has_media = true;
    any_flows = any_flows || flows(offering, answering) || flows(answering, offering);
    if (away.contains(index)) continue;

    const bool muxed = wants_mux(offering) && wants_mux(answering);
    Reading reading;
    reading.candidates = offering.ice && answering.ice;
    reading.hold_narrow = settings.hold_narrow;
    reading.tcp = settings.tcp;

    reading.muxed = muxed || offering.rtcp_mux_only;  // it has no other port, whatever the answer says
    // An actpass offerer connects out itself when the answerer chose to listen.
    reading.connect_to = offering.setup == Setup::passive
                             ? answering.setup != Setup::holdconn
                             : offering.setup == Setup::actpass && answering.setup == Setup::active;
    Grant to_offerer = grant_for(index, offering, reading, offer.origin);
    reading.muxed = muxed;
    reading.connect_to = answerer_listens(answering.setup);
    Grant to_answerer = grant_for(index, answering, reading, answer.origin);

    to_offerer.bound = to_answerer.bound = true;
    to_offerer.phase = to_answerer.phase = Phase::established;
    to_offerer.senders = senders_of(answering, answer.origin);
    to_offerer.sender_signalling = answer.origin.address;
    to_offerer.senders_by_host = answer.origin.own;
    to_answerer.senders = senders_of(offering, offer.origin);
    to_answerer.sender_signalling = offer.origin.address;
    to_answerer.senders_by_host = offer.origin.own;
    if (to_answerer.mid.empty()) to_answerer.mid = to_offerer.mid;
    if (worth_keeping(to_offerer)) agreement.toward_offerer.push_back(std::move(to_offerer));
    if (worth_keeping(to_answerer)) agreement.toward_answerer.push_back(std::move(to_answerer));
  }
  agreement.held = has_media && !any_flows;
  if (agreement.held) {
    for (Grant& grant : agreement.toward_offerer) grant.phase = Phase::held;
    for (Grant& grant : agreement.toward_answerer) grant.phase = Phase::held;
  }
  return agreement;
}

bool add_candidates(Announcement& announcement, const Announcement& given) {
  bool added = false;
  SessionDescription& description = announcement.description;
  const SessionDescription& fragment = given.description;
  auto mid = [&](std::size_t i) -> const std::string& { return description.media[i].mid; };
  for (std::size_t index = 0; index < fragment.media.size(); ++index) {
    const std::size_t at = section_for(fragment.media[index], index, description.media.size(), mid);
    if (at == description.media.size()) continue;
    MediaDescription& section = description.media[at];
    for (const Candidate& candidate : fragment.media[index].candidates) {
      if (std::find(section.candidates.begin(), section.candidates.end(), candidate) !=
          section.candidates.end())
        continue;
      section.candidates.push_back(candidate);
      section.ice = true;
      added = true;
    }
    for (const base::Address& address : fragment.media[index].silent) {
      if (!section.add_silent(address)) continue;
      section.ice = true;
      added = true;
    }
  }
  add_sorted(announcement.origin.elsewhere, given.origin.elsewhere);
  add_sorted(announcement.origin.sources, given.origin.sources);
  add_sorted(announcement.origin.refused, given.origin.refused);
  add_sorted(announcement.origin.refused_places, given.origin.refused_places);
  return added;
}

bool add_candidates(Grants& toward, Grants& from, const Announcement& fragment, const Settings& settings) {
  bool added = false;
  const auto& media = fragment.description.media;
  for (std::size_t index = 0; index < media.size(); ++index) {
    const MediaDescription& section = media[index];
    Grant* grant = grant_for_fragment(toward, section, index, fragment.origin);
    if (grant == nullptr) continue;
    // Whether the section is RTP shows in what it has already, or in what the fragment's m= line says.
    const bool rtp = section.profile == Profile::rtp ||
                     std::any_of(grant->to.begin(), grant->to.end(), [](const Transport& transport) {
                       return transport.component != Component::data;
                     });
    auto peer = std::find_if(from.begin(), from.end(),
                             [&](const Grant& other) { return other.section == grant->section; });
    const std::size_t before = grant->to.size() + (peer != from.end() ? peer->senders.size() : 0);
    if (peer != from.end()) {
      for (const base::Address& address : section.silent) add_sender(peer->senders, address, fragment.origin);
    }
    for (const Candidate& candidate : section.candidates) {
      if (peer != from.end()) add_sender(peer->senders, candidate.address, fragment.origin);
      Transport transport;
      if (!read_candidate(candidate, rtp, grant->muxed, settings.tcp, transport)) continue;
      judge(transport, fragment.origin);
      add(grant->to, transport);
    }
    added |= before != grant->to.size() + (peer != from.end() ? peer->senders.size() : 0);
  }
  return added;
}

std::size_t announced_count(const Grants& grants) {
  std::size_t count = transport_count(grants);
  for (const Grant& grant : grants) count += grant.senders.size();
  return count;
}

std::size_t transport_count(const Grants& grants) {
  std::size_t count = 0;
  for (const Grant& grant : grants) count += grant.to.size();
  return count;
}

}  // namespace dpinholer::negotiation
