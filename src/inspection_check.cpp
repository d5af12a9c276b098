// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspection_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <utility>

#include "held_flows.h"
#include "ip/packet.h"

namespace dpinholer {

namespace {

using Ends = std::pair<base::Endpoint, base::Endpoint>;

Ends ends(const base::Endpoint& one, const base::Endpoint& other) {
  return std::minmax(one, other);
}

bool is_flow_of(const Reading& reading, const auto& whole) {
  return whole && whole->source == reading.source && whole->destination == reading.destination;
}

// The ports of a datagram that a fragment completes can't be known here.
bool is_of(const Reading& reading, base::Bytes octets) {
  if (!has_flow(reading.kind)) return true;
  const auto packet = ip::read_packet(octets);
  if (!packet) return false;
  if (packet->fragment) {
    return packet->source == reading.source.address && packet->destination == reading.destination.address;
  }
  switch (reading.protocol) {
    case base::Protocol::udp:
      return is_flow_of(reading, ip::read_datagram(*packet));
    case base::Protocol::tcp:
      return is_flow_of(reading, ip::read_segment(*packet));
  }
  return false;
}

bool are_of(const std::vector<Findings::ConnectionNews>& news, const Findings& findings, const Batch& batch) {
  std::set<Ends> known;
  for (const Connection& connection : batch.connections)
    known.insert(ends(connection.position.initiator, connection.position.responder));
  for (const auto& [reading, changes] : findings.packets) {
    if (has_flow(reading.kind) && reading.protocol == base::Protocol::tcp)
      known.insert(ends(reading.source, reading.destination));
  }
  return std::ranges::all_of(news, [&](const auto& one) {
    return !one.now || known.contains(ends(one.now->position.initiator, one.now->position.responder));
  });
}

}  // namespace

bool answers(const Findings& findings, const Batch& batch) {
  const std::size_t packets = findings.packets.size();
  if (packets > batch.packets.size() || (packets == 0 && !batch.packets.empty())) return false;
  for (std::size_t i = 0; i < packets; ++i) {
    if (!is_of(findings.packets[i].reading, batch.packets[i].octets)) return false;
  }
  return findings.closed <= batch.close.size() && are_of(findings.connections, findings, batch);
}

bool goes_on(const Counters& counters, const Counters& before) {
  static_assert(sizeof(Counters) % sizeof(std::uint64_t) == 0 &&
                std::has_unique_object_representations_v<Counters>);
  using Numbers = std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)>;
  return std::ranges::equal(std::bit_cast<Numbers>(counters), std::bit_cast<Numbers>(before),
                            std::greater_equal{});
}

}  // namespace dpinholer
