// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/time.h"
#include "pinhole/policy_settings.h"
#include "system/config.h"

namespace dpinholer::system {

/// The kernel's nftables ruleset as far as one must understand it to say what becomes of a media packet and
/// of SIP. Names and texts are what others wrote: escape them (escape.h).

/// One thing that a packet must be for a rule to apply.
struct Condition {
  enum class About : std::uint8_t {
    protocol,
    destination_port,
    source_port,
    ct_state,
    in_interface,
    out_interface,
    family,
    mark,
    few,  ///< single addresses, more than so many a second, a property of single flows
    other,
  };
  About about = About::other;
  bool negated = false;
  std::vector<std::string> words;  ///< protocol, ct_state, interfaces, family ("ip", "ip6"): any of these
  std::vector<pinhole::PortRange> ports;  ///< of the ports: any of these
  std::uint32_t mask = 0;                 ///< of mark: these bits
  std::uint32_t bits = 0;                 ///< of mark: are so
};

/// What a rule does with a packet.
struct Outcome {
  enum class Kind : std::uint8_t { accept, drop, jump, go_to, give_back, queue, offload };
  Kind kind = Kind::accept;
  std::string target;   ///< of jump and go_to: a chain of the same table; of offload: a flowtable
  QueueRange queues;    ///< of queue
  bool bypass = false;  ///< of queue: without a reader packets pass
  std::vector<Condition> conditions;  ///< beside those of the rule, when it is one entry of a verdict map
};

struct Rule {
  std::uint64_t handle = 0;
  std::string text;  ///< as nft lists it, or empty
  std::vector<Condition> conditions;
  std::vector<Outcome> outcomes;
  std::vector<std::string> looked_up;                       ///< named sets that it matches
  std::vector<std::pair<std::string, std::string>> masked;  ///< of them, those with a mask: "ffff:ffff::"
  std::vector<std::pair<std::string, base::seconds>>
      refreshed;             ///< named sets that it updates, to what timeout
  std::string helper;        ///< type of the conntrack helper that it attaches: "sip"
  std::uint32_t marks = 0;   ///< bits that it sets in the mark of packets
  bool of_iptables = false;  ///< it has a target of iptables
};

struct Chain {
  TableName table;
  std::string name;
  std::string hook;  ///< "forward", ...; empty: not a base chain
  int priority = 0;
  bool drops = false;  ///< policy
  std::vector<Rule> rules;
};

struct NamedSet {
  TableName table;
  std::string name;
  base::seconds timeout{0};  ///< 0: none
};

/// Flows that a rule adds to it go past the hooks of IP.
struct Flowtable {
  TableName table;
  std::string name;
  int priority = 0;
  bool counts = false;  ///< `counter`: connection tracking learns how many packets went there
};

struct Ruleset {
  std::vector<TableName> tables;
  std::vector<Chain> chains;
  std::vector<NamedSet> sets;
  std::vector<Flowtable> flowtables;
  std::set<std::string> dormant;  ///< tables, "inet filter": their chains are on no hook

  /// Or null.
  const Chain* find(const TableName& table, std::string_view chain) const;
};

/// Reads what `nft -j list ruleset` prints (libnftables-json(5)). Statements that it does not know count as
/// conditions about something else. The error is a text of one line.
tl::expected<Ruleset, std::string> parse_ruleset(std::string_view json);

/// Gives the rules the text, and the tables the flag dormant, that they have in the output of `nft -a list
/// ruleset`.
void put_texts(Ruleset& ruleset, std::string_view listing);

/// A rule's target of iptables (iptables-nft), of which nft shows but the name.
struct XtTarget {
  TableName table;
  std::uint64_t handle = 0;
  std::string name;     ///< "NFQUEUE", "CT"
  QueueRange queues;    ///< of NFQUEUE
  bool bypass = false;  ///< of NFQUEUE
  std::string helper;   ///< of CT; may be empty
};
void put_xt_targets(Ruleset& ruleset, const std::vector<XtTarget>& targets);

/// The matches of iptables in a rule, in order, of which nft shows but the names.
struct XtMatches {
  TableName table;
  std::uint64_t handle = 0;
  std::vector<Condition> conditions;  ///< one for each; those that are not understood are about `other`
};
void put_xt_matches(Ruleset& ruleset, const std::vector<XtMatches>& matches);

/// Of this thread's network namespace. Elements of named sets are not read. The error says why the kernel
/// can't be asked, with the remedy, in one line.
tl::expected<Ruleset, std::string> read_ruleset();

/// Has the kernel look at commands without carrying them out (nft -c): what it says against them, its first
/// line; nothing when it would take them.
std::optional<std::string> objection(const std::string& commands);

}  // namespace dpinholer::system
