// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "pinhole/policy_settings.h"
#include "system/ruleset.h"

namespace dpinholer::doctor {

/// A packet on its way through one hook, as far as rules tell packets apart.
struct Packet {
  enum class Kind : std::uint8_t {
    media,     ///< to any of `ports`
    to_sip,    ///< to `sip_port`
    from_sip,  ///< from `sip_port`
  };
  Kind kind = Kind::media;
  bool has_pinhole = false;  ///< of media: one of the sets has it
  bool tcp = false;          ///< else UDP
  bool ipv6 = false;
  bool first = true;  ///< of its flow; else the flow is established
  std::string in;     ///< interfaces; empty: none, or none that a rule names
  std::string out;
  pinhole::PortRange ports{1024, 65535};
  std::uint16_t sip_port = 5060;
  std::uint32_t mark = 0;  ///< bits that are set; nothing is known of the others
};

/// The ports that are in both ranges, if any is.
std::optional<pinhole::PortRange> common_ports(const pinhole::PortRange& one,
                                               const pinhole::PortRange& other);

constexpr unsigned size(const pinhole::PortRange& range) {
  return range.last - range.first + 1U;
}

/// How many of such packets a condition admits; in this order. Of several conditions the least counts.
enum class Reach : std::uint8_t {
  none,
  few,      ///< of single addresses, or over a limit
  unclear,  ///< by networks, sets, and what is not understood here: nobody knows, and whoever wrote it did
  part,     ///< some of the ports
  all,      ///< all or nearly all
};

Reach reach(const system::Condition& condition, const Packet& packet);

/// Whether a rule's word for interfaces, "eth0" or "eth*", is about this one.
bool matches(std::string_view word, std::string_view interface);

/// A rule that ends the way of packets, or offloads their flow.
struct Ending {
  const system::Chain* chain = nullptr;
  const system::Rule* rule = nullptr;
  system::Outcome::Kind kind = system::Outcome::Kind::accept;  ///< accept, drop, queue or offload
  Reach reach = Reach::none;
  std::vector<pinhole::PortRange> ports{};  ///< of media: what is left of its destination ports there
  bool by_ports = false;                    ///< a condition about these ports is why
};

/// The way of packets through a base chain, and the chains that it leads to.
struct Path {
  /// To the chain sip_media: how many come to a jump there, if no rule ahead of it ended their way.
  Reach arrives = Reach::none;
  const system::Rule* jump = nullptr;
  /// In order, up to the one that takes all, or up to sip_media for packets that it accepts.
  std::vector<Ending> endings;
  std::size_t ahead = 0;                 ///< of them, those ahead of that jump
  bool dropped = false;                  ///< by the rule that took all, or by the policy
  const system::Rule* last = nullptr;    ///< that rule; null: the policy
  Reach returned = Reach::none;          ///< from its chain ahead of it: other rules may take those
  const system::Chain* where = nullptr;  ///< it stands
  const system::Chain* base = nullptr;   ///< that the way began with
  bool cut = false;                      ///< there are more rules than are followed: all this is not certain
};

/// What is known already of the ways through one ruleset, and how much work it may still take.
struct Followed {
  std::unordered_map<std::string, Path> paths;  ///< by base chain and packet
  std::unordered_map<const system::Outcome*, const system::Chain*> targets;
  std::size_t rules = base::limits::followed_rules_in_all;  ///< that may still be looked at
  std::size_t cut = 0;  ///< how often a way was asked for that is not known to its end
};

/// `base` and what it leads to belong to `ruleset`; `ours` is the table that has sip_media.
Path path_through(const system::Chain& base, const Packet& packet, const system::Ruleset& ruleset,
                  const system::TableName& ours, Followed& followed);

/// Whether the chain drops such packets for certain: no rule accepts more than a few of them.
bool is_dropped(const Path& path);

/// The first of these endings that is of this kind and takes at least some of the packets; null if none.
const Ending* first_ending(std::span<const Ending> endings, system::Outcome::Kind kind);

}  // namespace dpinholer::doctor
