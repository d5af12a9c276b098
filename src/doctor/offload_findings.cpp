// SPDX-License-Identifier: GPL-2.0-or-later
// Flowtables: a flow that a rule adds to one passes neither the forward hook nor the queue any more.
#include <algorithm>
#include <string_view>

#include "doctor/finding.h"
#include "doctor/traffic.h"
#include "doctor/words.h"

namespace dpinholer::doctor {

namespace {

using system::Chain;
using system::Rule;
using Kind = system::Outcome::Kind;

// A rule that adds flows, and to which of ours it does so.
struct Offload {
  const Chain* chain = nullptr;
  const Rule* rule = nullptr;
  bool sip = false;
  bool media = false;
  std::uint32_t mark = 0;  // that media carries there
};

void note(const Path& path, std::uint32_t mark, bool Offload::*kind, std::vector<Offload>& all) {
  for (const Ending& ending : path.endings) {
    if (ending.kind != Kind::offload || ending.reach < Reach::part) continue;
    auto known = std::ranges::find(all, ending.rule, &Offload::rule);
    if (known == all.end()) {
      all.push_back({ending.chain, ending.rule, false, false, mark});
      known = all.end() - 1;
    }
    (*known).*kind = true;
  }
}

// Either direction of a flow takes all of it there, once it is established.
void note_sip(const Facts& facts, const Chain& base, const Way& way, std::uint32_t mark,
              std::vector<Offload>& all) {
  for (const std::uint16_t port : sip_ports(facts)) {
    for (const auto kind : {Packet::Kind::to_sip, Packet::Kind::from_sip}) {
      for (const bool tcp : {false, true}) {
        Packet packet = sip_packet(way, port);
        packet.kind = kind;
        packet.tcp = tcp;
        packet.first = false;
        note(path_through(facts, base, packet), mark, &Offload::sip, all);
      }
    }
  }
}

std::vector<Offload> offloads(const Facts& facts) {
  std::vector<Offload> all;
  std::uint32_t mark = 0;
  for (const Chain* base : base_chains(facts, "forward")) {
    for (const Lane& lane : call_lanes(facts, "forward")) {
      if (lane.first || !sees(*base, lane.way)) continue;
      Packet media = media_packet(facts, lane);
      media.mark = mark;
      note(path_through(facts, *base, media), mark, &Offload::media, all);
      note_sip(facts, *base, lane.way, mark, all);
    }
    if (leads_to_media(facts, *base)) mark = mark_of(facts);
  }
  return all;
}

std::string flowtable_of(const Rule& rule) {
  const auto found = std::ranges::find(rule.outcomes, Kind::offload, &system::Outcome::kind);
  return found == rule.outcomes.end() ? "" : found->target;
}

// The rule as it is, for less.
std::string narrowed(const Facts& facts, const Offload& one) {
  // With a single port nft 1.0.6 makes one comparison of the two, which leaves out only what has both.
  std::vector<std::uint16_t> none_of = sip_ports(facts);
  none_of.insert(none_of.begin(), 0);
  const std::string ports = to_set(none_of);
  const auto statement = one.rule->text.find("flow ");
  const bool known = statement != std::string::npos;
  std::string before = known ? one.rule->text.substr(0, statement) : "";
  // In another table nothing else tells media apart: there only TCP may be offloaded.
  const bool marked = one.mark != 0;
  const bool by_sets = one.chain->table == facts.config.kernel.table;
  const std::string protocols =
      by_sets || marked || !one.media ? "meta l4proto { tcp, udp } " : "meta l4proto tcp ";
  if (before.find(protocols) == std::string::npos) before += protocols;
  before += "th dport != " + ports + " th sport != " + ports + " ";
  if (!by_sets && marked && one.media) {
    const std::string bits = to_hexadecimal(one.mark);
    before += "meta mark & " + bits + " != " + bits + " ";
  }
  return before + (known ? one.rule->text.substr(statement) : "flow add @" + flowtable_of(*one.rule));
}

std::string narrowing_line(const Facts& facts, const Offload& one) {
  std::string commands;
  const Chain* filter = filter_chain(facts, "forward");
  if (one.media && one.chain->table == facts.config.kernel.table && filter != nullptr)
    commands = "insert rule " + address_of(*filter) + " jump sip_media; ";
  commands += "replace rule " + address_of(*one.chain) + " handle " + std::to_string(one.rule->handle) + " " +
              narrowed(facts, one);
  const bool ours = one.chain->table == facts.config.kernel.table;
  return "nft " + shell_word(commands) +
         (ours ? "" : "   # or offloading off, where a program writes this rule");
}

// The flowtables that media is offloaded to.
std::vector<const system::Flowtable*> used_by_media(const Facts& facts) {
  std::vector<const system::Flowtable*> used;
  const std::vector<Offload> all = offloads(facts);
  for (const system::Flowtable& flowtable : facts.ruleset.flowtables) {
    const bool takes_media = std::ranges::any_of(all, [&](const Offload& one) {
      return one.media && one.chain->table == flowtable.table && flowtable_of(*one.rule) == flowtable.name;
    });
    if (takes_media) used.push_back(&flowtable);
  }
  return used;
}

}  // namespace

Findings flows_offloaded(const Facts& facts) {
  if (facts.config.policy.local) return {};
  Findings found;
  for (Offload one : offloads(facts)) {
    if (facts.config.offload) one.media = false;
    if (!one.sip && !one.media) continue;
    const std::string what = one.sip && one.media ? "SIP and media" : one.sip ? "SIP" : "media";
    const std::string of_sip = "SIP in it is not read, and calls have no audio";
    const std::string of_media = "media in it is not counted, and goes on when its call is over";
    found.push_back({"flow-offload", Severity::fault,
                     "in " + describe(*one.chain) + ", rule " + describe(*one.rule) + " offloads " + what,
                     "An offloaded flow goes past the forward hook: " +
                         (one.sip && one.media ? of_sip + "; " + of_media
                          : one.sip            ? of_sip
                                               : of_media) +
                         ".",
                     narrowing_line(facts, one)});
  }
  return found;
}

// To an account that stands still a call in good health is one without media.
Findings media_uncounted(const Facts& facts) {
  if (facts.config.policy.local || !facts.config.offload) return {};
  const auto used = used_by_media(facts);
  const std::string why =
      "Nothing else counts what is offloaded: a call in good health looks idle, and is closed after "
      "media-idle.";
  Findings found;
  if (!used.empty() && !facts.counts_flows) {
    found.push_back(
        {"media-uncounted", Severity::fault,
         "connection tracking does not count packets (nf_conntrack_acct is 0)", why,
         "sysctl -w net.netfilter.nf_conntrack_acct=1   # and in /etc/sysctl.d: for calls that begin then"});
  }
  for (const system::Flowtable* one : used) {
    if (one->counts) continue;
    const std::string name = to_string(one->table) + " " + one->name;
    found.push_back({"media-uncounted", Severity::fault,
                     "flowtable " + name + " takes media and has no counter", why,
                     "nft " + shell_word("add flowtable " + name + " { hook ingress priority " +
                                         std::to_string(one->priority) + "; counter; }")});
  }
  return found;
}

}  // namespace dpinholer::doctor
