// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/findings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/counted.h"
#include "report/parties.h"

namespace dpinholer::report {

namespace {

using base::counted;
using pinhole::Cause;
using pinhole::Component;

// What came to one party, of one kind of media.
struct Received {
  std::uint64_t passed = 0;
  bool agreed = false;  // an answer bound one of its pinholes, and it was not given up again
  std::set<Index> pinholes;
};
using ByParty = std::map<std::string, Received>;

bool was_given_up(const Pinhole& pinhole) {
  return pinhole.closed && (pinhole.closed_by == Cause::rejected || pinhole.closed_by == Cause::cancelled ||
                            pinhole.closed_by == Cause::replaced || pinhole.closed_by == Cause::fork);
}

std::map<std::string, ByParty> received_by(const Call& call) {
  const Parties parties(call);
  std::map<std::string, ByParty> by_media;
  for (Index i = 0; i < call.pinholes.size(); ++i) {
    const Pinhole& pinhole = call.pinholes[i];
    if (pinhole.component == Component::rtcp) continue;
    Received& received = by_media[pinhole.media][parties.name(pinhole.announcer)];
    received.pinholes.insert(i);
    received.agreed |= pinhole.bound.has_value() && !was_given_up(pinhole);
  }
  for (const Flow& flow : call.flows) {
    if (!flow.pinhole) continue;
    const Pinhole& pinhole = call.pinholes[*flow.pinhole];
    if (pinhole.component == Component::rtcp) continue;
    by_media[pinhole.media][parties.name(pinhole.announcer)].passed += flow.passed();
  }
  return by_media;
}

std::string list(const std::vector<base::Address>& addresses) {
  std::string text;
  constexpr std::size_t most = 3;
  for (std::size_t i = 0; i < addresses.size() && i < most; ++i)
    text += (i > 0 ? ", " : "") + addresses[i].to_string();
  if (addresses.size() > most) text += " and " + std::to_string(addresses.size() - most) + " more";
  return text;
}

std::string packets(std::uint64_t count) {
  return counted(count, "packet", "packets");
}

// "12 packets from 198.51.100.9:4000 to 192.0.2.10:30000"
std::string flow_text(const Flow& flow, Fate fate) {
  return packets(flow.count(fate)) + " from " + to_string(flow.source) + " to " + to_string(flow.destination);
}

// Dropped packets of one flow and one fate, and why.
std::string drop_text(const Call& call, const Flow& flow, Fate fate) {
  const bool one = flow.count(fate) == 1;
  const std::string text = flow_text(flow, fate) + (one ? " was" : " were") + " dropped: ";
  switch (fate) {
    case Fate::wrong_source:
      return text + "the pinhole is for " + list(call.pinholes[*flow.pinhole].from) +
             ", and no session description announced another sender.";
    case Fate::too_early:
      return text + "the pinhole opened later.";
    case Fate::too_late:
      return text + "the pinhole had closed.";
    case Fate::unannounced:
      return text + "no session description announced that destination.";
    case Fate::passed:
      break;
  }
  return "";
}

constexpr Fate drops[] = {Fate::wrong_source, Fate::unannounced, Fate::too_early, Fate::too_late};

// Why nothing reached a party.
std::string reason_for_silence(const Call& call, const Received& silent, const std::string& talker) {
  std::string text;
  for (const Fate fate : drops) {
    for (const Flow& flow : call.flows) {
      const bool concerns =
          flow.pinhole ? silent.pinholes.contains(*flow.pinhole) : fate == Fate::unannounced;
      if (flow.count(fate) == 0 || !concerns) continue;
      if (!text.empty()) return text + " More was dropped: see the media below.";
      text = " " + drop_text(call, flow, fate);
    }
  }
  if (!text.empty()) return text;
  return " Nothing for it was dropped: " + talker + " sent it nothing, or not through here.";
}

bool find_one_way(const Call& call, Verdict& verdict) {
  bool found = false;
  for (const auto& [media, by_party] : received_by(call)) {
    const auto busiest =
        std::ranges::max_element(by_party, {}, [](const auto& entry) { return entry.second.passed; });
    if (busiest == by_party.end() || busiest->second.passed == 0) continue;
    for (const auto& [party, received] : by_party) {
      if (!received.agreed || received.passed > 0) continue;
      verdict.findings.push_back({true, "One-way " + media + ": " + packets(busiest->second.passed) +
                                            " reached " + busiest->first + ", none reached " + party + "." +
                                            reason_for_silence(call, received, busiest->first)});
      verdict.heard_nothing.insert(party);
      if (!found) verdict.brief = "one-way " + media;
      found = true;
    }
  }
  return found;
}

std::uint64_t passed_in_all(const Call& call) {
  std::uint64_t passed = 0;
  for (const Flow& flow : call.flows) passed += flow.passed();
  return passed;
}

void find_no_media(const Call& call, MediaSeen seen, Verdict& verdict) {
  const bool agreed =
      std::ranges::any_of(call.pinholes, [](const Pinhole& p) { return p.bound && !was_given_up(p); });
  if (!agreed || passed_in_all(call) > 0) return;
  if (seen == MediaSeen::none) {
    verdict.findings.push_back(
        {false, "The capture holds no media: whether it would pass can't be seen here."});
    return;
  }
  std::string text = "No media passed, in either direction.";
  if (seen == MediaSeen::of_no_call)
    text += " Packets that no session description announced are listed beside the calls.";
  verdict.findings.push_back({true, std::move(text)});
  verdict.brief = "no media";
}

void find_refusals(const Call& call, Verdict& verdict) {
  std::map<Cause, std::uint64_t> by_cause;
  for (const auto& refusal : call.refusals) ++by_cause[refusal.cause];
  for (const auto& [cause, count] : by_cause) {
    verdict.findings.push_back({true, counted(count, "pinhole was", "pinholes were") + " refused (" +
                                          std::string(name(cause)) + "): " + std::string(meaning_of(cause)) +
                                          "."});
    if (verdict.brief.empty()) verdict.brief = "refused";
  }
}

void find_drops(const Call& call, Verdict& verdict) {
  constexpr std::size_t most = 3;
  for (const Fate fate : drops) {
    std::size_t told = 0;
    for (const Flow& flow : call.flows) {
      if (flow.count(fate) == 0) continue;
      if (++told > most) break;
      // What is sent while a call ends comes too late as a rule: that harms nobody.
      verdict.findings.push_back(
          {fate == Fate::wrong_source || fate == Fate::unannounced, drop_text(call, flow, fate)});
    }
    if (told > most) verdict.findings.push_back({false, "More like that: see the media below."});
  }
}

void find_unread(const Call& call, Verdict& verdict) {
  for (const message::Unread& unread : call.unread) {
    verdict.findings.push_back(
        {true, "A message opened nothing, or not all that it asks for: " + sentence_of(unread) + " (" +
                   std::string(name(unread.cause)) + ")."});
    if (verdict.brief.empty()) verdict.brief = "not read";
  }
}

void find_nothing_opened(const Call& call, Verdict& verdict) {
  if (!call.pinholes.empty() || !call.refusals.empty() || call.left_out.pinholes > 0) return;
  if (!call.unread.empty()) return;
  std::string why = "no message of it that could be read has a session description.";
  if (call.described) why = "what its session descriptions ask for needs no pinhole.";
  if (call.ambiguous) why = "a message of it is ambiguous: two readers could read it differently.";
  verdict.findings.push_back({call.answered.has_value(), "Nothing opened: " + why});
  verdict.brief = "nothing opened";
}

// Two parties at least, and no talk of which one heard nothing.
bool reached_all(const Call& call) {
  const auto received = received_by(call);
  return std::ranges::any_of(received, [](const auto& media) {
    const ByParty& by_party = media.second;
    const auto heard = [](const auto& party) { return party.second.passed > 0; };
    return std::ranges::count_if(by_party, heard) > 1;
  });
}

std::string quiet_brief(const Call& call) {
  if (passed_in_all(call) > 0) return "media passed";
  if (!call.answered && call.refused_with != 0)
    return "not answered (" + std::to_string(call.refused_with) + ")";
  return call.answered ? "answered" : "not answered";
}

}  // namespace

Verdict verdict_on(const Call& call, MediaSeen seen) {
  Verdict verdict;
  const bool one_way = find_one_way(call, verdict);
  if (!one_way) find_no_media(call, seen, verdict);
  find_refusals(call, verdict);
  find_unread(call, verdict);
  if (!one_way) find_drops(call, verdict);
  find_nothing_opened(call, verdict);
  verdict.good = !one_way && reached_all(call);
  verdict.trouble = std::ranges::any_of(verdict.findings, &Finding::trouble);
  if (verdict.brief.empty() && verdict.trouble) verdict.brief = "media dropped";
  if (verdict.brief.empty()) verdict.brief = verdict.good ? "media both ways" : quiet_brief(call);
  const auto open = std::ranges::count_if(call.pinholes, [](const Pinhole& p) { return !p.closed; });
  if (open > 0) {
    verdict.findings.push_back(
        {false, counted(static_cast<std::uint64_t>(open), "pinhole is", "pinholes are") +
                    " still open where the capture ends."});
  }
  return verdict;
}

std::string_view meaning_of(Cause cause) {
  switch (cause) {
    case Cause::other_side:
      return "the address lies on another side of the gateway than the message came from";
    case Cause::networks:
      return "the address is in none of media.networks, and the message came from another one";
    case Cause::tcp_off:
      return "it asks for media over TCP (MSRP, BFCP), and media.tcp is off";
    case Cause::port_policy:
      return "the port is below 1024, outside media.ports, or among media.refuse-ports";
    case Cause::address:
      return "no address that media may be sent to: a host name, multicast, loopback, the gateway's own, or "
             "one of "
             "media.refuse-networks";
    case Cause::ambiguous:
      return "the message has two different values where one may stand, so two readers could read it "
             "differently";
    case Cause::limit:
      return "more media sections, candidates, pinholes or calls than [limits] allows";
    case Cause::no_request:
      return "an answer whose request was not seen";
    case Cause::offer:
    case Cause::answer:
    case Cause::candidate:
    case Cause::recovered:
    case Cause::bye:
    case Cause::rejected:
    case Cause::cancelled:
    case Cause::replaced:
    case Cause::held:
    case Cause::expired:
    case Cause::session_expired:
    case Cause::idle:
    case Cause::early_timeout:
    case Cause::fork:
    case Cause::requested:
    case Cause::shutdown:
      break;
  }
  return "";
}

}  // namespace dpinholer::report
