// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/facts.h"
#include "doctor/path.h"

namespace dpinholer::doctor {

/// From where to where calls may go through this host.
struct Way {
  std::string in;   ///< interface; empty on the output hook
  std::string out;  ///< empty on the input hook
  bool ipv6 = false;

  friend bool operator==(const Way&, const Way&) = default;
};

/// Media of one way that rules may treat alike.
struct Lane {
  Way way;
  bool tcp = false;
  bool first = true;  ///< packets of their flows; else later ones
};

/// "from eth1 to eth0", "to eth0 over IPv6"
std::string describe(const Way& way);

/// For what comes back.
Way reversed(const Way& way);

/// The hooks that media takes.
std::vector<std::string> media_hooks(const system::Config& config);

/// Base chains of IP in the order in which packets pass them. Where two have the same priority, the one
/// that was loaded last comes first; nft lists them as they were loaded.
std::vector<const system::Chain*> base_chains(const Facts& facts, std::string_view hook);

bool is_ours(const Facts& facts, const system::Chain& chain);
bool sees(const system::Chain& chain, const Way& way);

/// Whether a rule of `chain` that queues to `queues` queues SIP to us: others have queues, too. Ours are
/// those in our table, and those with our numbers.
bool is_our_queue(const Facts& facts, const system::Chain& chain, const system::QueueRange& queues);

/// The ports of SIP that rules queue; 5060, if there are none.
std::vector<std::uint16_t> sip_ports(const Facts& facts);

/// The ports of media. Where a rule of our table closes a range that no call uses (standalone.nft), only that
/// range: it is what another firewall opens.
pinhole::PortRange media_ports(const Facts& facts);
/// That range; nothing if there is none.
std::optional<pinhole::PortRange> closed_ports(const Facts& facts);

/// Bits that rules of our table set on packets to a pinhole.
std::uint32_t mark_of(const Facts& facts);

/// All ways through the hook: from each interface to each other one. Rules name interfaces; of those that no
/// rule names two stand for all.
std::vector<Way> all_ways(const Facts& facts, std::string_view hook);

/// Those that a call needs: where SIP passes, in either direction. All where it passes nowhere.
std::vector<Way> call_ways(const Facts& facts, std::string_view hook);
std::vector<Lane> call_lanes(const Facts& facts, std::string_view hook);

Packet media_packet(const Facts& facts, const Lane& lane);
Packet sip_packet(const Way& way, std::uint16_t port);

/// How the first message of SIP on this way is dropped; nothing if it passes, to one of the ports at least.
std::optional<Path> sip_refusal(const Facts& facts, std::string_view hook, const Way& way, bool tcp);

Path path_through(const Facts& facts, const system::Chain& base, const Packet& packet);

/// Whether some media comes from this base chain to sip_media.
bool leads_to_media(const Facts& facts, const system::Chain& base);

/// The base chain of our table that a jump belongs in: not one of the include. Or null.
const system::Chain* filter_chain(const Facts& facts, std::string_view hook);

}  // namespace dpinholer::doctor
